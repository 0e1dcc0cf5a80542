import type { Certainty, ModelAction, TokenUsage } from '../core/types.js'
import { addUsage, noUsage } from '../core/usage.js'
import { cachesBriefly } from './caches-briefly.js'

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
  /** What was odd: `input-regressed`, `output-regressed`, `invalid:<field>`, `unknown-field:<field>`, `cut`. */
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

/** An object of the API's JSON. */
export type Fields = Record<string, unknown>
/** Is it one? */
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

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
 * lifetime count as one-hour writes, the dearest, unless the `request` that was answered can have asked for five minutes only.
 * `output_tokens: 0` is 0.
 */
export function usageOf(message: unknown, model?: string, request?: ModelAction['request']): ModelUsage {
  const source = isFields(message) && 'usage' in message ? message.usage : message
  const named = model ?? (isFields(message) && typeof message.model === 'string' ? message.model : '')
  return isFields(source)
    ? new Reading(named, request).read(source)
    : { ...zeroUsage(named), tokens: unknownTokens, flags: ['invalid:usage'] }
}

const unknownTokens: TokenUsage = Object.freeze({ ...noUsage, certainty: 'unknown' })

class Reading {
  certainty: Certainty = 'measured'
  flags: string[] | undefined
  unpriced = 0

  constructor(
    readonly model: string,
    readonly request: ModelAction['request'] | undefined,
  ) {}

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

  // The greater of total and split counts; what the split does not explain lived as long as it can have.
  private cacheWrites(split: unknown, total: number, at: string): readonly [number, number] {
    const [short, long] = isFields(split) ? this.splitWrites(split, at) : [0, 0]
    if (split !== undefined && split !== null && !isFields(split)) this.invalid(`${at}cache_creation`)
    const rest = total - short - long
    if (rest <= 0) return [short, long]
    return this.request && cachesBriefly(this.request) ? [short + rest, long] : [short, long + rest]
  }

  private splitWrites(split: Fields, at: string): readonly [number, number] {
    const short = this.figure(split.ephemeral_5m_input_tokens, at, 'cache_creation.ephemeral_5m_input_tokens', true)
    const long = this.figure(split.ephemeral_1h_input_tokens, at, 'cache_creation.ephemeral_1h_input_tokens', true)
    for (const key of Object.keys(split))
      if (!knownUsageFields.cacheCreation.includes(key)) this.flag(`unknown-field:cache_creation.${key}`)
    return [short, long]
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
    const parts = Array.isArray(list) ? this.parts(list) : none
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

  // Where fallbacks may have run, a part that does not name its model can be of any of them.
  private parts(list: readonly unknown[]): readonly IterationUsage[] {
    const { fallbacks } = this.request ?? {}
    const several =
      (Array.isArray(fallbacks) && fallbacks.length > 0) || list.some(part => isFields(part) && part.type === 'fallback_message')
    return list.map((part, i) => this.iteration(part, i, several ? '' : this.model))
  }

  private iteration(part: unknown, i: number, unnamed: string): IterationUsage {
    const at = `iterations[${i}].`
    if (!isFields(part)) {
      this.invalid(`iterations[${i}]`)
      return { type: unknownType, model: '', tokens: unknownTokens }
    }
    for (const key of Object.keys(part)) if (!iterationFields.has(key)) this.unknown(`iterations.${key}`, part[key])
    const type = typeof part.type === 'string' ? part.type : unknownType
    if (!iterationTypes.has(type)) this.flag(`unknown-field:iterations.type.${type}`)
    return { type, model: typeof part.model === 'string' ? part.model : unnamed, tokens: this.tokens(part, at) }
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
