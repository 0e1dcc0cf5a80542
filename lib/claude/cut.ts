import type { ModelAction } from '../core/types.js'
import type { BlockDelta, MessageBlock } from './accumulate.js'
import { bound } from './bound.js'
import { findPrice, type PriceTable } from './prices.js'
import { type ModelUsage, settleCut, type UsageMeter } from './usage.js'
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
  const usage = settleCut(meter, {
    ...holdFacts(action, prices),
    hiddenThinking: cut.openTool || cut.unseen || mayThink(action, prices),
    model: action.model,
  })
  return cut.lost ? { ...usage, tokens: { ...usage.tokens, certainty: 'unknown' } } : usage
}

/** Bytes of generated content in a delta or a block's start. */
export function outputBytes(part: BlockDelta | MessageBlock): number {
  let bytes = 0
  for (const value of Object.values(part)) if (typeof value === 'string') bytes += utf8Bytes(value)
  return bytes
}

// Without a known price there is no bound: a byte is at least a token, and max_tokens is the most that comes back.
function holdFacts(
  action: ModelAction,
  prices: PriceTable,
): { boundInput: number; boundOutput: number; rounds?: number; searches?: number; fast?: boolean } {
  try {
    const { inputTokens, outputTokens, rounds, searches, fast } = bound(action, prices)
    return { boundInput: inputTokens, boundOutput: outputTokens, rounds, searches, fast }
  } catch {
    return { boundInput: utf8Bytes(JSON.stringify(action.request)), boundOutput: action.maxTokens }
  }
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
