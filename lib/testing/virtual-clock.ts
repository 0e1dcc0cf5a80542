import type { Clock } from '../core/clock.js'

interface Timer {
  readonly due: number
  readonly fn: () => void
}

// Taken at load, so that a test runner's fake timers do not stop it.
const immediate = setImmediate

const settle = () => new Promise<void>(resolve => immediate(() => resolve()))

/**
 * A clock that a test moves by hand: no test has to wait. Timers fire in order of their time, those of one instant in the order they were
 * set; before and after each, every promise chain that needs no I/O runs to its end, so that what a timer sets off is done when the next
 * one fires. Wall time starts at 2026-01-01T00:00:00Z, monotonic time at 0.
 */
export class VirtualClock implements Clock {
  #wall: number = Date.UTC(2026, 0, 1)
  #elapsed = 0
  #timers: Timer[] = []
  #last: Promise<unknown> = Promise.resolve()

  /** Wall time, milliseconds since 1970. */
  now(): number {
    return this.#wall + this.#elapsed
  }

  /** Milliseconds by which the clock has been advanced. */
  monotonic(): number {
    return this.#elapsed
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length
  }

  /** Calls `fn` once when the clock is `ms` further; less than 0 counts as 0. Returns what forgets it. @throws RangeError when `ms` is not a number. */
  after(ms: number, fn: () => void): () => void {
    if (Number.isNaN(ms)) throw new RangeError('a timer of NaN milliseconds would never be in order; give a number')
    const timer = { due: this.#elapsed + Math.max(0, ms), fn }
    this.#timers.splice(this.#placeOf(timer), 0, timer)
    return () => this.#forget(timer)
  }

  /**
   * Moves time on by `ms` and fires what falls due. Calls run one after the other.
   * @throws RangeError when `ms` is negative or not finite. Rejects with what a timer throws.
   */
  advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`cannot advance a clock by ${ms} ms; give 0 or more`)
    return this.#inTurn(() => this.#advanceTo(this.#elapsed + ms))
  }

  /**
   * Fires timers, moving time on from one to the next, until none is left that would ever fire.
   * Rejects with a RangeError after `maxTimers` (default 100,000): a timer that always sets the next one never ends.
   */
  run(options: { readonly maxTimers?: number } = {}): Promise<void> {
    return this.#inTurn(() => this.#runAll(options.maxTimers ?? 100_000))
  }

  /** Moves wall time only, as an administrator or NTP would: no timer may notice. @throws RangeError when `ms` is not finite. */
  jump(ms: number): void {
    if (!Number.isFinite(ms)) throw new RangeError(`cannot move a clock by ${ms} ms; give a finite number`)
    this.#wall += ms
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #advanceTo(target: number): Promise<void> {
    await settle()
    while (this.#nextDue() <= target) await this.#fire()
    this.#elapsed = target
    await settle()
  }

  async #runAll(maxTimers: number): Promise<void> {
    await settle()
    for (let fired = 0; this.#nextDue() < Number.POSITIVE_INFINITY; fired++) {
      if (fired === maxTimers)
        throw new RangeError(`${maxTimers} timers fired and there are still ${this.pending}; use advance(), or raise maxTimers`)
      await this.#fire()
    }
  }

  async #fire(): Promise<void> {
    const timer = this.#timers.shift()!
    this.#elapsed = timer.due
    timer.fn()
    await settle()
  }

  #nextDue(): number {
    return this.#timers[0]?.due ?? Number.POSITIVE_INFINITY
  }

  #placeOf(timer: Timer): number {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#timers[middle]!.due <= timer.due) low = middle + 1
      else high = middle
    }
    return low
  }

  #forget(timer: Timer): void {
    const at = this.#timers.indexOf(timer)
    if (at >= 0) this.#timers.splice(at, 1)
  }
}
