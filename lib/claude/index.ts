/** `outrigger/claude`: bounds, usage, prices and failure classes of the Messages API, and a ready agent. */
export type { AssistantMessage, MessageBlock, MessagesStreamEvent } from './accumulate.js'
export { type ClaudeAgent, claudeAgent, type ClaudeAgentOptions, type ClaudeTool } from './agent.js'
export { type Bound, bound, boundTable } from './bound.js'
export { classify, type Failure, type FailureClass, type FailureFacts } from './failure.js'
export { opaqueInput } from './opaque.js'
export {
  defaultPrices,
  definePrices,
  findPrice,
  type ModelPrice,
  type ModelPriceInput,
  priceOf,
  type PriceTable,
  usdPerMillion,
} from './prices.js'
export { countTokens, modelMessage, modelPrices, modelUsage, upstreamKey } from './seam.js'
export { Calibration, estimateTokens } from './tokens.js'
export { type ModelUsage, usageOf, zeroUsage } from './usage.js'
export type { Upstream, WireReply, WireRequest } from './wire.js'
