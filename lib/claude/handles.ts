import type Anthropic from '@anthropic-ai/sdk'

/** A tool as `sidecar.tool` takes it: the SDK's runnable tools fit. */
export interface Tool {
  /** What rules and records call it; not empty. */
  readonly name: string
  /** Running it twice with one input does no harm: `withRetry` may repeat it. Default false. */
  readonly idempotent?: boolean
  /** Does the work. `input` is a copy of what was judged; `context` has `signal` and, where the caller told it, `toolUseId`. */
  run(input: unknown, context?: unknown): unknown
}

/** Guarded ways to the outside. Whatever goes through them runs the chain; no credential is reachable from them. */
export interface ClaudeHandles {
  /** A client whose every request runs the chain. Made on first use. */
  readonly claude: Anthropic
  /** The same tool, with `run` behind the chain. */
  tool<T extends Tool>(definition: T): T
  /** A `fetch` for tools: an action of kind `tool`, name `WebFetch`. */
  readonly fetch: typeof fetch
}

/** What one send gives to an agent. */
export interface ClaudeCall extends ClaudeHandles {
  /** Of the send, unique in its sidecar. */
  readonly id: string
  /** Fires when the send is aborted; its reason is the caller's own, or a typed error of ours. */
  readonly signal: AbortSignal
}
