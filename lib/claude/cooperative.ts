import { APIConnectionError, type Middleware } from '@anthropic-ai/sdk'
import { ConfigError, DeadlineError, OutriggerError, UpstreamError } from '../core/errors.js'
import { toWire, placeholder } from './client.js'
import { handle } from './handler.js'
import { isUpstreamAnswer, type Reply } from './reply.js'
import { keyOf } from './options.js'
import { isOfRequest } from './request-headers.js'
import { responseOf } from './response.js'
import type { Origin, Seam } from './seam.js'
import { lost } from './http-upstream.js'
import type { Upstream, WireReply } from './wire.js'

/**
 * The chain as a middleware of a client that the user owns (any backend of the SDK). Cooperative: the client holds the key, and code that
 * takes this middleware out is not governed.
 */
export function cooperative(seam: Omit<Seam, 'upstream' | 'origin'>): Middleware {
  return async (request, next, { options }) => {
    // The client gets a credential of its own: not a call of the Messages API.
    if (options === undefined) return next(request)
    const wire = await toWire(request.url, request as unknown as RequestInit)
    if (wire.headers.authorization === `Bearer ${placeholder}`)
      throw new ConfigError('this client belongs to a sidecar already; take sidecar.middleware out, or give it to a client of your own')
    const signal = (request as { signal?: AbortSignal | null }).signal ?? undefined
    const upstream: Upstream = async (sent, abort) => {
      try {
        return toReply(
          await next({
            ...request,
            signal: abort,
            headers: new Headers(sent.headers),
            ...(sent.body === undefined ? {} : { body: sent.body }),
          }),
        )
      } catch (error) {
        throw lost(error)
      }
    }
    const { origin, pathname } = new URL(request.url)
    const prefix = pathname.slice(0, Math.max(0, pathname.lastIndexOf('/v1/')))
    const own: Origin = { origin, prefix, key: keyOf(origin), betas: [], forwards: isOfRequest, credentials: () => ({}) }
    const reply = await handle({ ...seam, upstream, origin: own }, wire, { signal })
    return toResponse(reply, request.url, signal)
  }
}

function toReply(response: Response): WireReply {
  const headers: Record<string, string> = {}
  response.headers.forEach((value, name) => {
    headers[name] = value
  })
  return { status: response.status, headers, body: response.body ?? emptyBody() }
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

/** Upstream's own answers go back as they are; everything else is thrown, in a form that the SDK does not run again. */
function toResponse(reply: Reply, url: string, signal: AbortSignal | undefined): Response {
  if (reply.error !== undefined && !isUpstreamAnswer(reply.error)) throw plain(reply.error, signal)
  return responseOf(reply, url)
}

function plain(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof OutriggerError) return harmless(error)
  // The SDK sees its own signal and says what it was; this only must not look like a reason to run the call again.
  if (signal?.aborted) return new DeadlineError({ deadline: 'client', ms: 0 })
  return new UpstreamError('the call failed in the sidecar', { code: 'FAILED' })
}

// What the SDK takes for a lost connection and runs the whole call again for (SDK 1.10.0, makeRequest).
const timeOut = /time(d?) ?out/gi

/** The same error, or a copy of it without what would make the SDK run the call again. */
function harmless(error: OutriggerError): OutriggerError {
  const cause = 'cause' in error && looksLost(error.cause)
  if (!cause && error.message.search(timeOut) < 0) return error
  const copy = Object.create(Object.getPrototypeOf(error), Object.getOwnPropertyDescriptors(error)) as OutriggerError
  copy.message = error.message.replace(timeOut, 'time-out')
  if (cause) delete copy.cause
  return copy
}

function looksLost(cause: unknown): boolean {
  const seen = new Set<unknown>()
  for (let at = cause; typeof at === 'object' && at !== null && !seen.has(at); at = (at as { cause?: unknown }).cause) {
    seen.add(at)
    const { name } = at as { name?: unknown }
    if (name === 'AbortError' || name === 'RetryableError' || at instanceof APIConnectionError) return true
  }
  return String(cause).search(timeOut) >= 0
}
