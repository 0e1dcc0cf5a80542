import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OutriggerError } from '../core/errors.js'
import { handle } from './handler.js'
import { errorBody, errorReply, type Reply, type ReplyStream } from './reply.js'
import type { Seam } from './seam.js'

/** The handler on a port of its own, for an agent that is itself a child process. */
export interface Listening {
  /** What the child gets as `ANTHROPIC_BASE_URL`. */
  readonly baseURL: string
  /** What the child gets as `ANTHROPIC_API_KEY`. It opens this port and nothing else. */
  readonly token: string
  /** Stops listening and ends open requests. */
  close(): Promise<void>
}

/** Limits and address of `listen()`. */
export interface ListenOptions {
  /** Default 0: any free port. */
  readonly port?: number
  /** Default `127.0.0.1`. Anything beyond loopback must be said here. */
  readonly host?: string
  /** The largest request body, in bytes. Default 67,108,864 (64 MB). */
  readonly maxBodyBytes?: number
}

const known = ['port', 'host', 'maxBodyBytes']

function check(options: ListenOptions): void {
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw new TypeError(`listen: unknown option "${key}"; known are ${known.join(', ')}`)
  const { port = 0, maxBodyBytes = 1 } = options
  if (!(Number.isInteger(port) && port >= 0 && port < 65_536)) throw new RangeError(`listen: port must be from 0 to 65535, got ${port}`)
  if (!(Number.isInteger(maxBodyBytes) && maxBodyBytes > 0))
    throw new RangeError(`listen: maxBodyBytes must be a whole number above 0, got ${maxBodyBytes}`)
}

/**
 * Serves the handler on HTTP. Every request must bear the token, as `x-api-key` or as a bearer.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export async function listen(seam: Seam, options: ListenOptions = {}): Promise<Listening> {
  check(options)
  const { port = 0, host = '127.0.0.1', maxBodyBytes = 64 * 2 ** 20 } = options
  const token = `outrigger-${randomBytes(24).toString('base64url')}`
  const server = createServer((request, response) => void serve(seam, { token, maxBodyBytes }, request, response))
  // The listener stays: an error of the server later on must not end the process.
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, host, resolve))
  server.unref()
  const { port: bound } = server.address() as AddressInfo
  return { baseURL: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, token, close: () => closed(server) }
}

function closed(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function serve(
  seam: Seam,
  guard: { token: string; maxBodyBytes: number },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableEnded) gone.abort()
  })
  try {
    await answer(seam, response, await replyTo(seam, guard, request, gone.signal))
  } catch (error) {
    if (!response.headersSent) await answer(seam, response, errorReply(error)).catch(() => response.destroy())
    else response.destroy()
  }
}

async function replyTo(
  seam: Seam,
  guard: { token: string; maxBodyBytes: number },
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Reply> {
  if (request.method === 'HEAD') return { status: 200, headers: {}, body: '' }
  const obstacle = obstacleAt(request, guard.token)
  if (obstacle) return errorReply(new OutriggerError('ERR_CONFIG', obstacle, { http: { status: 401, type: 'authentication_error' } }))
  const body = request.method === 'GET' ? undefined : await readBody(request, guard.maxBodyBytes)
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  return handle(
    seam,
    { method: request.method ?? 'GET', url: request.url ?? '/', headers, ...(body === undefined ? {} : { body }) },
    { signal },
  )
}

/** Every credential that the client sends must be the token. */
function obstacleAt(request: IncomingMessage, token: string): string | undefined {
  const { authorization, 'x-api-key': key } = request.headers
  const given = [authorization?.replace(/^Bearer /i, ''), key].filter(value => value !== undefined)
  const right = given.filter(value => same(String(value), token))
  if (right.length === 0) return 'wrong or missing token: use the one that listen() gave'
  if (right.length < given.length)
    return 'a second credential came with the token: take ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN out of the child, whichever is not the token'
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Reads on past the limit without keeping anything, so that the client gets its answer. */
async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= limit) chunks.push(chunk)
    else chunks.length = 0
  }
  if (length > limit) throw tooLarge(limit)
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge(limit: number): OutriggerError {
  return new OutriggerError('ERR_CONFIG', `the request body is longer than ${limit} bytes; raise maxBodyBytes`, {
    http: { status: 413, type: 'request_too_large' },
  })
}

async function answer(seam: Seam, response: ServerResponse, reply: Reply): Promise<void> {
  const { status, headers, body } = reply
  if (typeof body === 'string') response.writeHead(status, { ...headers }).end(body)
  else await pour(seam, body, response.writeHead(status, { ...headers }))
}

/** A client that does not read for `idleMs` is cut off: the rest of its answer would stay in memory. */
function roomIn({ runtime, idleMs }: Seam, response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve()
  return new Promise(resolve => {
    const stop = runtime.clock.after(idleMs, () => response.destroy())
    const go = () => {
      stop()
      response.off('drain', go).off('close', go)
      resolve()
    }
    response.on('drain', go).on('close', go)
  })
}

async function pour(seam: Seam, stream: ReplyStream, response: ServerResponse): Promise<void> {
  response.once('close', () => stream.cancel())
  response.flushHeaders()
  try {
    for (;;) {
      const { done, value } = await stream.next()
      if (done) break
      if (!response.write(value)) await roomIn(seam, response)
    }
  } catch (error) {
    response.write(`event: error\ndata: ${JSON.stringify(errorBody(error).body)}\n\n`)
  }
  response.end()
}
