import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { UpstreamError } from '../core/errors.js'
import { decoded, isDecoded } from './decoded.js'
import type { Upstream, WireReply, WireRequest } from './wire.js'
import { direct, type DirectUpstream, WireAbort } from './wire-abort.js'
import { type BodySource, WireBody } from './wire-body.js'

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

const send: DirectUpstream = (request, abort) =>
  new Promise((resolve, reject) => {
    try {
      shared().dispatch(toRequest(request), new Answer(abort, resolve, reject))
    } catch (error) {
      reject(lost(error))
    }
  })

/** The real way to a Messages API: HTTP over pooled connections. */
export const httpUpstream: Upstream & { readonly [direct]: DirectUpstream } = Object.assign(
  (request: WireRequest, signal: AbortSignal) => {
    const abort = new WireAbort()
    const end = () => abort.abort()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    return send(request, abort)
  },
  { [direct]: send },
)

function toRequest(request: WireRequest): Dispatcher.DispatchOptions {
  const { url } = request
  const path = url.indexOf('/', url.indexOf('://') + 3)
  return {
    origin: url.slice(0, path),
    path: url.slice(path),
    method: request.method as Dispatcher.HttpMethod,
    // Without it a server may compress, and events would wait for one another.
    headers: { ...request.headers, 'accept-encoding': 'identity' },
    body: request.body ?? null,
  }
}

/** One answer on its way in. */
class Answer implements Dispatcher.DispatchHandler, BodySource {
  readonly #abort: WireAbort
  readonly #resolve: (reply: WireReply) => void
  readonly #reject: (error: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  #body: WireBody | undefined

  constructor(abort: WireAbort, resolve: (reply: WireReply) => void, reject: (error: unknown) => void) {
    this.#abort = abort
    this.#resolve = resolve
    this.#reject = reject
    abort.onAbort(() => this.drop())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#abort.aborted) this.drop()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    this.#body = new WireBody(this)
    this.#resolve({ status, headers: joined(headers), body: bodyOf(this.#body, headers['content-encoding']) })
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.push(chunk)
  }

  onResponseEnd(): void {
    this.#body?.end()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#body) this.#body.fail(lost(error))
    else this.#reject(lost(error))
  }

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    this.#controller?.resume()
  }

  drop(): void {
    this.#controller?.abort(new DOMException('nobody reads on', 'AbortError'))
  }
}

function joined(given: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of Object.keys(given)) {
    const value = given[name]
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

const bodyOf = (body: WireBody, encoding: string | undefined): AsyncIterable<Uint8Array> =>
  isDecoded(encoding) ? chunks(decoded(Readable.from(body), encoding)) : body

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
