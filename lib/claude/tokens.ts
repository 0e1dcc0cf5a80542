import type { Tiktoken } from 'tiktoken'

// One image: the maximum of the smaller resolution class. One token of a PDF is about four of its bytes, three of its base64 letters for every
// four: platform.claude.com/docs/en/about-claude/pricing ("500 kB: about 125,000 tokens").
const imageTokens = 1_600
const base64PerPdfToken = 16 / 3
// The encoder is quadratic in long runs without a break.
const chunk = 4_096

let encoder: Promise<Tiktoken> | undefined

const loadEncoder = (): Promise<Tiktoken> => {
  encoder ??= import('tiktoken').then(({ get_encoding }) => get_encoding('o200k_base'))
  return encoder
}

/**
 * About how many input tokens a request has: tiktoken's count of its texts, tools and tool results, and fixed figures for images and PDFs.
 * It is not Claude's tokenizer: learn the ratio with `Calibration`. The first call loads tiktoken (about 0.2 s).
 */
export async function estimateTokens(request: unknown): Promise<number> {
  const encode = await loadEncoder()
  const found: Found = { texts: [], other: 0, around: new Set() }
  if (isFields(request)) for (const key of readFields) collect(request[key], found)
  return Math.ceil(found.texts.reduce((sum, text) => sum + tokensOf(encode, text), found.other))
}

const readFields = ['system', 'messages', 'tools', 'output_config', 'output_format'] as const

interface Found {
  readonly texts: string[]
  other: number
  /** What the value is inside of: a cycle is read once. */
  readonly around: Set<object>
}

const isFields = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function collect(value: unknown, found: Found): void {
  if (typeof value === 'string') found.texts.push(value)
  else if (typeof value === 'number' || typeof value === 'boolean') found.other += 1
  else if (isFields(value)) collectInside(value, found)
}

function collectInside(value: Record<string, unknown>, found: Found): void {
  if (found.around.has(value)) return
  found.around.add(value)
  if (Array.isArray(value)) for (const item of value) collect(item, found)
  else collectFields(value, found)
  found.around.delete(value)
}

function collectFields(value: Record<string, unknown>, found: Found): void {
  found.other += 3
  if (value.type === 'base64' && typeof value.data === 'string') {
    found.other += value.media_type === 'application/pdf' ? value.data.length / base64PerPdfToken : imageTokens
    return
  }
  for (const [key, inner] of Object.entries(value)) {
    if (silent.has(key)) continue
    if (!unnamed.has(key)) found.other += 2
    collect(inner, found)
  }
}

const silent = new Set(['cache_control', 'type', 'role', 'id', 'tool_use_id', 'signature'])
const unnamed = new Set(['text', 'content', 'source', 'thinking', 'input', 'data', 'name', 'description', 'input_schema', 'properties'])

function tokensOf(encode: Tiktoken, text: string): number {
  let tokens = 0
  for (let at = 0; at < text.length; at += chunk) tokens += encode.encode_ordinary(text.slice(at, at + chunk)).length
  return tokens
}

// Newer Claude tokenizers make about 30 % more tokens of the same text: what holds until a model has been seen.
const unlearntRatio = 1.35
const margin = 1.2
const samples = 64
const mostModels = 128

/** Learns how many tokens Claude reports for what `estimateTokens` estimates. Memory: the last 64 ratios of at most 128 models. */
export class Calibration {
  private readonly ratios = new Map<string, number[]>()

  /**
   * Takes one measured request. Input means all of it: uncached, cache reads and cache writes. Figures that cannot be a ratio are ignored.
   */
  learn(model: string, estimated: number, measured: number): void {
    const ratio = measured / estimated
    if (!(ratio > 0) || !Number.isFinite(ratio)) return
    const seen = this.ratios.get(model) ?? []
    seen.push(ratio)
    if (seen.length > samples) seen.shift()
    this.touch(model, seen)
  }

  /** The highest ratio of the last 64; before the first, 1.35. */
  ratio(model: string): number {
    const seen = this.ratios.get(model)
    return seen === undefined ? unlearntRatio : Math.max(...seen)
  }

  /** Estimate x learnt ratio x 1.2, in whole tokens. Less than the bound, and no promise. @throws RangeError for an estimate that is none. */
  calibrated(model: string, estimate: number): number {
    if (!Number.isFinite(estimate) || estimate < 0) throw new RangeError(`an estimate of ${estimate} tokens: give a number from 0`)
    return Math.ceil(estimate * this.ratio(model) * margin)
  }

  private touch(model: string, seen: number[]): void {
    this.ratios.delete(model)
    this.ratios.set(model, seen)
    if (this.ratios.size > mostModels) this.ratios.delete(this.ratios.keys().next().value!)
  }
}
