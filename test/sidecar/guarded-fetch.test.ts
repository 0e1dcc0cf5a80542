import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { ViolationError } from '../../lib/core/errors.js'
import type { LayerInput, ToolAction } from '../../lib/core/types.js'
import { allowNoUnhandled, failure, layer, rig } from '../core/rig.js'

allowNoUnhandled()

interface Site {
  readonly url: string
  /** What came, without what differs from one connection to the next. */
  readonly received: object[]
  readonly connections: number
  close(): Promise<void>
}

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.close()))
})

/** Answers `/STATUS?to=URL` with a redirect, `/count/N` with one to N - 1, anything else with 200. */
async function site(): Promise<Site> {
  const received: object[] = []
  let connections = 0
  const server: Server = createServer(async (request, response) => {
    received.push(await facts(request))
    const { pathname, searchParams } = new URL(request.url!, 'http://site')
    const [, count] = /^\/count\/(\d+)$/.exec(pathname) ?? []
    const location = count === undefined ? searchParams.get('to') : count === '0' ? null : `/count/${Number(count) - 1}`
    const status = /^\/\d{3}$/.test(pathname) ? Number(pathname.slice(1)) : location === null ? 200 : 302
    response.writeHead(status, location === null ? {} : { location: Buffer.from(location).toString('latin1') })
    response.end(`${request.method} ${status}`)
  })
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const made: Site = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    get connections() {
      return connections
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  sites.push(made)
  return made
}

async function facts(request: IncomingMessage): Promise<object> {
  const { method, url, headers } = request
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const { host: _, connection, ...rest } = headers
  const kept = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, String(value).replaceAll(/formdata-undici-\d+/g, 'form')]),
  )
  return {
    method,
    url,
    headers: kept,
    body: Buffer.concat(parts)
      .toString()
      .replaceAll(/formdata-undici-\d+/g, 'form'),
  }
}

function sidecarWith(...use: LayerInput[]) {
  const judged: { readonly url: string; readonly method: string }[] = []
  const noting = layer('withNotes', (ctx, next) => {
    judged.push((ctx.action as ToolAction).input as never)
    return next()
  })
  return { judged, fetch: rig([noting, ...use]).sidecar.fetch }
}

/** What a caller sees, and what the sites received, without and with a sidecar. */
async function compared(work: (get: typeof fetch) => Promise<Response>, ...servers: readonly Site[]) {
  const seen = async (get: typeof fetch) => {
    const answer = await work(get).then(
      async response => {
        const { status, statusText, ok, redirected, type, url } = response
        const copy = response.clone()
        return { status, statusText, ok, redirected, type, url, text: await response.text(), copy: [copy.redirected, copy.url] }
      },
      error => ({ failed: `${error.name}: ${error.message}` }),
    )
    return { answer, received: servers.map(({ received }) => received.splice(0)) }
  }
  const bare = await seen(fetch)
  const { fetch: own, judged } = sidecarWith()
  return { bare, ours: await seen(own), judged }
}

const statuses = [301, 302, 303, 307, 308]
const methods = ['GET', 'HEAD', 'POST', 'PUT']
const bodies: Readonly<Record<string, () => RequestInit>> = {
  'no body': () => ({}),
  text: () => ({ body: 'a body' }),
  'a blob': () => ({ body: new Blob(['a body'], { type: 'text/plain' }) }),
  'form fields': () => ({ body: new URLSearchParams({ a: '1' }) }),
  'a form': () => {
    const body = new FormData()
    body.set('a', '1')
    return { body }
  },
  'a stream': () => ({ body: new Blob(['streamed']).stream(), duplex: 'half' }) as RequestInit,
  'a stream of Node': () => ({ body: Readable.from([Buffer.from('streamed')]), duplex: 'half' }) as unknown as RequestInit,
}
const headers = { authorization: 'Bearer x', cookie: 'c=1', 'x-own': 'kept', 'content-language': 'en' }

describe('a redirect of a guarded fetch', () => {
  const ways = statuses.flatMap(status =>
    methods.flatMap(method =>
      Object.keys(bodies)
        .filter(body => body === 'no body' || (method !== 'GET' && method !== 'HEAD'))
        .map(body => ({ status, method, body, name: `${status} of a ${method} with ${body}` })),
    ),
  )

  it.each(ways)('is followed as the bare fetch does: $name', async ({ status, method, body }) => {
    const [one, two] = [await site(), await site()]
    for (const to of ['/landing?x=1', `${two.url}/landing#there`]) {
      const { bare, ours } = await compared(
        get => get(`${one.url}/${status}?to=${encodeURIComponent(to)}`, { method, headers, ...bodies[body]!() }),
        one,
        two,
      )
      expect(ours).toEqual(bare)
    }
  })

  it.each(statuses)('is followed for a Request with a body, which is left as the bare fetch leaves it: %s', async status => {
    const one = await site()
    const used: boolean[] = []
    const { bare, ours } = await compared(async get => {
      const request = new Request(`${one.url}/${status}?to=/landing`, { method: 'POST', headers, body: 'a body' })
      const response = await get(request)
      used.push(request.bodyUsed)
      return response
    }, one)
    expect(ours).toEqual(bare)
    expect(used).toEqual([true, true])
  })

  it('sends bytes again, also where the fetch of Node 20 fails with them', async () => {
    const one = await site()
    await sidecarWith().fetch(`${one.url}/308?to=/landing`, { method: 'PUT', body: new Uint8Array([65, 66]) })
    expect(one.received).toEqual([expect.objectContaining({ body: 'AB' }), expect.objectContaining({ body: 'AB', url: '/landing' })])
  })

  it('keeps the options of the call above those of its Request', async () => {
    const one = await site()
    const { bare, ours } = await compared(
      get =>
        get(new Request(`${one.url}/307?to=/landing`, { method: 'PUT', headers, body: 'of the request' }), {
          method: 'POST',
          headers: { 'x-other': '1' },
          body: 'of the call',
        }),
      one,
    )
    expect(ours).toEqual(bare)
  })

  it.each([
    ['a Request', (url: string) => new Request(url, { method: 'PUT', headers, body: 'of the request' })],
    ['an object that inherits', () => Object.create({ method: 'PUT', headers, body: 'inherited' })],
  ])('takes %s for its options, as the bare fetch does', async (_, init) => {
    const one = await site()
    for (const path of ['/', '/302?to=/landing']) {
      const { bare, ours } = await compared(get => get(new Request(one.url + path, { signal: AbortSignal.abort() }), { signal: null }), one)
      expect(ours).toEqual(bare)
      const plain = await compared(get => get(one.url + path, init(one.url)), one)
      expect(plain.ours).toEqual(plain.bare)
    }
  })

  it.each([
    ['none', ''],
    ['one that is no URL', '?to=http://[bad'],
    ['another scheme', '?to=data:,hello'],
    ['a file', '?to=file:///etc/passwd'],
    ['credentials', '?to=http://user:word@127.0.0.1:9/'],
    ['letters that are not ASCII', `?to=${encodeURIComponent('/künfte')}`],
    ['a path upwards', '?to=../landing'],
    ['nothing listening', '?to=http://127.0.0.1:1/'],
  ])('is treated as the bare fetch does where the location has %s', async (_, query) => {
    const one = await site()
    const { bare, ours } = await compared(get => get(`${one.url}/302${query}#part`), one)
    expect(ours).toEqual(bare)
  })

  it.each([20, 21])('may be one of 20 in a row: %s', async count => {
    const one = await site()
    const { bare, ours, judged } = await compared(get => get(`${one.url}/count/${count}`), one)
    expect(ours).toEqual(bare)
    expect(judged).toHaveLength(21)
    expect('failed' in ours.answer).toBe(count === 21)
  })

  it.each(['error', 'manual'] as const)('is not followed with redirect: %s, on the call or on its Request', async mode => {
    const one = await site()
    for (const get of [
      (of: typeof fetch) => of(`${one.url}/302?to=/landing`, { redirect: mode }),
      (of: typeof fetch) => of(new Request(`${one.url}/302?to=/landing`, { redirect: mode })),
    ]) {
      const { bare, ours, judged } = await compared(get, one)
      expect(ours).toEqual(bare)
      expect(judged).toHaveLength(1)
    }
  })

  it.each(['same-origin', 'cors'] as const)('leaves its origin, and comes back, as with mode: %s', async mode => {
    const [one, two] = [await site(), await site()]
    const back = `${two.url}/302?to=${encodeURIComponent(`${one.url}/landing`)}`
    for (const to of ['/landing', `${two.url}/landing`, back]) {
      const { bare, ours } = await compared(get => get(`${one.url}/302?to=${encodeURIComponent(to)}`, { mode, headers }), one, two)
      expect(ours).toEqual(bare)
    }
  })

  it('is an action of its own, judged by its URL and method', async () => {
    const [one, two] = [await site(), await site()]
    const { fetch: own, judged } = sidecarWith()
    await own(`${one.url}/302?to=${two.url}/landing`, { method: 'POST', body: 'x' })
    expect(judged).toEqual([
      { url: `${one.url}/302?to=${two.url}/landing`, method: 'POST' },
      { url: `${two.url}/landing`, method: 'GET' },
    ])
    judged.length = 0
    await own(`${one.url}/302?to=/landing#part`)
    expect(judged[1]!.url).toBe(`${one.url}/landing#part`)
  })

  it('leaves no connection open behind it', async () => {
    const one = await site()
    let closed!: () => void
    const ended = new Promise<void>(resolve => {
      closed = resolve
    })
    const endless = createServer((_, response) => {
      response.on('close', closed).writeHead(302, { location: `${one.url}/landing` })
      response.write('an answer that does not end')
    })
    endless.listen(0, '127.0.0.1')
    await once(endless, 'listening')
    await sidecarWith().fetch(`http://127.0.0.1:${(endless.address() as AddressInfo).port}`)
    await ended
    expect(one.received).toHaveLength(1)
    endless.closeAllConnections()
    endless.close()
  })

  it('to a forbidden place sends not a byte there', async () => {
    const [one, two] = [await site(), await site()]
    const verdict = new ViolationError({ ruleId: 'network' })
    const fence = layer('withFence', async (ctx, next) => {
      if (JSON.stringify((ctx.action as ToolAction).input).startsWith(`{"url":"${two.url}`)) throw verdict
      await next()
    })
    const { fetch: own } = sidecarWith(fence)
    for (const status of statuses) expect(await failure(own(`${one.url}/${status}?to=${two.url}/landing`))).toBe(verdict)
    expect(two.connections).toBe(0)
    expect(one.received).toHaveLength(statuses.length)
    // The fence is what held it: without it, the same redirects arrive.
    await sidecarWith().fetch(`${one.url}/302?to=${two.url}/landing`)
    expect(two.connections).toBe(1)
  })

  it('is ended by its caller, like the first request', async () => {
    const one = await site()
    const caller = new AbortController()
    const reason = new Error('enough')
    let hops = 0
    const stopping = layer('withStop', (_, next) => {
      if (++hops === 2) caller.abort(reason)
      return next()
    })
    expect(await failure(sidecarWith(stopping).fetch(`${one.url}/302?to=/landing`, { signal: caller.signal }))).toBe(reason)
    expect(one.received).toHaveLength(1)
  })

  it('of an attempt that is made again sends the body again', async () => {
    const one = await site()
    let failures = 1
    const again = layer('withAgain', (_, next) => next().catch(next), { reenters: true })
    const failing = layer('withFault', (ctx, next) =>
      next().then(() => {
        if ((ctx.action as any).input.url === `${one.url}/landing` && failures-- > 0) throw new Error('once')
      }),
    )
    const own = sidecarWith(again, failing).fetch
    await own(new Request(`${one.url}/307?to=/landing`, { method: 'POST', body: 'a body' }))
    expect(one.received.map(request => (request as { body: string }).body)).toEqual(['a body', 'a body', 'a body'])
  })
})
