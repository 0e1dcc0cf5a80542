import type { Runtime } from '../core/runtime.js'
import { type Slot, slot } from '../core/slot.js'
import type { AssistantMessage } from './accumulate.js'
import type { ActionContext } from '../core/context.js'
import type { ClaudeOptions } from './options.js'
import type { PriceTable } from './prices.js'
import type { ThreadTools } from './thread-tools.js'
import type { ModelUsage } from './usage.js'
import type { Upstream } from './wire.js'

/** Where the Messages API is, and how requests prove who sends them. */
export interface Origin {
  /** Scheme, host and port. */
  readonly origin: string
  /** The path of the base URL, without a slash at the end. */
  readonly prefix: string
  /** Stands for this upstream: one object for each. */
  readonly key: object
  /** Betas that every request asks for besides its own. */
  readonly betas: readonly string[]
  /** May a client's header of this name, in lower case, go upstream? */
  forwards(name: string): boolean
  /** Headers that every request gets last: credentials and what the user configured. */
  credentials(): Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>
}

/** What the handler needs of its sidecar. */
export interface Seam {
  readonly runtime: Runtime
  readonly upstream: Upstream
  readonly origin: Origin
  readonly prices: PriceTable
  /** The largest message that is read, in bytes. */
  readonly maxMessageBytes: number
  /** How long a consumer may leave a stream unread, in milliseconds. */
  readonly idleMs: number
  /** `passed`: requests of endpoints that pass without a chain. */
  readonly counts: { passed: number }
  /** What becomes of a tool call that is refused. Default `text`. */
  readonly refusedTools?: ClaudeOptions['refusedTools']
  /** The tools that server threads were begun with. */
  readonly threads: ThreadTools
  /** Called with every model action before its chain runs, and awaited: for whoever follows an agent from outside. Must not throw. */
  readonly follow?: (ctx: ActionContext) => void | Promise<void>
  /** Called with every answer that is not streamed, before it is let go, and awaited. Must not throw. */
  readonly letGo?: (ctx: ActionContext, message: AssistantMessage) => void | Promise<void>
}

/** The whole answer of an attempt, as the model gave it. */
export const modelMessage: Slot<AssistantMessage> = slot<AssistantMessage>('claude.message', { scope: 'attempt' })

/** Every figure of an attempt's usage, for pricing. */
export const modelUsage: Slot<ModelUsage> = slot<ModelUsage>('claude.usage', { scope: 'attempt' })

/**
 * The prices that an attempt's answer is read with: which model was billed, and what a cut answer may have cost. Set by a layer that has its
 * own, before `next()`; without it, the default table.
 */
export const modelPrices: Slot<PriceTable> = slot<PriceTable>('claude.prices', { scope: 'attempt' })

/** What stands for the upstream of a request, one object for each: for state that all agents of one upstream share. */
export const upstreamKey: Slot<object> = slot<object>('claude.upstream', { scope: 'action' })

/**
 * Asks the API how many input tokens the request has, as it is now; single-flight for one request. Rejects with an `UpstreamError`, and with
 * an `UnboundedRequestError` where the request has input that count_tokens is not shown, such as a thread.
 */
export const countTokens: Slot<() => Promise<number>> = slot<() => Promise<number>>('claude.countTokens', { scope: 'action' })
