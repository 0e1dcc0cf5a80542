import { type Context, defineMiddleware, type Host, type Layer, type Outcome } from 'outrigger'
import { isShutTo } from './is-shut-to.js'
import { checkedConcurrency, type Limit, processLimit, type Turn } from './limit.js'

/** Options of {@link withLimit}. */
export interface WithLimitOptions {
  /** How many model calls may run at once, of all agents of the process together. Default 10. */
  readonly concurrency?: number
  /** From `createLimit()`, in place of the one of the process: for chosen sidecars. */
  readonly limit?: Limit
}

const known = new Set(['concurrency', 'limit'])

/**
 * Keeps the model calls that run at once within a number, and lets the others wait in a fair order. State: the limit, shared by the agents of
 * the process, or by the sidecars that are given the same one.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function withLimit(options: WithLimitOptions = {}): Layer {
  const { limit = processLimit(), concurrency } = validated(options)
  let host: Host | undefined

  return defineMiddleware(
    {
      name: 'withLimit',
      on: ['model'],
      perAttempt: true,
      options: { concurrency: concurrency ?? limit.concurrency, limit: options.limit ? 'own' : 'process' },
      attach: given => {
        host = given
      },
      inherit: () => withLimit(options),
      snapshot: () => ({
        concurrency: Math.min(concurrency ?? limit.concurrency, limit.concurrency),
        running: limit.running,
        waiting: limit.waiting,
      }),
    },
    async (ctx, next) => {
      const turn = await turnOf(ctx, host!, () => limit.enter(ctx.agent, concurrency))
      try {
        await next()
      } finally {
        endAfter(turn, ctx.outcome)
      }
    },
  )
}

/** Left the line because the gate has shut. */
const shut = Symbol('shut')

/** A turn that runs. Whoever has waited passes the gate again; where that holds it back, it gives its place to others meanwhile. */
async function turnOf(ctx: Context, host: Host, enter: () => Turn): Promise<Turn> {
  for (;;) {
    const turn = enter()
    if (turn.running) return turn
    const left = await ctx.during('throttle', () => waited(turn, ctx, host)).catch(orShut)
    if (left !== shut) return turn
    await host.gate(ctx)
  }
}

function orShut(reason: unknown): typeof shut {
  if (reason !== shut) throw reason
  return shut
}

/** Waits for the turn; leaves the line at once on an abort, or when the gate shuts to the action. */
async function waited(turn: Turn, ctx: Context, host: Host): Promise<void> {
  const { signal } = ctx
  const aborted = () => turn.leave(signal.reason)
  const leaveIfShut = () => isShutTo(ctx, host) && turn.leave(shut)
  if (signal.aborted) aborted()
  else leaveIfShut()
  signal.addEventListener('abort', aborted, { once: true })
  const forget = host.whenShut(leaveIfShut)
  try {
    await turn.ready
  } finally {
    forget()
    signal.removeEventListener('abort', aborted)
  }
}

/** A slot is free when its work has ended, also where nobody waits for that any more. */
function endAfter(turn: Turn, outcome: Outcome | undefined): void {
  const done = () => turn.done()
  if (outcome?.detached) outcome.detached.then(done, done)
  else done()
}

function validated(options: WithLimitOptions): { readonly limit: Limit | undefined; readonly concurrency: number | undefined } {
  if (typeof options !== 'object' || options === null) throw new TypeError('withLimit: options must be an object')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`withLimit: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { concurrency, limit } = options
  if (limit === undefined) return { limit, concurrency: checkedConcurrency(concurrency ?? 10, 'withLimit') }
  if (typeof limit?.enter !== 'function') throw new TypeError('withLimit: limit must come from createLimit()')
  if (concurrency !== undefined) throw new TypeError('withLimit: a limit has a concurrency of its own; give one of the two')
  return { limit, concurrency }
}
