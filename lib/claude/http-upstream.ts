import type { Readable } from 'node:stream'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { UpstreamError } from '../core/errors.js'
import { decoded } from './decoded.js'
import type { Upstream, WireReply, WireRequest } from './wire.js'

// One pool for the process: idle sockets are shared by all sidecars and never keep it alive. Deadlines are the chain's business.
let pool: Agent | undefined

function shared(): Agent {
  pool ??= new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: noting(buildConnector({ timeout: 10_000 })) })
  return pool
}

// What failed before there was a connection: not a byte of the request can have left, whatever its code says.
const unconnected = new WeakSet<object>()

function noting(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...result) => {
      if (result[0]) unconnected.add(result[0])
      callback(...result)
    })
}

/** The real way to a Messages API: HTTP over pooled connections. */
export const httpUpstream: Upstream = async (request, abort) => {
  try {
    return toReply(await shared().request(toRequest(request, abort)))
  } catch (error) {
    throw lost(error)
  }
}

function toRequest(request: WireRequest, abort: AbortSignal): Dispatcher.RequestOptions {
  const { origin, pathname, search } = new URL(request.url)
  return {
    origin,
    path: pathname + search,
    method: request.method as Dispatcher.HttpMethod,
    // Without it a server may compress, and events would wait for one another.
    headers: { ...request.headers, 'accept-encoding': 'identity' },
    body: request.body ?? null,
    signal: abort,
  }
}

function toReply(response: Dispatcher.ResponseData): WireReply {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  return { status: response.statusCode, headers, body: chunks(decoded(response.body, response.headers['content-encoding'])) }
}

async function* chunks(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array
  } catch (error) {
    throw lost(error)
  }
}

// Nothing was sent: there was nobody to send it to.
const unreachable: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** A transport failure as plain facts: no `cause`, and no text that an SDK would take for a reason to run the call again. */
export function lost(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  const code = codeOf(error)
  const syscall = unconnected.has(Object(error)) ? 'connect' : (error as { syscall?: unknown } | null)?.syscall
  const shown = code.replace(/timed?[ _]?out/i, 'time-out')
  const what = unreachable.has(code)
    ? `cannot reach the Messages API (${shown}); check claude.baseURL or ANTHROPIC_BASE_URL, and the network`
    : `no whole answer from the Messages API (${shown})`
  return new UpstreamError(what, {
    code,
    ...(typeof syscall === 'string' ? { syscall } : {}),
  })
}

function codeOf(error: unknown): string {
  for (
    let e = error as { code?: unknown; name?: unknown; cause?: unknown; errors?: readonly unknown[] } | null | undefined;
    e;
    e = (e.cause ?? e.errors?.[0]) as typeof e
  ) {
    if (typeof e.code === 'string') return e.code
    if (e.name === 'AbortError') return 'ABORTED'
    if (e.name === 'HTTPParserError') return 'NOT_HTTP'
  }
  return 'UNKNOWN'
}
