import { randomBytes } from 'node:crypto'
import type { Clock } from 'outrigger'
import type { ApprovalRequest } from './request.js'

/** What may come of a request. */
export type ApprovalDecision = 'approve' | 'deny'

/** An answer, with what is known of whoever gave it. */
export interface ApprovalAnswer {
  readonly decision: ApprovalDecision
  /** Why; the model reads it after a denial. The first 300 characters count. */
  readonly reason?: string
  /** Who says so. Nobody checks it, unless the answer is signed. */
  readonly by?: string
}

/** How a request ended: answered, or not in time. */
export type ApprovalEnd = ApprovalAnswer | 'expired'

/** One request in the queue. */
export interface Waiting {
  readonly request: ApprovalRequest
  /** Resolves once, with how it ended; rejects with what it was withdrawn for. */
  readonly ended: Promise<ApprovalEnd>
  /** Fires when it has ended, however. */
  readonly signal: AbortSignal
  /** The action does not wait any more: no answer is good from here on. */
  withdraw(reason: unknown): void
}

/**
 * Requests that wait for an answer, each in a slot of its own, by an id that is never used twice. An answer takes its request out of the queue in the
 * step in which it is looked at: there is nothing left that a second one could be for.
 */
export class ApprovalQueue {
  readonly #waiting = new Map<string, Place>()

  /** Those that wait, oldest first. */
  get list(): readonly ApprovalRequest[] {
    const now = [...this.#waiting.values()]
    return Object.freeze(now.filter(place => !place.isLate).map(({ request }) => request))
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Puts a request in, until it is answered, withdrawn or `deadlineMs` have passed. */
  add(facts: Omit<ApprovalRequest, 'id' | 'requestedAt' | 'expiresAt'>, clock: Clock, deadlineMs: number): Waiting {
    const requestedAt = clock.now()
    const request = Object.freeze({ id: this.#freshId(), ...facts, requestedAt, expiresAt: requestedAt + deadlineMs })
    const place = new Place(request, clock, deadlineMs, () => this.#waiting.delete(request.id))
    this.#waiting.set(request.id, place)
    return place
  }

  /**
   * Answers a request.
   * @param sha256 - what the answer is bound to; `undefined` where it came with the request itself in hand
   * @returns whether it was taken: false where no such request waits, it is too late, or the answer is for another action
   */
  answer(id: string, sha256: string | undefined, answer: ApprovalAnswer): boolean {
    const place = this.#waiting.get(id)
    if (!place || (sha256 !== undefined && sha256 !== place.request.sha256)) return false
    if (!place.isLate) return place.end(answer)
    place.end('expired')
    return false
  }

  #freshId(): string {
    const id = randomBytes(12).toString('hex')
    return this.#waiting.has(id) ? this.#freshId() : id
  }
}

class Place implements Waiting {
  readonly request: ApprovalRequest
  readonly ended: Promise<ApprovalEnd>
  readonly #clock: Clock
  readonly #dueAt: number
  readonly #leave: () => void
  readonly #over = new AbortController()
  readonly #stop: () => void
  #resolve!: (end: ApprovalEnd) => void
  #reject!: (reason: unknown) => void

  constructor(request: ApprovalRequest, clock: Clock, deadlineMs: number, leave: () => void) {
    this.request = request
    this.#clock = clock
    this.#dueAt = clock.monotonic() + deadlineMs
    this.#leave = leave
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.ended.catch(() => {})
    this.#stop = clock.after(deadlineMs, () => this.end('expired'), { awaited: true })
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** By either clock: a timer may be late, the wall clock may be moved, and one of them may stand still while the machine sleeps. */
  get isLate(): boolean {
    return this.#clock.monotonic() >= this.#dueAt || this.#clock.now() >= this.request.expiresAt
  }

  end(how: ApprovalEnd): boolean {
    return this.#close(() => this.#resolve(how))
  }

  withdraw(reason: unknown): void {
    this.#close(() => this.#reject(reason))
  }

  #close(settle: () => void): boolean {
    if (this.#over.signal.aborted) return false
    this.#stop()
    this.#leave()
    settle()
    this.#over.abort()
    return true
  }
}
