import type { Certainty, TokenUsage } from '../core/types.js'
import { addUsage, noUsage, worseCertainty } from '../core/usage.js'

/** Requests that the API's own tools made. Web searches and code executions cost a fee each. */
export interface ServerToolCounts {
  readonly webSearch: number
  readonly webFetch: number
  readonly codeExecution: number
  /** Requests of tools that we do not know: charged the dearest fee. */
  readonly other: number
}

/** One part of an answer's tokens, priced by its own model. */
export interface IterationUsage {
  /** The API's `message`, `compaction`, `advisor_message`, `fallback_message`; `rest` for what only the totals show; `unknown-field`. */
  readonly type: string
  /** Empty when nothing says which: charged at the dearest model. */
  readonly model: string
  readonly tokens: TokenUsage
}

/** What one answer of the Messages API used. */
export interface ModelUsage {
  readonly model: string
  /** All of it: what the top-level figures leave out (compaction, advisor) is in here too. */
  readonly tokens: TokenUsage
  readonly serverTools: ServerToolCounts
  readonly serviceTier: string | null
  readonly speed: string | null
  readonly inferenceGeo: string | null
  /** Empty, or parts that add up to `tokens`. */
  readonly iterations: readonly IterationUsage[]
  /** What was odd: `output-regressed`, `invalid:<field>`, `unknown-field:<field>`, `cut`. */
  readonly flags: readonly string[]
}

/** The usage fields that are understood, as the SDK's `Usage`, `BetaUsage` and their parts declare them. */
export const knownUsageFields: Readonly<Record<'usage' | 'serverTools' | 'cacheCreation' | 'iteration', readonly string[]>> = {
  usage: [
    'cache_creation',
    'cache_creation_input_tokens',
    'cache_read_input_tokens',
    'fallback_credit',
    'inference_geo',
    'input_tokens',
    'iterations',
    'output_tokens',
    'output_tokens_details',
    'server_tool_use',
    'service_tier',
    'speed',
  ],
  serverTools: ['code_execution_requests', 'web_fetch_requests', 'web_search_requests'],
  cacheCreation: ['ephemeral_1h_input_tokens', 'ephemeral_5m_input_tokens'],
  iteration: ['cache_creation', 'cache_creation_input_tokens', 'cache_read_input_tokens', 'input_tokens', 'model', 'output_tokens', 'type'],
}

const usageFields = new Set(knownUsageFields.usage)
const serverToolFields = new Set(knownUsageFields.serverTools)
const iterationFields = new Set(knownUsageFields.iteration)

/** Tokens that no price class explains count as this iteration type. */
const unknownType = 'unknown-field'

// More tokens than any request can have: a figure above it is a fault, not a usage.
const mostTokens = 2 ** 32

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Nothing used by a model, and that is certain. */
export function zeroUsage(model: string): ModelUsage {
  return {
    model,
    tokens: noUsage,
    serverTools: noServerTools,
    serviceTier: null,
    speed: null,
    inferenceGeo: null,
    iterations: [],
    flags: [],
  }
}

const noServerTools: ServerToolCounts = Object.freeze({ webSearch: 0, webFetch: 0, codeExecution: 0, other: 0 })
const none: readonly never[] = Object.freeze([])

/**
 * Reads the usage of a message, or of a usage object, completely. Never throws: a figure that is missing, negative, fractional, no number or
 * beyond reason makes the certainty `unknown` (the hold stays), never a zero that would look like one. Cache writes without a split by
 * lifetime count as one-hour writes, the dearest. `output_tokens: 0` is 0.
 */
export function usageOf(message: unknown, model?: string): ModelUsage {
  const source = isFields(message) && 'usage' in message ? message.usage : message
  const named = model ?? (isFields(message) && typeof message.model === 'string' ? message.model : '')
  return isFields(source) ? new Reading(named).read(source) : { ...zeroUsage(named), tokens: unknownTokens, flags: ['invalid:usage'] }
}

const unknownTokens: TokenUsage = Object.freeze({ ...noUsage, certainty: 'unknown' })

class Reading {
  certainty: Certainty = 'measured'
  flags: string[] | undefined
  unpriced = 0

  constructor(readonly model: string) {}

  read(usage: Fields): ModelUsage {
    const top = this.tokens(usage, '')
    const serverTools = this.serverTools(usage.server_tool_use)
    for (const key of Object.keys(usage)) if (!usageFields.has(key)) this.unknown(key, usage[key])
    const iterations = this.iterations(usage.iterations, top)
    const tokens = iterations.length > 0 ? iterations.reduce((sum, { tokens }) => addUsage(sum, tokens), noUsage) : top
    return {
      model: this.model,
      tokens: this.certainty === tokens.certainty ? tokens : { ...tokens, certainty: this.certainty },
      serverTools,
      serviceTier: this.word(usage.service_tier, 'service_tier', serviceTiers),
      speed: this.word(usage.speed, 'speed', speeds),
      inferenceGeo: this.word(usage.inference_geo, 'inference_geo'),
      iterations,
      flags: this.flags ?? none,
    }
  }

  private tokens(usage: Fields, at: string): TokenUsage {
    const total = this.figure(usage.cache_creation_input_tokens, at, 'cache_creation_input_tokens', true)
    const writes = this.cacheWrites(usage.cache_creation, total, at)
    return {
      input: this.figure(usage.input_tokens, at, 'input_tokens', false),
      output: this.figure(usage.output_tokens, at, 'output_tokens', false),
      cacheRead: this.figure(usage.cache_read_input_tokens, at, 'cache_read_input_tokens', true),
      cacheWrite5m: writes[0],
      cacheWrite1h: writes[1],
      certainty: this.certainty,
    }
  }

  // The greater of total and split counts; what the split does not explain is a one-hour write.
  private cacheWrites(split: unknown, total: number, at: string): readonly [number, number] {
    if (split === undefined || split === null) return [0, total]
    if (!isFields(split)) return [0, this.invalid(`${at}cache_creation`) + total]
    const short = this.figure(split.ephemeral_5m_input_tokens, at, 'cache_creation.ephemeral_5m_input_tokens', true)
    const long = this.figure(split.ephemeral_1h_input_tokens, at, 'cache_creation.ephemeral_1h_input_tokens', true)
    for (const key of Object.keys(split))
      if (!knownUsageFields.cacheCreation.includes(key)) this.flag(`unknown-field:cache_creation.${key}`)
    return [short, Math.max(long, total - short)]
  }

  private serverTools(use: unknown): ServerToolCounts {
    if (use === undefined || use === null) return noServerTools
    if (!isFields(use)) {
      this.invalid('server_tool_use')
      return noServerTools
    }
    return {
      webSearch: this.figure(use.web_search_requests, 'server_tool_use.', 'web_search_requests', true),
      webFetch: this.figure(use.web_fetch_requests, 'server_tool_use.', 'web_fetch_requests', true),
      codeExecution: this.figure(use.code_execution_requests, 'server_tool_use.', 'code_execution_requests', true),
      other: this.otherTools(use),
    }
  }

  private otherTools(use: Fields): number {
    let count = 0
    for (const key of Object.keys(use)) {
      if (serverToolFields.has(key) || use[key] === null) continue
      this.flag(`unknown-field:server_tool_use.${key}`)
      count += this.figure(use[key], 'server_tool_use.', key, false)
    }
    return count
  }

  // The parts, and whatever the totals have beyond those of them that the totals include.
  private iterations(list: unknown, top: TokenUsage): readonly IterationUsage[] {
    if (list !== undefined && list !== null && !Array.isArray(list)) this.invalid('iterations')
    const parts = Array.isArray(list) ? list.map((part, i) => this.iteration(part, i)) : none
    if (parts.length === 0 && this.unpriced === 0) return none
    const included = parts
      .filter(({ type }) => type === 'message' || type === 'fallback_message')
      .reduce((sum, { tokens }) => addUsage(sum, tokens), noUsage)
    const rest = beyond(top, included)
    const unpriced: TokenUsage = { ...noUsage, output: this.unpriced }
    return [
      ...parts,
      ...(isNothing(rest) ? [] : [{ type: 'rest', model: this.model, tokens: rest }]),
      ...(this.unpriced === 0 ? [] : [{ type: unknownType, model: '', tokens: unpriced }]),
    ]
  }

  private iteration(part: unknown, i: number): IterationUsage {
    const at = `iterations[${i}].`
    if (!isFields(part)) {
      this.invalid(`iterations[${i}]`)
      return { type: unknownType, model: '', tokens: unknownTokens }
    }
    for (const key of Object.keys(part)) if (!iterationFields.has(key)) this.unknown(`iterations.${key}`, part[key])
    const type = typeof part.type === 'string' ? part.type : unknownType
    if (!iterationTypes.has(type)) this.flag(`unknown-field:iterations.type.${type}`)
    return { type, model: typeof part.model === 'string' ? part.model : this.model, tokens: this.tokens(part, at) }
  }

  private figure(value: unknown, at: string, name: string, optional: boolean): number {
    if (typeof value === 'number' && value >= 0 && value <= mostTokens && Number.isInteger(value)) return value
    return optional && (value === undefined || value === null) ? 0 : this.invalid(at + name)
  }

  private word(value: unknown, name: string, words?: readonly string[]): string | null {
    if (value === undefined || value === null) return null
    if (typeof value === 'string' && (words === undefined || words.includes(value))) return value
    this.flag(`unknown-field:${name}`)
    return typeof value === 'string' ? value : 'unknown'
  }

  // Every number in a field that we do not know could be tokens of a class that we do not know: charged as the dearest one.
  private unknown(name: string, value: unknown, depth = 0): void {
    if (value === null || value === undefined || depth > 4) return
    if (depth === 0) this.flag(`unknown-field:${name}`)
    if (typeof value === 'number') this.unpriced += this.figure(value, '', name, false)
    else if (typeof value === 'object') for (const inner of Object.values(value)) this.unknown(name, inner, depth + 1)
  }

  private invalid(field: string): number {
    this.certainty = 'unknown'
    this.flag(`invalid:${field}`)
    return 0
  }

  private flag(flag: string): void {
    this.flags ??= []
    if (!this.flags.includes(flag)) this.flags.push(flag)
  }
}

const serviceTiers = ['standard', 'priority', 'batch']
const speeds = ['standard', 'fast']
const iterationTypes = new Set(['message', 'compaction', 'advisor_message', 'fallback_message'])

function beyond(total: TokenUsage, part: TokenUsage): TokenUsage {
  const more = (a: number, b: number) => Math.max(0, a - b)
  return {
    input: more(total.input, part.input),
    output: more(total.output, part.output),
    cacheRead: more(total.cacheRead, part.cacheRead),
    cacheWrite5m: more(total.cacheWrite5m, part.cacheWrite5m),
    cacheWrite1h: more(total.cacheWrite1h, part.cacheWrite1h),
    certainty: total.certainty,
  }
}

const isNothing = (t: TokenUsage): boolean => t.input + t.output + t.cacheRead + t.cacheWrite5m + t.cacheWrite1h === 0

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

/** What is known about a stream that ended early. Token figures are those of its hold. */
export interface CutFacts {
  readonly boundInput: number
  readonly boundOutput: number
  /** Generated tokens may have been hidden from us: thinking is not shown in full, or a tool input was still being written. */
  readonly hiddenThinking: boolean
  /** The hold's `rounds`: above 1, input goes on growing after `message_start`. Default 1. */
  readonly rounds?: number
  /** The hold's `searches`. Default 0. */
  readonly searches?: number
  /** The hold assumed fast rates. */
  readonly fast?: boolean
  readonly model?: string
}

/** Tokens that may have been generated between the last byte that reached us and the moment the server stopped: ten seconds at 100 tokens a second. */
export const cutMarginTokens = 1024

/**
 * The usage of a stream that was cut before its last `message_delta`: `estimated`, and never below the true bill. Input as measured when
 * `message_start` was seen and the server could not add to it, else the hold's; output: all of the hold's where tokens may be hidden, else
 * what was seen (a token is at least a byte) and a margin, at most the hold's. Charge the smaller of its price and the hold.
 */
export function settleCut(meter: UsageMeter, facts: CutFacts): ModelUsage {
  const seen = meter.current()
  if (meter.final && seen.tokens.certainty === 'measured') return seen
  const known = meter.started && (facts.rounds ?? 1) === 1 && seen.tokens.certainty !== 'unknown'
  const most = Math.max(seen.tokens.output, meter.outputBytes + cutMarginTokens)
  const output = facts.hiddenThinking
    ? Math.max(facts.boundOutput, seen.tokens.output)
    : Math.max(seen.tokens.output, Math.min(facts.boundOutput, most))
  return known ? withOutput(seen, output) : wholeHold(seen, output, facts)
}

function withOutput(seen: ModelUsage, output: number): ModelUsage {
  const more = output - seen.tokens.output
  const tokens: TokenUsage = { ...seen.tokens, output, certainty: 'estimated' }
  const rest: IterationUsage = { type: 'rest', model: seen.model, tokens: { ...noUsage, output: more, certainty: 'estimated' } }
  return {
    ...seen,
    tokens,
    iterations: seen.iterations.length === 0 ? seen.iterations : [...seen.iterations, rest],
    flags: [...seen.flags, 'cut'],
  }
}

// Nothing says at which rate the input counts: the dearest class, at the dearest multipliers, and of the dearest model where several may have run.
function wholeHold(seen: ModelUsage, output: number, facts: CutFacts): ModelUsage {
  const tokens: TokenUsage = { ...noUsage, cacheWrite1h: facts.boundInput, output, certainty: 'estimated' }
  const webSearch = Math.max(seen.serverTools.webSearch, facts.searches ?? 0)
  return {
    ...seen,
    model: facts.model ?? seen.model,
    tokens,
    serverTools: { ...seen.serverTools, webSearch },
    speed: seen.speed ?? (facts.fast ? 'fast' : null),
    iterations: (facts.rounds ?? 1) > 1 ? [{ type: 'rest', model: '', tokens }] : [],
    flags: [...seen.flags.filter(flag => flag !== 'invalid:usage'), 'cut', 'unknown-field:input'],
  }
}
