import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type Context, OpenAPIBackend } from 'openapi-backend'
import { restDocument } from '../../../lib/ctx/targets/emitters/rest-document.js'
import type { CTXPlane } from '../../../lib/ctx/language/grammar.js'
import type { Narrowing, Ranking } from '../../../lib/ctx/targets/operation.js'
import type { Engine } from './engine.js'
import { type Answer, Rows } from './rows.js'

type Query = Readonly<Record<string, any>>

interface Reply {
  readonly status: number
  readonly body?: object
}

interface Asked {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** As it came, or as it stands in a batch. */
  readonly body?: unknown
}

const json = 'application/json'
const refused = (message: string): Reply => ({ status: 400, body: { errors: [{ message }] } })

/** RFC 3986: `+` is itself. A name that comes twice has two values, and only a list takes them. @throws URIError for a wrong escape */
function queryOf(search: string): Query {
  const query: Record<string, string[]> = {}
  for (const pair of search.split('&').filter(Boolean)) {
    const [name, ...value] = pair.split('=')
    query[name!] = [...(query[name!] ?? []), decodeURIComponent(value.join('='))]
  }
  return Object.fromEntries(Object.entries(query).map(([name, values]) => [name, values.length === 1 ? values[0] : values]))
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}

function write(response: ServerResponse, { status, body }: Reply): void {
  const written = body ? JSON.stringify(body) : ''
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(written) }
  response.writeHead(status, { 'content-type': json, ...length }).end(written)
}

/** The routes and the checks, of requests and of answers, are the document's; what they do is done on rows. */
export class RestServer {
  readonly rows: Rows = new Rows()
  readonly #api: OpenAPIBackend
  readonly #server: Server

  private constructor() {
    this.#api = new OpenAPIBackend({
      definition: JSON.parse(restDocument),
      strict: true,
      coerceTypes: true,
      ajvOpts: { strict: false },
      handlers: this.#handlers(),
    })
    this.#server = createServer({ requireHostHeader: false }, (request, response) => {
      const work = async (): Promise<Reply> => {
        const body = await textOf(request)
        const { method, url, headers } = request
        return this.#answer({ method: method!, path: url!, headers, ...(body && { body }) })
      }
      work().then(
        reply => write(response, reply),
        error => write(response, { status: 500, body: { errors: [{ message: String(error) }] } }),
      )
    })
  }

  static async start(): Promise<RestServer> {
    const server = new RestServer()
    await server.#api.init()
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #answer({ method, path, headers, body }: Asked): Promise<Reply> {
    if (headers.host === undefined) return refused('HTTP/1.1 needs Host')
    if (body !== undefined && headers['content-type'] !== json) return { status: 415 }
    const [, route, search] = /^([^?]*)\??(.*)$/s.exec(path)!
    let query: Query
    try {
      query = queryOf(search!)
    } catch (error) {
      return refused(String(error))
    }
    return this.#api.handleRequest({ method, path: route!, query, headers, body } as never)
  }

  #handlers() {
    const { rows } = this
    const planeOf = (c: Context): CTXPlane => c.request.params.plane as CTXPlane
    const narrowing = (c: Context): Narrowing => {
      const { name, tag = [], since = [], ago = [], project } = c.request.query as Query
      const moments = [...since.map((at: number) => ({ at })), ...ago.map((seconds: number) => ({ ago: seconds }))]
      return { plane: planeOf(c), name, tags: tag, since: moments, project }
    }
    const row = (c: Context): any => ({ plane: planeOf(c), ...c.request.requestBody })
    const done =
      (status: number, work: (c: Context) => void) =>
      (c: Context): Reply => {
        work(c)
        return { status }
      }
    return {
      find: (c: Context): Reply => {
        const { q, by, word, threshold, verb, limit, format } = c.request.query as Query
        const ranking = by && ({ by, words: word, threshold } as Ranking)
        const found = rows.search({ ...narrowing(c), query: q, ranking, verb, limit })
        return { status: 200, body: { entries: found.map(withoutNull), format } }
      },
      walk: (c: Context): Reply => {
        const { from, depth, limit, format } = c.request.query as Query
        return { status: 200, body: { names: rows.traverse({ plane: planeOf(c), from, depth, limit }), format } }
      },
      store: done(201, c => rows.store(row(c))),
      relate: done(201, c => rows.relate(row(c))),
      call: done(201, c => rows.call(row(c))),
      update: done(204, c => rows.update({ ...narrowing(c), ...c.request.requestBody })),
      promote: done(204, c => rows.promote(narrowing(c))),
      remove: done(204, c => rows.delete(narrowing(c))),
      batch: (c: Context): Promise<Reply> => this.#batch(c.request),
      validationFail: (c: Context): Reply => ({ status: 400, body: { errors: c.validation.errors! } }),
      notFound: (): Reply => ({ status: 404 }),
      methodNotAllowed: (): Reply => ({ status: 405 }),
      postResponseHandler: (c: Context): Reply => this.#documented(c),
    }
  }

  /** @throws Error where the document does not list the answer, or describes another */
  #documented({ operation, response }: Context): Reply {
    const reply = response as Reply
    if (!operation) return reply
    if (!(reply.status in operation.responses!)) throw new Error(`${operation.operationId}: the document has no answer ${reply.status}`)
    const { errors } = this.#api.validateResponse(reply.body ?? null, operation, reply.status)
    if (errors) throw new Error(`${operation.operationId}: ${JSON.stringify(errors)}`)
    return reply
  }

  async #batch({ headers, requestBody: requests }: Context['request']): Promise<Reply> {
    const answers: Reply[] = []
    const isRefused = (): boolean => answers.some(({ status }) => status >= 300)
    const inOrder = async (): Promise<void> => {
      for (const request of requests) {
        answers.push(await this.#answer({ ...request, headers }))
        if (isRefused()) throw new Error(`request ${answers.length} of the batch: ${JSON.stringify(answers.at(-1))}`)
      }
    }
    const undo = this.rows.save()
    try {
      await inOrder()
      return { status: 200, body: { answers } }
    } catch (error) {
      undo()
      if (isRefused()) return refused(String(error))
      throw error
    }
  }
}

const withoutNull = (row: object): object => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

/** An answer as it was read. */
export interface Exchanged {
  readonly status: number
  readonly body: any
}

const endOfHead = '\r\n\r\n'

/** Answers that follow each other, by the lengths that they say: whatever stands in a body, it ends none. */
function* answersOf(bytes: Buffer): Generator<Exchanged> {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(endOfHead, at)
    const head = bytes.toString('latin1', at, end)
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head)!
    const start = end + endOfHead.length
    at = start + Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
    const body = bytes.toString('utf8', start, at)
    yield { status: Number(status), body: body === '' ? undefined : JSON.parse(body) }
  }
}

/** The bytes, as they are, to the server, on one connection; all that it answers. Half closed: a request that says more than it has is not waited for. */
export async function exchange(port: number, bytes: string): Promise<readonly Exchanged[]> {
  const socket = connect(port, '127.0.0.1')
  socket.end(bytes)
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part as Buffer)
  return [...answersOf(Buffer.concat(parts))]
}

const absent = { verb: null, name: null, text: null, fields: null, project: null, format: null }

/** What one request is answered. @throws Error where it is refused, or is no request or several */
export async function answerTo(port: number, request: string): Promise<any> {
  const [answer, ...more] = await exchange(port, request)
  // A request that is longer than it says would be a second one, and have an answer too.
  if (!answer || more.length > 0) throw new Error(`${more.length + (answer ? 1 : 0)} answers to one request`)
  if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

export async function restEngine(): Promise<Engine & { readonly port: number }> {
  const server = await RestServer.start()
  return {
    port: server.port,
    async run(output) {
      const body = await answerTo(server.port, output)
      return (body?.names ?? body?.entries?.map((row: object) => ({ ...absent, ...row }))) as Answer | undefined
    },
    runBatch: output => answerTo(server.port, output),
    content: async () => server.rows.content,
    age: async seconds => server.rows.age(seconds),
    reset: async () => server.rows.clear(),
    close: () => server.close(),
  }
}
