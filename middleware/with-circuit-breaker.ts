import {
  type Context,
  DeadlineError,
  defineMiddleware,
  type Host,
  type Layer,
  type ModelAction,
  TruncatedStreamError,
  UpstreamError,
} from 'outrigger'
import { upstreamKey } from 'outrigger/claude'
import {
  type CircuitBreaker,
  type CircuitBreakerOptions,
  circuitOptions,
  type CircuitSettings,
  circuitSettings,
  type CircuitVerdict,
  createCircuitBreaker,
} from './circuit-breaker.js'

/** Options of {@link withCircuitBreaker}. */
export interface WithCircuitBreakerOptions extends CircuitBreakerOptions {
  /** From `createCircuitBreaker()`, in place of the one of the upstream: for chosen sidecars. It has its own options. */
  readonly breaker?: CircuitBreaker
}

const known = [...circuitOptions, 'breaker']

/**
 * Keeps calls away from a model that fails: while its circuit is open they are refused at once, and one probe at a time finds out whether it is well
 * again. Aborts, refusals and errors of the 4xx say nothing of the model. State: a circuit for each model of an upstream, shared by the agents of the
 * process that give the same options, or by the sidecars that are given the same breaker.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function withCircuitBreaker(options: WithCircuitBreakerOptions = {}): Layer {
  const { breaker, settings } = validated(options)
  const own = breaker ?? createCircuitBreaker(settings)
  let host: Host | undefined
  let used = own

  return defineMiddleware(
    {
      name: 'withCircuitBreaker',
      on: ['model'],
      perAttempt: true,
      fail: 'open',
      options: breaker ? { breaker: 'own' } : { ...settings },
      attach: given => {
        host = given
      },
      inherit: () => withCircuitBreaker(options),
      snapshot: () => Object.fromEntries([...used.circuits(host?.clock.monotonic() ?? 0)].map(([name, circuit]) => [name, { ...circuit }])),
    },
    async (ctx, next) => {
      used = breaker ?? breakerOf(upstreamKey.peek(ctx), settings) ?? own
      const { clock } = ctx
      const ended = used.enter((ctx.action as ModelAction).model, clock.monotonic())
      let verdict: CircuitVerdict = 'neutral'
      try {
        await next()
        verdict = ctx.outcome?.sent ? 'good' : 'neutral'
      } catch (error) {
        verdict = verdictOf(ctx, error)
        throw error
      } finally {
        ended(verdict, clock.monotonic())
      }
    },
  )
}

// For each upstream of the process one breaker for each set of options: another set would open and close it for others.
const shared = new WeakMap<object, Map<string, CircuitBreaker>>()

function breakerOf(upstream: object | undefined, settings: CircuitSettings): CircuitBreaker | undefined {
  if (!upstream) return undefined
  const breakers = shared.get(upstream) ?? new Map<string, CircuitBreaker>()
  shared.set(upstream, breakers)
  const name = JSON.stringify(settings)
  const breaker = breakers.get(name) ?? createCircuitBreaker(settings)
  breakers.set(name, breaker)
  return breaker
}

/** Deadlines of whoever reads, asks or repeats, not of the model. */
const callersDeadlines: ReadonlySet<string> = new Set(['reader idle', 'client', 'retry'])

/** What a failure shows of the model. */
function verdictOf(ctx: Context, error: unknown): CircuitVerdict {
  if (error instanceof DeadlineError) return callersDeadlines.has(error.deadline) ? 'neutral' : 'bad'
  if (ctx.signal.aborted && Object.is(ctx.signal.reason, error) && ctx.outcome?.status === 'aborted') return 'neutral'
  if (error instanceof TruncatedStreamError) return 'bad'
  return error instanceof UpstreamError ? ofUpstream(error) : 'neutral'
}

/** Types of error events that are the caller's own, or his rate limit's. */
const callersTypes: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
  'rate_limit_error',
])

function ofUpstream({ upstream: { code, status, type } }: UpstreamError): CircuitVerdict {
  if (code === 'ABORTED' || code === 'NOT_LISTED') return 'neutral'
  if (status !== undefined) return status >= 400 && status < 500 ? 'neutral' : 'bad'
  return type !== undefined && callersTypes.has(type) ? 'neutral' : 'bad'
}

function validated(options: WithCircuitBreakerOptions): {
  readonly breaker: CircuitBreaker | undefined
  readonly settings: CircuitSettings
} {
  if (typeof options !== 'object' || options === null) throw new TypeError('withCircuitBreaker: options must be an object')
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw new TypeError(`withCircuitBreaker: unknown option "${key}"; known are ${known.join(', ')}`)
  const { breaker, ...figures } = options
  if (breaker === undefined) return { breaker, settings: circuitSettings('withCircuitBreaker', figures) }
  if (typeof breaker?.enter !== 'function') throw new TypeError('withCircuitBreaker: breaker must come from createCircuitBreaker()')
  if (Object.values(figures).some(value => value !== undefined))
    throw new TypeError('withCircuitBreaker: a breaker has options of its own; give one of the two')
  return { breaker, settings: circuitSettings('withCircuitBreaker', {}) }
}
