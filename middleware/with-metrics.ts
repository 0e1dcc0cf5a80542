import { defineMiddleware, type Host, type Kind, type Layer, type SpanTotals } from 'outrigger'

/** What a sidecar measures. Times in milliseconds, unions of intervals: they never pass `wall`. */
export interface Metrics {
  readonly ms: Omit<SpanTotals, 'busy'>
  /** Model actions. */
  readonly calls: number
  /** Attempts of model actions. */
  readonly attempts: number
  /** Actions of each kind that failed, an attempt each. */
  readonly errors: Readonly<Record<Kind, number>>
  /** The sidecar's own time, and how many actions it saw. */
  readonly self: { readonly ms: number; readonly actions: number }
}

/** The members that `withMetrics` shows. */
export interface MetricsMembers {
  /** token ÷ net: how much of the working time went into waiting for the model. 0 to 1; 0 before the first action. */
  readonly utilization: number
  /** (token ∪ tool) ÷ net. 0 to 1; 0 before the first action. */
  readonly saturation: number
  readonly metrics: Metrics
}

const nothing: SpanTotals = { token: 0, tool: 0, throttle: 0, stopped: 0, wall: 0, net: 0, busy: 0 }

/**
 * Shows how an agent spends its time. The core measures; this layer counts and shows. Fails open. State: counters of one sidecar.
 * @throws TypeError on an option: there is none yet
 */
export function withMetrics(options: Readonly<Record<string, never>> = {}): Layer<MetricsMembers> {
  if (typeof options !== 'object' || options === null) throw new TypeError('withMetrics: options must be an object')
  for (const key of Object.keys(options)) throw new TypeError(`withMetrics: unknown option "${key}"; it takes none`)
  let host: Host | undefined
  let calls = 0
  let attempts = 0
  const errors: Record<Kind, number> = { send: 0, model: 0, tool: 0, spawn: 0 }
  const totals = () => host?.spans.totals() ?? nothing

  const members: MetricsMembers = {
    get utilization() {
      const { token, net } = totals()
      return share(token, net)
    },
    get saturation() {
      const { busy, net } = totals()
      return share(busy, net)
    },
    get metrics() {
      const { busy: _, ...ms } = totals()
      return { ms, calls, attempts, errors: { ...errors }, self: { ms: host?.self.ms ?? 0, actions: host?.self.actions ?? 0 } }
    },
  }

  return defineMiddleware(
    {
      name: 'withMetrics',
      perAttempt: true,
      fail: 'open',
      expose: members,
      attach: given => {
        host = given
      },
      snapshot: () => ({
        ...members.metrics,
        ms: { ...members.metrics.ms },
        utilization: members.utilization,
        saturation: members.saturation,
      }),
    },
    async (ctx, next) => {
      if (ctx.kind === 'model') {
        attempts++
        if (ctx.attempt === 1) calls++
      }
      try {
        await next()
      } catch (error) {
        errors[ctx.kind]++
        throw error
      }
    },
  )
}

/** A union is never longer than net, except by the rounding of sums. */
function share(part: number, net: number): number {
  return net > 0 ? Math.min(1, part / net) : 0
}
