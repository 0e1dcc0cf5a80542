import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type Context, OpenAPIBackend } from 'openapi-backend'
import { restDocument } from '../../../lib/ctx/emitters/rest-document.js'
import type { CTXPlane } from '../../../lib/ctx/grammar.js'
import type { Narrowing, Ranking } from '../../../lib/ctx/operation.js'
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
  readonly body?: unknown
}

const lists = new Set(['tag', 'since', 'ago', 'word'])

function queryOf(search: string): Query {
  const parameters = new URLSearchParams(search)
  return Object.fromEntries([...parameters.keys()].map(name => [name, lists.has(name) ? parameters.getAll(name) : parameters.get(name)]))
}

/** The routes and the checks are the document's; what they do is done on rows. */
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
    this.#server = createServer(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      const text = Buffer.concat(parts).toString()
      const { status, body } = await this.answer({ method: request.method!, path: request.url!, ...(text && { body: JSON.parse(text) }) })
      const written = body ? JSON.stringify(body) : ''
      const length = written ? { 'content-length': Buffer.byteLength(written) } : {}
      response.writeHead(status, { 'content-type': 'application/json', ...length }).end(written)
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

  async answer({ method, path, body }: Asked): Promise<Reply> {
    const [route, search = ''] = path.split('?')
    const headers = { 'content-type': 'application/json' }
    return this.#api.handleRequest({ method, path: route!, query: queryOf(search), headers, body } as never)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #handlers() {
    const { rows } = this
    const narrowing = (c: Context): Narrowing => {
      const { name, tag = [], since = [], ago = [], project } = c.request.query as Query
      const moments = [...since.map((at: number) => ({ at })), ...ago.map((seconds: number) => ({ ago: seconds }))]
      return { plane: c.request.params.plane as CTXPlane, name, tags: tag, since: moments, project }
    }
    const row = (c: Context): any => ({ plane: c.request.params.plane, ...c.request.requestBody })
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
        const which = narrowing(c)
        const found =
          which.name === undefined
            ? rows.search({ ...which, query: q, ranking, verb, limit })
            : rows.lookup({ ...which, name: which.name, limit })
        return { status: 200, body: { entries: found.map(withoutNull), format } }
      },
      walk: (c: Context): Reply => {
        const { from, depth, limit, format } = c.request.query as Query
        return { status: 200, body: { names: rows.traverse({ plane: c.request.params.plane as CTXPlane, from, depth, limit }), format } }
      },
      store: done(201, c => rows.store(row(c))),
      relate: done(201, c => rows.relate(row(c))),
      call: done(201, c => rows.call(row(c))),
      update: done(204, c => rows.update({ ...narrowing(c), ...c.request.requestBody })),
      promote: done(204, c => rows.promote(narrowing(c))),
      remove: done(204, c => rows.delete(narrowing(c))),
      batch: (c: Context): Promise<Reply> => this.#batch(c.request.requestBody),
      validationFail: (c: Context): Reply => ({ status: 400, body: { errors: c.validation.errors } }),
      notFound: (): Reply => ({ status: 404 }),
      methodNotAllowed: (): Reply => ({ status: 405 }),
    }
  }

  async #batch(requests: readonly Asked[]): Promise<Reply> {
    let failed: Reply | undefined
    const run = async (): Promise<void> => {
      for (const request of requests) {
        const reply = await this.answer(request)
        if (reply.status >= 300) failed = reply
        if (failed) throw new Error('one of them failed')
      }
    }
    await this.rows.whole(run).catch(() => {})
    return failed ?? { status: 204 }
  }
}

const withoutNull = (row: object): object => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

/** The bytes of a request, as they are, to the server; its answer. One connection each. */
export async function exchange(port: number, request: string): Promise<{ readonly status: number; readonly body: any }> {
  const socket = connect(port, '127.0.0.1')
  // Half closed: a request that is longer than it says would be a second one, and have an answer too.
  socket.end(request)
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  const answers = text.split(/^HTTP\/1\.1 /m).slice(1)
  expect(answers).toHaveLength(1)
  const [head, ...rest] = answers[0]!.split('\r\n\r\n')
  const status = Number(head!.slice(0, 3))
  const body = rest.join('\r\n\r\n')
  return { status, body: /^content-length: /im.test(head!) ? JSON.parse(body) : undefined }
}

const absent = { verb: null, name: null, text: null, fields: null, project: null, format: null }

export async function restEngine(): Promise<Engine & { readonly server: RestServer }> {
  const server = await RestServer.start()
  const send = async (request: string): Promise<any> => {
    const { status, body } = await exchange(server.port, request)
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
    return body
  }
  return {
    server,
    async run(output) {
      const body = await send(output)
      return (body?.names ?? body?.entries?.map((row: object) => ({ ...absent, ...row }))) as Answer | undefined
    },
    runBatch: send,
    content: async () => server.rows.content,
    age: async seconds => server.rows.age(seconds),
    reset: async () => server.rows.clear(),
    close: () => server.close(),
  }
}
