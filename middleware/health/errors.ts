import { BudgetExceededError, type Context, DeadlineError, isOutriggerError, TruncatedStreamError, UpstreamError } from 'outrigger'
import type { Finding } from './status.js'

/** Good actions, one after the other, after which a refusal or a wrong answer is forgotten. One alone would make the status flap. */
const goodAgain = 2
/** How the Claude seam names answers that are none. */
const wrongAnswers: ReadonlySet<unknown> = new Set(['NOT_A_MESSAGE', 'NOT_AN_EVENT', 'UNREADABLE'])
/** Deadlines of whoever reads or asks, not of the agent. */
const callersDeadlines: ReadonlySet<string> = new Set(['reader idle', 'client'])

/** What a failure says of the agent. `neutral`: a refusal, or an abort by the caller, says nothing. */
export type FailureSort = 'neutral' | 'budget' | 'wrong-answer' | 'no-answer' | 'other'

/** Sorts what came out of `next()`. */
export function sortOf(ctx: Context, error: unknown): FailureSort {
  if (error instanceof BudgetExceededError || isOutriggerError(error, 'ERR_BUDGET')) return 'budget'
  if (error instanceof DeadlineError) return callersDeadlines.has(error.deadline) ? 'neutral' : 'no-answer'
  if (ctx.outcome?.status === 'aborted' || (ctx.signal.aborted && Object.is(ctx.signal.reason, error))) return 'neutral'
  if (refusals.some(code => isOutriggerError(error, code))) return 'neutral'
  return isWrong(error) ? 'wrong-answer' : 'other'
}

const refusals = ['ERR_VIOLATION', 'ERR_PAUSED', 'ERR_REAPED'] as const

function isWrong(error: unknown): boolean {
  return error instanceof TruncatedStreamError || (error instanceof UpstreamError && wrongAnswers.has(error.upstream.code))
}

/** Counts failures one after the other: those that ran side by side are one. Reset by a success. */
export class ErrorRow {
  readonly #most: number
  #count = 0
  #lastEnded = -1

  constructor(most: number) {
    this.#most = most
  }

  failed(began: number, ended: number): void {
    if (this.#count > 0 && began < this.#lastEnded) return
    this.#count++
    this.#lastEnded = ended
  }

  good(): void {
    this.#count = 0
  }

  get kept(): number {
    return this.#count
  }

  restore(count: number): void {
    this.#count = count
  }

  get finding(): Finding | undefined {
    if (this.#count < this.#most) return undefined
    return { signal: 'errors-in-a-row', text: `${this.#count} actions failed, one after the other` }
  }
}

/** Why a latch is set, and the good actions since. */
export type KeptLatch = {
  readonly text: string
  readonly good: number
}

/** A state that one bad action begins, and only two good ones in a row end. */
export class Latch {
  readonly #signal: Finding['signal']
  #text: string | undefined
  #good = 0

  constructor(signal: Finding['signal']) {
    this.#signal = signal
  }

  set(text: string): void {
    // What comes out of a send after a failure inside it would say less.
    this.#text ??= text
    this.#good = 0
  }

  good(): void {
    if (this.#text !== undefined && ++this.#good >= goodAgain) this.#text = undefined
  }

  get kept(): KeptLatch | null {
    return this.#text === undefined ? null : { text: this.#text, good: this.#good }
  }

  restore(kept: KeptLatch | null): void {
    this.#text = kept?.text
    this.#good = kept?.good ?? 0
  }

  get finding(): Finding | undefined {
    return this.#text === undefined ? undefined : { signal: this.#signal, text: this.#text }
  }
}
