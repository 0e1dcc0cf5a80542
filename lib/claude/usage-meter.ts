import { worseCertainty } from '../core/usage.js'
import { type Fields, isFields, type ModelUsage, usageOf } from './usage.js'

/** Follows the usage of one stream. Figures are cumulative: the last one counts, they are never added. */
export class UsageMeter {
  private merged: Fields | undefined
  private regressed = false
  private model = ''
  /** `message_start` was seen: the input is measured. */
  started = false
  /** The last `message_delta` was seen, with its output: everything is measured. */
  final = false
  /** Bytes of generated content seen so far. */
  outputBytes = 0

  /** Takes `message_start`'s usage; `model` is the one to price by. */
  start(usage: unknown, model: string): void {
    this.model = model
    this.started = isFields(usage)
    this.merged = isFields(usage) ? { ...usage } : undefined
  }

  /**
   * Takes a `message_delta`'s usage. Its figures replace those before; null keeps them; an output figure that is smaller than the one before
   * is not believed and flagged. `final: false` when more is sure to follow (the delta has no `stop_reason`).
   */
  delta(usage: unknown, final = true): void {
    if (!isFields(usage)) return
    const before: Fields = this.merged ?? {}
    this.merged = { ...before }
    for (const key of Object.keys(usage)) if (usage[key] !== null && usage[key] !== undefined) this.merged[key] = usage[key]
    this.merged.output_tokens = this.outputAfter(before.output_tokens, usage.output_tokens)
    this.dropStaleSplit(before, usage)
    // A delta that does not say what was generated leaves the figure of the start, which is no total.
    this.final ||= final && typeof usage.output_tokens === 'number'
  }

  /** Counts bytes of generated content (text, thinking, tool input) as they pass. */
  sawOutputBytes(bytes: number): void {
    this.outputBytes += bytes
  }

  /** What is known now. `estimated` before the last `message_delta`, `unknown` before `message_start`. */
  current(): ModelUsage {
    const usage = usageOf(this.merged, this.model)
    const certainty = worseCertainty(usage.tokens.certainty, this.final ? 'measured' : 'estimated')
    const flags = this.regressed ? [...usage.flags, 'output-regressed'] : usage.flags
    return { ...usage, tokens: { ...usage.tokens, certainty }, flags }
  }

  private outputAfter(before: unknown, now: unknown): unknown {
    if (now === undefined || now === null) return before
    if (typeof before !== 'number' || typeof now !== 'number' || !(now < before) || now < 0) return now
    this.regressed = true
    return before
  }

  // A delta has the total of the cache writes, not their split. Where the total fell, the split of the start no longer holds.
  private dropStaleSplit(before: Fields, usage: Fields): void {
    const now = usage.cache_creation_input_tokens
    if (
      typeof now === 'number' &&
      typeof before.cache_creation_input_tokens === 'number' &&
      now < before.cache_creation_input_tokens &&
      !isFields(usage.cache_creation)
    )
      this.merged!.cache_creation = null
  }
}
