import { type Context, type Host, type Kind, ViolationError } from 'outrigger'
import { recorder } from 'outrigger/ctx'
import type { Broken } from 'outrigger/policy'
import { ViolationBook, violationBook } from '../violations/book.js'
import type { Refusal } from './checks.js'
import type { Inspection } from './inspection.js'

/** How often each response was given. */
export interface FindingCounts {
  denied: number
  replaced: number
  warned: number
}

/** Tells everyone concerned of what was found, in the book of the violations where the stack has one. */
export class Findings {
  readonly counts: FindingCounts = { denied: 0, replaced: 0, warned: 0 }
  readonly #host: Host
  /** Where no layer keeps the violations, they are told of all the same. */
  readonly #book: ViolationBook

  constructor(host: Host) {
    this.#host = host
    this.#book = violationBook.peek(host) ?? new ViolationBook(0, undefined, { count: 0, kept: [] })
  }

  /** What is denied is told at once. Returns the error that says so. */
  refuse(ctx: Context, { about: { stage } }: Inspection, { check, what }: Refusal, kind: Kind = ctx.kind): ViolationError {
    const { ruleId, severity } = check
    const found: Broken = { ruleId, severity, response: 'deny', details: what, shadow: false, stage }
    this.counts.denied++
    return new ViolationError({ ...this.#book.note(this.#host, ctx, kind, found), stage })
  }

  /**
   * Tells what was let pass or replaced, and writes it to the record.
   * @param shown - what was found in the events on the way to the result
   */
  async tell(ctx: Context, { tally, about: { kind, stage } }: Inspection, shown?: Inspection): Promise<void> {
    if (shown) tally.cover(shown.tally)
    for (const [{ ruleId, severity, response }, found] of tally.take()) {
      this.counts[response === 'redact' ? 'replaced' : 'warned']++
      const details = response === 'redact' ? `${found}: replaced` : found
      this.#book.note(this.#host, ctx, kind, { ruleId, severity, response: 'warn', details, shadow: false, stage })
      await this.record(ctx, { ruleId, response: 'warn', details, kind })
    }
  }

  /** Writes to the record what the end of the action does not say. */
  async record(ctx: Context, facts: Pick<Broken, 'ruleId' | 'response' | 'details'> & { readonly kind: Kind }): Promise<void> {
    await recorder.peek(ctx)?.violation(ctx, { ...facts, shadow: false })
  }
}
