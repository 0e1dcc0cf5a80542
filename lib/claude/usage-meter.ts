import type { ModelAction } from '../core/types.js'
import { worseCertainty } from '../core/usage.js'
import { type Fields, isFields, type ModelUsage, usageOf } from './usage.js'

/** Follows the usage of one stream. Figures are cumulative: the last one counts, they are never added. */
export class UsageMeter {
  private merged: Fields | undefined
  private fell: Set<string> | undefined
  private model = ''
  private request: ModelAction['request'] | undefined
  /** `message_start` was seen: the input is measured. */
  started = false
  /** The last `message_delta` was seen, with its output: everything is measured. */
  final = false
  /** Bytes of generated content seen so far. */
  outputBytes = 0

  /** Takes `message_start`'s usage; `model` is the one to price by, `request` the one that is answered. */
  start(usage: unknown, model: string, request?: ModelAction['request']): void {
    this.model = model
    this.request = request
    this.started = isFields(usage)
    this.merged = isFields(usage) ? { ...usage } : undefined
  }

  /**
   * Takes a `message_delta`'s usage. Its figures replace those before; null keeps them; a figure that is smaller than the one before is not
   * believed and flagged. `final: false` when more is sure to follow (the delta has no `stop_reason`).
   */
  delta(usage: unknown, final = true): void {
    if (!isFields(usage)) return
    this.merged = this.grown(this.merged ?? {}, usage) as Fields
    // A delta that does not say what was generated leaves the figure of the start, which is no total.
    this.final ||= final && typeof usage.output_tokens === 'number'
  }

  /** Counts bytes of generated content (text, thinking, tool input) as they pass. */
  sawOutputBytes(bytes: number): void {
    this.outputBytes += bytes
  }

  /** What is known now. `estimated` before the last `message_delta`, `unknown` before `message_start`. */
  current(): ModelUsage {
    const usage = usageOf(this.merged, this.model, this.request)
    const certainty = worseCertainty(usage.tokens.certainty, this.final ? 'measured' : 'estimated')
    return { ...usage, tokens: { ...usage.tokens, certainty }, flags: this.fell ? [...usage.flags, ...this.fell] : usage.flags }
  }

  /** `now` over `before`, in every part; a cumulative figure stays where it would fall. */
  private grown(before: unknown, now: unknown, name = '', depth = 0): unknown {
    if (now === null || now === undefined) return before
    if (typeof before === 'number' && typeof now === 'number') return this.greater(before, now, name)
    if (!isObject(before) || !isObject(now) || Array.isArray(before) !== Array.isArray(now) || depth > mostNested) return now
    if (Array.isArray(before) && Array.isArray(now) && !sameParts(before, now)) return this.whole(before, now)
    const merged = (Array.isArray(before) ? [...before] : { ...before }) as Fields
    for (const key of Object.keys(now)) merged[key] = this.grown(merged[key], now[key], key, depth + 1)
    return merged
  }

  // Lists of other parts are not merged by place; one that has lost parts or tokens is not believed.
  private whole(before: readonly unknown[], now: readonly unknown[]): readonly unknown[] {
    if (now.length >= before.length && figures(now) >= figures(before)) return now
    this.fell ??= new Set()
    this.fell.add('input-regressed')
    return before
  }

  // A figure that cannot be (below 0, NaN) is no smaller one: it makes the usage unknown.
  private greater(before: number, now: number, name: string): number {
    if (!(now >= 0 && now < before)) return now
    this.fell ??= new Set()
    this.fell.add(name === 'output_tokens' ? 'output-regressed' : 'input-regressed')
    return before
  }
}

// Deeper than the usage of the API is.
const mostNested = 4

/** The sum of all figures in a list of parts. */
function figures(value: unknown): number {
  if (typeof value === 'number') return value
  return isObject(value) ? Object.values(value).reduce<number>((sum, part) => sum + figures(part), 0) : 0
}

function sameParts(before: readonly unknown[], now: readonly unknown[]): boolean {
  const kind = (part: unknown) => (isObject(part) ? `${part.type} ${part.model}` : '')
  return now.length >= before.length && before.every((part, at) => kind(part) === kind(now[at]))
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
