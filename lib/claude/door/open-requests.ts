import type { ServerResponse } from 'node:http'
import { refusal } from './refusal.js'

/** Whose requests are counted. */
export interface Counted {
  /** Requests that are open. */
  open: number
}

/** Counts the requests of agents from the moment that they are let in until their answer is out or their client is gone. */
export class OpenRequests {
  readonly #most: number
  #count = 0
  #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
  }

  get count(): number {
    return this.#count
  }

  /**
   * @param isShared - others come by this port as well: nobody has more than half of it
   * @throws OutriggerError 429 when as many as may be are open
   */
  enter(whose: Counted, response: ServerResponse, isShared: boolean = false): void {
    const own = Math.ceil(this.#most / 2)
    if (isShared && whose.open >= own)
      throw refusal(
        429,
        `${own} requests of this agent are open, half of what this port takes at once; wait for one, or raise maxOpenRequests`,
      )
    if (this.#count >= this.#most)
      throw refusal(429, `${this.#most} requests are open, as many as this port takes at once; wait for one, or raise maxOpenRequests`)
    this.#count++
    whose.open++
    response.once('close', () => {
      whose.open--
      if (--this.#count === 0) for (const tell of this.#waiting.splice(0)) tell()
    })
  }

  /** Resolves when none is open. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}
