/** A request as it travels inside: light, no `Request` object. Header names are lower case. */
export interface WireRequest {
  readonly method: string
  /** Absolute for an upstream; path and query count when it comes from a client. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** An answer as it travels inside. `body` is read once; leaving its iteration early cancels it. */
export interface WireReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: AsyncIterable<Uint8Array | string>
}

/**
 * The way to a Messages API: real HTTP, the SDK's own `next`, or a mock. Rejects with an `UpstreamError` (plain facts, no `cause`) when no
 * answer came; `abort` carries no reason of ours.
 */
export type Upstream = (request: WireRequest, abort: AbortSignal) => Promise<WireReply>
