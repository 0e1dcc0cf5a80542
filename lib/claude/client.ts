import Anthropic, { APIConnectionError, APIConnectionTimeoutError, APIUserAbortError, type ClientOptions } from '@anthropic-ai/sdk'
import type { ActionContext } from '../core/context.js'
import { UpstreamError } from '../core/errors.js'
import { handle } from './handler.js'
import { isUpstreamAnswer, type Reply } from './reply.js'
import { responseOf } from './response.js'
import type { Seam } from './seam.js'
import type { WireRequest } from './wire.js'

/** What the client shows where a key would be. It opens nothing. */
export const placeholder = 'held-by-the-sidecar'

/** The send that a client belongs to. */
export interface Binding {
  /** Found anew at each request. */
  parent(): ActionContext | undefined
}

/** Marks the options of a bound client; `withOptions` copies it along. It leads nowhere without the seam's own map. */
const bound: unique symbol = Symbol('outrigger.binding')

type CallOptions = { readonly signal?: AbortSignal | null }
type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>
type Marked = ClientOptions & { [bound]?: object }

/** What one sidecar needs to make guarded clients. */
export interface ClientFactory {
  /** A client whose every request runs the chain. */
  client(binding: Binding): Anthropic
}

/**
 * Makes the sealed subclass of `Anthropic` of one sidecar. Its `fetch` is the chain, and stays it through `withOptions`; key, headers from
 * the environment and base URL of the client never decide where a request goes or what proves its sender.
 */
export function clientFactory(seam: Seam, options: { readonly timeout?: number | undefined }): ClientFactory {
  const bindings = new WeakMap<object, Binding>()
  const calls = new WeakMap<object, CallOptions>()
  const errors = new WeakMap<Headers, unknown>()

  const fetchFor = (binding: Binding | undefined): Fetch => {
    return async (input, init) => {
      if (String(input).startsWith('data:')) return new Response('')
      const abort = init?.signal ?? undefined
      const reply = await handle(seam, await toWire(input, init), { parent: binding?.parent(), signal: abort })
      const error = whose(reply, abort, init && calls.get(init))
      return toResponse(reply, { error, abort, url: input instanceof Request ? input.url : String(input), errors })
    }
  }

  class GuardedAnthropic extends Anthropic {
    constructor(given: Marked = {}) {
      const binding = given[bound] && bindings.get(given[bound])
      super({
        ...given,
        apiKey: placeholder,
        authToken: null,
        credentials: null,
        config: null,
        profile: null,
        webhookKey: null,
        fetch: fetchFor(binding) as never,
      })
      // The SDK folds ANTHROPIC_CUSTOM_HEADERS into the client; the seam adds them behind the chain.
      ;(this as unknown as { _options: ClientOptions })._options.defaultHeaders = given.defaultHeaders
    }

    protected override async prepareRequest(request: RequestInit, { options }: { url: string; options: CallOptions }): Promise<void> {
      calls.set(request, options)
    }

    protected override makeStatusError(
      status: number,
      error: object,
      message: string | undefined,
      headers: Headers,
    ): ReturnType<Anthropic['makeStatusError']> {
      const ours = errors.get(headers)
      return (ours === undefined ? super.makeStatusError(status, error, message, headers) : ours) as never
    }
  }

  return {
    client(binding) {
      const token = {}
      bindings.set(token, binding)
      const { origin, prefix } = seam.origin
      return new GuardedAnthropic({
        baseURL: origin + prefix,
        ...(options.timeout ? { timeout: options.timeout } : {}),
        [bound]: token,
      } as Marked)
    },
  }
}

/** The light form of what the SDK (or anybody) hands to `fetch`. */
export async function toWire(input: string | URL | Request, init: RequestInit | undefined): Promise<WireRequest> {
  const request = input instanceof Request ? input : undefined
  const headers: Record<string, string> = {}
  const given = init?.headers ?? request?.headers
  for (const [name, value] of given instanceof Headers ? given : new Headers(given)) headers[name] = value
  const body = init?.body ?? (request?.body ? await request.text() : undefined)
  return {
    method: (init?.method ?? request?.method ?? 'GET').toUpperCase(),
    url: request ? request.url : String(input),
    headers,
    ...(body == null ? {} : { body: body as string }),
  }
}

/** The error that the SDK shall throw in place of the one it would make of the answer. */
function whose(reply: Reply, abort: AbortSignal | undefined, call: CallOptions | undefined): unknown {
  if (reply.error === undefined || isUpstreamAnswer(reply.error)) return undefined
  if (reply.aborted) return abort?.aborted && !call?.signal?.aborted ? new APIConnectionTimeoutError() : new APIUserAbortError()
  if (reply.error instanceof UpstreamError && reply.error.upstream.status === undefined)
    return new APIConnectionError({ cause: reply.error })
  return reply.error
}

interface Answered {
  /** What the SDK shall throw. */
  readonly error: unknown
  readonly abort: AbortSignal | undefined
  readonly url: string
  readonly errors: WeakMap<Headers, unknown>
}

function toResponse(reply: Reply, { error, abort, url, errors }: Answered): Response {
  const response = responseOf(reply, url, failure => broken(failure, abort))
  if (error !== undefined) errors.set(response.headers, error)
  return response
}

/** The SDK takes an `AbortError` for a clean end: right for its own abort, wrong for one that came from outside. */
function broken(error: unknown, abort: AbortSignal | undefined): unknown {
  return (error as { name?: unknown } | null)?.name === 'AbortError' && !abort?.aborted ? new APIUserAbortError() : error
}
