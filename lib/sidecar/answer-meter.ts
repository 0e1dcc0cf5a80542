import type { Clock } from '../core/clock.js'
import type { FetchLimits } from '../policy/network/fetch-limits.js'
import { fetchFailed } from './fetch-failed.js'

/** Measures one answer by the limits of a rule. Only waiting for the server counts, not what its reader does meanwhile. */
export class AnswerMeter {
  readonly #limits: FetchLimits
  readonly #clock: Clock
  #waited = 0
  #bytes = 0

  constructor(limits: FetchLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Waits for a part of the answer.
   * @param end - called when it has taken too long; it makes `part` fail
   */
  async wait<T>(limit: 'headersMs' | 'idleMs', part: () => Promise<T>, end: (reason: TypeError) => void): Promise<T> {
    const began = this.#clock.monotonic()
    const left = Math.max(0, this.#limits.maxMs - this.#waited)
    const name = left < this.#limits[limit] ? 'maxMs' : limit
    const forget = this.#clock.after(Math.min(left, this.#limits[limit]), () => end(this.#beyond(name)))
    try {
      return await part()
    } finally {
      forget()
      this.#waited += this.#clock.monotonic() - began
    }
  }

  /** @throws TypeError where the head announces more than is taken */
  announced({ headers }: Response): void {
    if (Number(headers.get('content-length')) > this.#limits.maxBytes) throw this.#beyond('maxBytes')
  }

  /** @throws TypeError where it is more than is taken */
  count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#limits.maxBytes) throw this.#beyond('maxBytes')
  }

  #beyond(name: keyof FetchLimits): TypeError {
    return fetchFailed(`the answer goes beyond ${name}, ${this.#limits[name]}, of a rule on the network`)
  }
}
