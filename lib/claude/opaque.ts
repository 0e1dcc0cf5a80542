import { noUsage } from '../core/usage.js'
import { estimateTokens } from './tokens.js'
import { type ModelUsage, usageOf, zeroUsage } from './usage.js'

/** What the estimate of an opaque agent's call is multiplied by: its prompts and tools are hidden from us. */
const opaqueMargin = 1.5

/**
 * The usage of a send by an agent with a client of its own: what its reply reports where it has a `usage` of the Messages API, else an
 * estimate of message and reply. Without a reply, its declared `maxTokens` are taken as spent.
 */
export async function opaqueUsage(
  opaque: { readonly model: string; readonly maxTokens: number },
  message: unknown,
  reply: unknown,
): Promise<ModelUsage> {
  const reported = reportedBy(reply, opaque.model)
  if (reported && reported.tokens.certainty !== 'unknown') return reported
  const input = await opaqueInput(message)
  const output = reply === undefined ? opaque.maxTokens : Math.min(opaque.maxTokens, await outputIn(reply))
  return { ...zeroUsage(opaque.model), tokens: { ...noUsage, input, output, certainty: 'estimated' } }
}

/** Reading a reply must not fail: the agent has spent already. */
function reportedBy(reply: unknown, model: string): ModelUsage | undefined {
  try {
    return typeof reply === 'object' && reply !== null && 'usage' in reply ? usageOf(reply, model) : undefined
  } catch {
    return undefined
  }
}

/** A reply that cannot be read is taken to be as long as it can be. */
function outputIn(reply: unknown): Promise<number> {
  return tokensIn(reply).then(
    tokens => Math.ceil(tokens * opaqueMargin),
    () => Number.POSITIVE_INFINITY,
  )
}

/** The input tokens that a message to an opaque agent is reserved with. */
export async function opaqueInput(message: unknown): Promise<number> {
  return Math.ceil((await tokensIn(message)) * opaqueMargin)
}

/** A message or a reply can be anything; the estimate reads requests. */
function tokensIn(content: unknown): Promise<number> {
  return estimateTokens({ messages: [content] })
}
