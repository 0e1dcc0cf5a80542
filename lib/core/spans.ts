import type { Clock } from './clock.js'
import type { SpanCategory } from './types.js'

/** Milliseconds by category: unions of intervals, clipped to `wall`, spans in flight included. */
export interface SpanTotals {
  readonly token: number
  readonly tool: number
  readonly throttle: number
  readonly stopped: number
  readonly wall: number
  /** `wall` less the throttle time outside token and tool time. */
  readonly net: number
  /** token ∪ tool. */
  readonly busy: number
}

/** A live, constant-memory fold of overlapping spans. */
export interface Spans {
  /** Opens a span; returns what closes it (calling it again does nothing). */
  open(category: SpanCategory | 'wall'): () => void
  /** The totals at this instant. */
  totals(): SpanTotals
}

const names = ['token', 'tool', 'throttle', 'stopped', 'wall'] as const
type Name = (typeof names)[number]

// Classes, not literals: V8 learns from folds that live as long as a sidecar to put literals of the same place into old space, and then
// leaves the folds of short tasks there as garbage.
class Counts implements Record<Name, number> {
  token = 0
  tool = 0
  throttle = 0
  stopped = 0
  wall = 0
}

class Sums extends Counts implements SpanTotals {
  busy = 0
  net = 0
}

/**
 * Folds spans by sweeping: between two changes the set of open categories is constant, so each union grows by the same step. Nothing is
 * kept per span, and no category can pass `wall`.
 */
export class SpanFold implements Spans {
  readonly #clock: Clock
  #at: number
  readonly #open = new Counts()
  readonly #ms = new Sums()

  constructor(clock: Clock, at: number = clock.monotonic()) {
    this.#clock = clock
    this.#at = at
  }

  open(category: Name): () => void {
    this.enter(category)
    let closed = false
    return () => {
      if (closed) return
      closed = true
      this.leave(category)
    }
  }

  /** `open` without a closer: for pairs that cannot be closed twice. `now` saves a look at the clock. */
  enter(category: Name, now?: number): void {
    this.#sweep(now)
    this.#open[category]++
  }

  /** Closes what `enter` opened. */
  leave(category: Name, now?: number): void {
    this.#sweep(now)
    this.#open[category]--
  }

  totals(): SpanTotals {
    this.#sweep()
    return { ...this.#ms }
  }

  #sweep(now: number = this.#clock.monotonic()): void {
    const step = now - this.#at
    if (step <= 0) return
    this.#at = now
    const open = this.#open
    if (open.wall === 0) return
    const ms = this.#ms
    for (const name of names) if (open[name] > 0) ms[name] += step
    const busy = open.token > 0 || open.tool > 0
    if (busy) ms.busy += step
    // Summed, not subtracted: rounding is monotonic, so that no part of net can pass it by an ulp.
    if (busy || open.throttle === 0) ms.net += step
  }
}
