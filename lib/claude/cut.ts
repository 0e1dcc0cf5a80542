import type { ModelAction, TokenUsage } from '../core/types.js'
import { noUsage } from '../core/usage.js'
import type { BlockDelta, MessageBlock } from './accumulate.js'
import { bound } from './bound.js'
import { findPrice, type PriceTable } from './prices.js'
import type { IterationUsage, ModelUsage } from './usage.js'
import type { UsageMeter } from './usage-meter.js'
import { utf8Bytes } from './utf8.js'

/** How an answer ended that did not come whole. */
export interface Cut {
  /** A tool's input was still being written: the API may have held back tokens. */
  readonly openTool: boolean
  /** Nothing showed what was generated, or not for some seconds: an answer that is not streamed, a reader that held us back, a silent line. */
  readonly unseen: boolean
  /** The request left and no answer came: only the provider knows. */
  readonly lost: boolean
}

/** The usage of an attempt without a whole answer: never below the true bill, `unknown` where only the provider knows. */
export function cutUsage(meter: UsageMeter, action: ModelAction, prices: PriceTable, cut: Cut): ModelUsage {
  const hold = holdFacts(action, prices)
  const usage = settleCut(meter, {
    ...(hold ?? unbounded(action)),
    hiddenThinking: cut.openTool || cut.unseen || mayThink(action, prices),
    model: action.model,
  })
  const sure = usage.tokens.certainty === 'measured' || (hold !== undefined && !cut.lost)
  return sure ? usage : { ...usage, tokens: { ...usage.tokens, certainty: 'unknown' } }
}

/** Bytes of generated content in a delta or a block's start; the input of a call may stand there whole. */
export function outputBytes(part: BlockDelta | MessageBlock): number {
  let bytes = 0
  for (const value of Object.values(part)) if (typeof value === 'string') bytes += utf8Bytes(value)
  const { input } = part as MessageBlock
  return typeof input === 'object' && input !== null ? bytes + utf8Bytes(JSON.stringify(input)) : bytes
}

type HoldFacts = Pick<CutFacts, 'boundInput' | 'boundOutput' | 'rounds' | 'searches' | 'fast'>

function holdFacts(action: ModelAction, prices: PriceTable): HoldFacts | undefined {
  try {
    const { inputTokens, outputTokens, rounds, searches, fast } = bound(action, prices)
    return { boundInput: inputTokens, boundOutput: outputTokens, rounds, searches, fast }
  } catch {
    return undefined
  }
}

// Without a bound the figures are only what can be guessed: what the request names besides, and the server's own rounds, are not in them.
function unbounded(action: ModelAction): HoldFacts {
  return { boundInput: utf8Bytes(JSON.stringify(action.request)), boundOutput: action.maxTokens }
}

// A model that thinks without being asked may have thought out of sight; of one that we do not know, that is taken to be so.
function mayThink(action: ModelAction, prices: PriceTable): boolean {
  const thinking = action.request.thinking as { readonly type?: unknown } | null | undefined
  if (thinking != null) return thinking.type !== 'disabled' || thinksByDefault(action.model, prices)
  return thinksByDefault(action.model, prices)
}

function thinksByDefault(model: string, prices: PriceTable): boolean {
  try {
    return findPrice(prices, model).thinksByDefault === true
  } catch {
    return true
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
