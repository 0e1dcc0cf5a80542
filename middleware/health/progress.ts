import type { Finding } from './status.js'

/** Calls that were paid for one after the other with nothing new, and how long that took, in milliseconds. */
export type KeptProgress = {
  readonly calls: number
  readonly ms: number
}

/** Sees slow spend that leads nowhere: calls are paid for, one after the other, and nothing new comes. */
export class Progress {
  readonly #ms: number
  readonly #calls: number
  #first: number | undefined
  #last = 0
  #count = 0

  /** @param ms - how long; `calls`: at least so many */
  constructor(ms: number, calls: number) {
    this.#ms = ms
    this.#calls = calls
  }

  get kept(): KeptProgress {
    return { calls: this.#count, ms: this.#first === undefined ? 0 : this.#last - this.#first }
  }

  /** The time between two processes does not count. */
  restore({ calls, ms }: KeptProgress, now: number): void {
    this.#count = calls
    this.#last = now
    this.#first = calls > 0 ? now - ms : undefined
  }

  paid(now: number): void {
    this.#first ??= now
    this.#last = now
    this.#count++
  }

  /** Something new came. */
  made(): void {
    this.#first = undefined
    this.#count = 0
  }

  get finding(): Finding | undefined {
    if (this.#first === undefined || this.#count < this.#calls || this.#last - this.#first < this.#ms) return undefined
    const minutes = Math.floor((this.#last - this.#first) / 60_000)
    return { signal: 'no-progress', text: `${this.#count} calls were paid for in ${minutes} minutes, and nothing new came of them` }
  }
}
