import { type Context, DeadlineError, defineMiddleware, isOutriggerError, type Layer, TruncatedStreamError, UpstreamError } from 'outrigger'
import { upstreamKey } from 'outrigger/claude'
import { createRetryBudget, type RetryBudget, sharedRetryBudget } from './retry-budget.js'
import { givenValue } from './given-value.js'

/** Options of {@link withRetry}. */
export interface WithRetryOptions {
  /** Attempts in all, the first included. Default 3. */
  readonly attempts?: number
  /** The time for all attempts and waits together, in milliseconds; what runs then is aborted. Default: none. */
  readonly deadlineMs?: number
  /** Before attempt n + 1 the wait is drawn from 100 ms to this times 2^n, in milliseconds. Default 2,000: wide enough that callers who failed together come back apart. */
  readonly baseDelayMs?: number
  /** The most that is drawn, in milliseconds. A longer wait that the server asks for is kept. Default 30,000. */
  readonly maxDelayMs?: number
  /** Default: one for each upstream, shared by the process. */
  readonly budget?: RetryBudget
  /** From 0 to 1, for the jitter. Default `Math.random`. */
  readonly random?: () => number
}

const known = new Set(['attempts', 'deadlineMs', 'baseDelayMs', 'maxDelayMs', 'budget', 'random'])
/** Jitter never falls below this: a throttled server is not asked again at once. */
const leastDelayMs = 100

/**
 * Repeats a model call that failed in a way that can pass: overload, rate limits, lost connections, server errors. Never after something was
 * released, never a refusal, never a spend limit; tools only when they declare `idempotent`. State: the retry budget.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function withRetry(options: WithRetryOptions = {}): Layer {
  const { attempts, deadlineMs, baseDelayMs, maxDelayMs, budget, random } = validated(options)
  const own = createRetryBudget()

  return defineMiddleware(
    {
      name: 'withRetry',
      on: ['model', 'tool'],
      reenters: true,
      options: { attempts, baseDelayMs, maxDelayMs, ...(deadlineMs === undefined ? {} : { deadlineMs }) },
    },
    async (ctx, next) => {
      if (!mayRepeat(ctx)) return next()
      const startedAt = ctx.clock.monotonic()
      const leftMs = () => (deadlineMs === undefined ? Number.POSITIVE_INFINITY : deadlineMs - (ctx.clock.monotonic() - startedAt))
      const retries = budget ?? budgetOf(ctx, own)
      retries.deposit(startedAt)
      for (let n = 1; ; n++) {
        const error = await failureOf(ctx, next, leftMs(), deadlineMs)
        if (error === undefined) return
        const delayMs = n < attempts && isRetryable(ctx, error) ? delay(error, n) : undefined
        if (delayMs === undefined || delayMs >= leftMs() || !retries.withdraw(ctx.clock.monotonic())) throw error.value
        await ctx.during('throttle', () => sleep(ctx, delayMs))
        // Timers fire late: no attempt begins behind the deadline.
        if (leftMs() <= 0) throw error.value
      }
    },
  )

  function delay(error: Failure, n: number): number {
    const drawn = leastDelayMs + random() * Math.max(0, Math.min(maxDelayMs, baseDelayMs * 2 ** n) - leastDelayMs)
    return Math.max(Math.min(drawn, maxDelayMs), retryAfterMs(error.value) ?? 0)
  }
}

interface Failure {
  readonly value: unknown
}

function mayRepeat(ctx: Context): boolean {
  return ctx.action.kind === 'model' || (ctx.action.kind === 'tool' && ctx.action.idempotent === true)
}

function budgetOf(ctx: Context, own: RetryBudget): RetryBudget {
  const upstream = upstreamKey.peek(ctx)
  return upstream ? sharedRetryBudget(upstream) : own
}

/** Runs an attempt. Resolves to what it failed with; a deadline rejects at once, and the core ends the attempt. */
async function failureOf(
  ctx: Context,
  next: () => Promise<void>,
  leftMs: number,
  deadlineMs: number | undefined,
): Promise<Failure | undefined> {
  if (deadlineMs === undefined) return next().then(none, asFailure)
  let passed: (() => void) | undefined
  const deadline = new Promise<never>((_, reject) => {
    passed = ctx.clock.after(leftMs, () => reject(new DeadlineError({ deadline: 'retry', ms: deadlineMs })), { awaited: true })
  })
  try {
    return await Promise.race([next().then(none, asFailure), deadline])
  } finally {
    passed?.()
  }
}

const none = (): undefined => undefined
const asFailure = (value: unknown): Failure => ({ value })

function isRetryable(ctx: Context, { value }: Failure): boolean {
  if (ctx.released || ctx.signal.aborted) return false
  if (value instanceof UpstreamError) return value.upstream.retryable === true
  if (value instanceof TruncatedStreamError || value instanceof DeadlineError) return true
  return ctx.kind === 'tool' && !isOutriggerError(value)
}

function retryAfterMs(error: unknown): number | undefined {
  return error instanceof UpstreamError ? error.upstream.retryAfterMs : undefined
}

/** Waits; an abort rejects with its reason at once and leaves no timer and no listener. */
function sleep(ctx: Context, ms: number): Promise<void> {
  const { signal, clock } = ctx
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const stop = clock.after(
      ms,
      () => {
        signal.removeEventListener('abort', aborted)
        resolve()
      },
      { awaited: true },
    )
    const aborted = () => {
      stop()
      reject(signal.reason)
    }
    signal.addEventListener('abort', aborted, { once: true })
  })
}

function validated(
  options: WithRetryOptions,
): Required<Omit<WithRetryOptions, 'deadlineMs' | 'budget'>> & Pick<WithRetryOptions, 'deadlineMs' | 'budget'> {
  if (typeof options !== 'object' || options === null) throw new TypeError('withRetry: options must be an object')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`withRetry: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { attempts = 3, deadlineMs, baseDelayMs = 2000, maxDelayMs = 30_000, budget, random = Math.random } = options
  if (!(Number.isInteger(attempts) && attempts >= 1))
    throw new RangeError(`withRetry: attempts must be a whole number from 1, got ${givenValue(attempts)}`)
  for (const [name, value] of Object.entries({ baseDelayMs, maxDelayMs, ...(deadlineMs === undefined ? {} : { deadlineMs }) })) {
    if (!(Number.isFinite(value) && value >= 0))
      throw new RangeError(`withRetry: ${name} must be milliseconds from 0, got ${givenValue(value)}`)
  }
  if (budget !== undefined && (typeof budget?.withdraw !== 'function' || typeof budget.deposit !== 'function'))
    throw new TypeError('withRetry: budget must come from createRetryBudget()')
  if (typeof random !== 'function') throw new TypeError('withRetry: random must be a function')
  return { attempts, deadlineMs, baseDelayMs, maxDelayMs, budget, random }
}
