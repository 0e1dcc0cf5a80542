import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { mockTokens, type ReplySpec } from '../../lib/testing/messages.js'
import { type Answer, type Asked, type Scripted, script } from './script.js'

/** A request as the server saw it. */
export interface Received {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly bodyText: string
  /** Did the client close before its answer was whole? */
  readonly aborted: boolean
  /** Milliseconds on the process' monotonic clock. */
  readonly at: number
}

export interface MessagesServer {
  /** `http://127.0.0.1:<port>`, a base URL for the SDK. */
  readonly url: string
  readonly port: number
  readonly requests: readonly Received[]
  /** Requests by path. */
  readonly counts: Readonly<Record<string, number>>
  readonly openSockets: number
  /** Every `authorization` and `x-api-key` value that came. */
  credentials(): ReadonlySet<string>
  close(): Promise<void>
}

export interface ServerOptions {
  /** Counts a request independently of the code under test. Default: `mockTokens` as input, 5 as output. */
  readonly usageFor?: (bodyText: string) => NonNullable<ReplySpec['usage']>
}

const models = ['claude-opus-4-6', 'claude-haiku-4-5'].map(id => ({
  type: 'model',
  id,
  display_name: id,
  created_at: '2026-01-01T00:00:00Z',
}))

/**
 * A real HTTP server on loopback that answers `/v1/messages` by script: one builder for all requests, or a list for one request each (then
 * 500). For the faults that other doubles lack.
 */
export async function startServer(scripted: Scripted | readonly Scripted[], options: ServerOptions = {}): Promise<MessagesServer> {
  const usageFor = options.usageFor ?? (text => ({ input_tokens: mockTokens(text), output_tokens: 5 }))
  const requests: { -readonly [K in keyof Received]: Received[K] }[] = []
  const sockets = new Set<Socket>()
  let asks = 0

  const answerTo = (received: Received): Answer => {
    const usage = usageFor(received.bodyText)
    const asked = (n: number): Asked => ({ ...received, n, usage, body: parsed(received.bodyText) })
    if (received.path === '/v1/messages/count_tokens') return jsonAnswer({ input_tokens: usage.input_tokens })
    if (received.path.startsWith('/v1/models')) return modelsAnswer(received.path, asked(0))
    if (received.path !== '/v1/messages') return script.fail({ status: 404 })(asked(0))
    const n = ++asks
    const step =
      typeof scripted === 'function'
        ? scripted
        : (scripted[n - 1] ?? script.fail({ status: 500, message: `nothing is scripted for request ${n}` }))
    return step(asked(n))
  }

  const server = createServer(async (request, response) => {
    const received = { ...(await receive(request)), aborted: false }
    requests.push(received)
    let ours = false
    response.on('close', () => {
      received.aborted = !response.writableFinished && !ours
    })
    await play(answerTo(received), response, requests.length, () => {
      ours = true
    })
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    get counts() {
      const counts: Record<string, number> = {}
      for (const { path } of requests) counts[path] = (counts[path] ?? 0) + 1
      return counts
    },
    get openSockets() {
      return sockets.size
    },
    credentials: () =>
      new Set(requests.flatMap(({ headers }) => [headers.authorization, headers['x-api-key']].filter(value => value !== undefined))),
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function receive(request: IncomingMessage): Promise<Omit<Received, 'aborted'>> {
  const at = performance.now()
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const url = request.url ?? '/'
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  return {
    method: request.method ?? '',
    path: new URL(url, 'http://test').pathname,
    url,
    headers,
    bodyText: Buffer.concat(parts).toString(),
    at,
  }
}

async function play(answer: Answer, response: ServerResponse, n: number, reset: () => void): Promise<void> {
  const destroy = () => {
    reset()
    response.socket?.destroy()
  }
  await answer.headGate
  if (answer.head === 'never') return
  if (answer.head === 'reset') return destroy()
  response.writeHead(answer.status, { 'request-id': `req_test_${n}`, ...answer.headers })
  response.flushHeaders()
  for (const [place, chunk] of answer.chunks.entries()) {
    await answer.gates?.[place]
    if (response.destroyed) return
    if (!response.write(chunk)) await drained(response)
  }
  if (answer.ending === 'end') response.end()
  // A tick of the event loop, so that what was written leaves before the socket dies.
  if (answer.ending === 'reset') setImmediate(destroy)
}

/** Resolves when there is room again, or the reader has gone. */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController()
  const { signal } = over
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  over.abort()
}

function jsonAnswer(body: object): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, chunks: [JSON.stringify(body)], ending: 'end' }
}

function modelsAnswer(path: string, asked: Asked): Answer {
  if (path === '/v1/models') return jsonAnswer({ data: models, has_more: false, first_id: models[0]?.id, last_id: models.at(-1)?.id })
  const model = models.find(({ id }) => path === `/v1/models/${id}`)
  return model === undefined ? script.fail({ status: 404 })(asked) : jsonAnswer(model)
}

function parsed(bodyText: string): { readonly [key: string]: unknown } {
  try {
    return JSON.parse(bodyText)
  } catch {
    return {}
  }
}
