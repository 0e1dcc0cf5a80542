import fc from 'fast-check'
import { normalise } from '../../lib/core/define.js'
import { detachable } from '../../lib/core/detach.js'
import { ViolationError } from '../../lib/core/errors.js'
import { Runtime } from '../../lib/core/runtime.js'
import type { Context, Layer, SidecarEvent } from '../../lib/core/types.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { layer, settled, watchUnhandled } from './rig.js'

/** What a layer has at hand in a pass. */
interface Hand {
  readonly ctx: Context
  readonly next: () => Promise<void>
  /** A failure of the layer, and a verdict. */
  readonly own: Error
  readonly verdict: ViolationError
  abort(): void
}

const forever = () => new Promise<never>(() => {})

/** Waits; an abort ends it, unless the layer does not listen. */
function wait(ms: number, { clock, signal }: Pick<Context, 'clock' | 'signal'>, deaf = false): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(ms, () => {
      signal.removeEventListener('abort', aborted)
      resolve()
    })
    const aborted = () => {
      stop()
      reject(signal.reason)
    }
    if (deaf) return
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
  })
}

const deeds = {
  passes: ({ next }) => next(),
  taps: ({ ctx, next }) => {
    ctx.tap({ event: (event, push) => push(event) })
    return next()
  },
  waitsBefore: ({ ctx, next }) => wait(50, ctx).then(next),
  waitsAfter: ({ ctx, next }) => next().then(() => wait(50, ctx)),
  isAborted: ({ abort, next }) => {
    abort()
    return next()
  },
  failsBefore: ({ own }) => {
    throw own
  },
  refusesBefore: ({ verdict }) => {
    throw verdict
  },
  failsAfter: ({ next, own }) => next().then(() => Promise.reject(own)),
  refusesAfter: ({ next, verdict }) => next().then(() => Promise.reject(verdict)),
  failsInside: ({ next, own }) => {
    next()
    throw own
  },
  forgets: async ({ next }) => void next(),
  callsTwice: ({ next }) => next().then(next),
  swallows: ({ next }) => next().catch(() => {}),
  replaces: ({ next, own }) => next().catch(() => Promise.reject(own)),
  wraps: ({ next }) => next().catch(cause => Promise.reject(new Error('wrapped', { cause }))),
  repeats: ({ ctx, next }) => next().catch(error => (ctx.attempt > 3 ? Promise.reject(error) : wait(10, ctx).then(next))),
  limits: async ({ ctx, next, own }) => {
    let stop!: () => void
    const limit = new Promise((_, reject) => {
      stop = ctx.clock.after(30, () => reject(own))
    })
    await Promise.race([next(), limit]).finally(stop)
  },
  neverCalls: async () => {},
  wakesLate: ({ ctx, next }) => wait(1500, ctx, true).then(next),
  hangsBefore: forever,
  hangsAfter: ({ next }) => next().then(forever),
} satisfies Record<string, (hand: Hand) => Promise<void>>

type Deed = keyof typeof deeds

const cores = ['good', 'bad', 'slow', 'slowBad', 'hangs'] as const

interface LayerPlan {
  readonly does: Deed
  readonly fail: 'open' | 'closed'
  readonly reenters: boolean
  /** It is no async function: what it throws at once, it throws without a promise. */
  readonly plain: boolean
}

/** One action: what its layers do, outermost first, what its core does, and when its caller aborts, in milliseconds. */
export interface ChainPlan {
  readonly layers: readonly LayerPlan[]
  readonly core: (typeof cores)[number]
  readonly abortAt: number | null
}

const passing = fc.constant<Deed>('passes')

export const chainPlans: fc.Arbitrary<ChainPlan> = fc.record({
  layers: fc.array(
    fc.record({
      does: fc.oneof({ arbitrary: passing, weight: 1 }, { arbitrary: fc.constantFrom(...(Object.keys(deeds) as Deed[])), weight: 5 }),
      fail: fc.constantFrom('open' as const, 'closed' as const),
      reenters: fc.boolean(),
      plain: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  core: fc.constantFrom(...cores),
  abortAt: fc.constantFrom(null, null, 0, 20, 60, 1200),
})

/** A layer that does nothing but what the contract lets it do: no error comes of it. */
function behaves({ does, reenters }: LayerPlan): boolean {
  return ['passes', 'taps', 'waitsBefore', 'waitsAfter', 'isAborted'].includes(does) || (does === 'repeats' && reenters)
}

function hangs({ does, fail }: LayerPlan): boolean {
  return does === 'hangsAfter' || (fail === 'closed' && does === 'hangsBefore')
}

type Ending = { readonly reply: unknown } | { readonly error: unknown }

/** One action of a plan, with what can be seen of it. */
class Trial {
  readonly plan: ChainPlan
  readonly clock = new VirtualClock()
  readonly caller = new AbortController()
  readonly reason = new Error('the caller aborts')
  readonly inner = new Error('the core fails')
  readonly runtime: Runtime
  readonly ctx: ReturnType<Runtime['context']>
  readonly events: SidecarEvent[] = []
  ending: Ending | undefined
  runs = 0
  runsWhenEnded: number | undefined
  running = 0
  overlapped = false

  constructor(plan: ChainPlan) {
    this.plan = plan
    const layers = normalise(plan.layers.map((one, place) => this.#layer(one, place)))
    this.runtime = new Runtime({ agent: { id: 'a', name: 'a', type: 'agent' }, clock: this.clock, layers, whenPaused: 'reject' })
    this.runtime.events.subscribe(event => this.events.push(event))
    this.ctx = this.runtime.context({ kind: 'tool', name: 't', input: 'in' })
  }

  /** Runs it as long as anything happens; says whether it ended without the abort that it gets then. */
  async run(): Promise<boolean> {
    const ended = (ending: Ending) => {
      this.ending = ending
      this.runsWhenEnded = this.runs
    }
    this.runtime
      .run(this.ctx, () => this.#core(), this.caller.signal)
      .then(
        reply => ended({ reply }),
        error => ended({ error }),
      )
    if (this.plan.abortAt !== null) this.clock.after(this.plan.abortAt, () => this.abort())
    await this.clock.advance(10_000)
    const byItself = this.ending !== undefined
    if (!byItself) this.abort()
    await this.clock.advance(5_000)
    return byItself
  }

  abort(): void {
    this.caller.abort(this.reason)
  }

  #layer({ does, fail, reenters, plain }: LayerPlan, place: number): Layer {
    const own = new Error(`layer ${place} fails`)
    const verdict = new ViolationError({ ruleId: `layer ${place}` })
    const hand = (ctx: Context, next: () => Promise<void>): Hand => ({ ctx, next, own, verdict, abort: () => this.abort() })
    const fn = (ctx: Context, next: () => Promise<void>) => (deeds[does] as (hand: Hand) => Promise<void>)(hand(ctx, next))
    return layer(`layer ${place}`, plain ? fn : async (ctx, next) => fn(ctx, next), { fail, reenters })
  }

  async #core(): Promise<void> {
    this.runs++
    this.overlapped ||= this.running++ > 0
    try {
      this.ctx.reply = await detachable(this.ctx, this.#effect())
    } finally {
      this.running--
    }
  }

  async #effect(): Promise<string> {
    const { core } = this.plan
    if (core.startsWith('slow')) await wait(40, this.ctx, true)
    if (core === 'hangs') await forever()
    if (core === 'bad' || core === 'slowBad') throw this.inner
    return 'reply'
  }
}

/** Runs a plan; says what is wrong, or nothing. */
export async function chainFlaw(plan: ChainPlan): Promise<string | undefined> {
  const unhandled = watchUnhandled()
  const trial = new Trial(plan)
  const byItself = await trial.run()
  await settled()
  await unhandled.stop()
  if (unhandled.seen.length > 0) return `left a rejection unhandled: ${unhandled.seen}`
  const stands = plan.core === 'hangs' || plan.layers.some(hangs)
  if (!byItself && !stands) return 'did not end by itself'
  return trial.ending === undefined ? 'did not end, even when it was aborted' : (wrongEnd(trial, trial.ending) ?? leftover(trial))
}

function wrongEnd(trial: Trial, ending: Ending): string | undefined {
  const count = (type: string) => trial.events.filter(event => event.type === type).length
  if (count('action.started') !== 1 || count('action.ended') !== 1) return 'did not begin and end once'
  const { outcome } = trial.events.find(event => event.type === 'action.ended')!
  if (trial.overlapped) return 'ran two attempts at a time'
  if (trial.runs > trial.runsWhenEnded!) return 'ran the core when the caller had his answer'
  if (trial.runs > 0 && (!outcome.sent || outcome.status === 'refused')) return 'says that nothing was sent'
  if ('error' in ending)
    return outcome.error === ending.error ? wrongError(trial, ending.error) : `tells ${outcome.error}, throws ${ending.error}`
  if (ending.reply !== 'reply' || trial.runs === 0 || trial.plan.core.toLowerCase().endsWith('bad')) return 'swallowed an error'
  return outcome.status === 'done' ? undefined : `resolved as ${outcome.status}`
}

/** A closed layer may fail with an error of its own; everything else is the core's error, a verdict, or the caller's reason. */
function wrongError({ plan, inner, reason, caller }: Trial, error: unknown): string | undefined {
  if (plan.layers.some(one => one.fail === 'closed' && !behaves(one))) return
  if (error === inner || error instanceof ViolationError || (caller.signal.aborted && error === reason)) return
  return `threw ${error}`
}

function leftover({ plan, runtime, ctx, clock, runs, events }: Trial): string | undefined {
  if (runtime.inFlight !== 0) return `left ${runtime.inFlight} actions in flight`
  if (clock.pending !== 0) return `left ${clock.pending} timers`
  const { wall, ...parts } = runtime.spans.totals()
  if (Object.values(parts).some(ms => ms > wall)) return 'counts more time than passed'
  // A layer that hangs keeps what it holds.
  if (plan.layers.some(hangs)) return
  if (runtime.scope.listeners + ctx.actionScope.listeners > 0) return 'left listeners'
  if (events.filter(({ type }) => type === 'attempt.ended').length < runs) return 'archived fewer attempts than there were'
}
