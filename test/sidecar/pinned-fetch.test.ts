import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { withViolations } from 'outrigger/middleware'
import { type NetworkRuleOptions, policyInForce, type Rule, rules } from 'outrigger/policy'
import { Agent, EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { gzipSync } from 'node:zlib'
import type { Host } from '../../lib/core/types.js'
import { allowNoUnhandled, failure, layer, rig } from '../core/rig.js'

allowNoUnhandled()

interface Site {
  readonly port: number
  readonly requests: IncomingMessage[]
  readonly answers: ServerResponse[]
  readonly connections: () => number
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A server of this machine, at one of its addresses. */
async function site(answer: RequestListener = (_, response) => response.end('here'), address = '127.0.0.1', port = 0): Promise<Site> {
  const requests: IncomingMessage[] = []
  const answers: ServerResponse[] = []
  let connections = 0
  const server = createServer((request, response) => {
    requests.push(request)
    answers.push(response)
    answer(request, response)
  })
    .on('connection', () => connections++)
    .on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'))
  servers.push(server)
  server.listen(port, address)
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, requests, answers, connections: () => connections }
}

/** Answers with what is next in the list of a name, the last of it for ever. Says what it was asked. */
function resolver(table: Readonly<Record<string, readonly (readonly string[])[]>>) {
  const asked: string[] = []
  const lookup = async (host: string) => {
    const answers = table[host]
    if (!answers) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
    const times = asked.filter(other => other === host).length
    asked.push(host)
    return [...answers[Math.min(times, answers.length - 1)]!]
  }
  return { lookup, asked }
}

/** A sidecar under rules, with names that lead where the table says. */
function under(policy: NetworkRuleOptions | readonly Rule[], table: Parameters<typeof resolver>[0] = {}) {
  const { lookup, asked } = resolver(table)
  let host!: Host
  const attached = layer('withHost', undefined, {
    attach: given => {
      host = given
    },
  })
  const all = Array.isArray(policy) ? policy : [rules.network(policy as NetworkRuleOptions)]
  const made = rig([withViolations({ rules: all as readonly Rule[] }), attached], undefined, { lookup } as never)
  return { ...made, asked, host, fetch: made.sidecar.fetch, violations: () => (made.sidecar as any).violations as readonly object[] }
}

/** Lets the name of a site lead to this machine. */
const here = (port: number, more: NetworkRuleOptions = {}): NetworkRuleOptions => ({
  allow: [`site.example.com:${port}`],
  private: ['site.example.com'],
  ...more,
})
const names = { 'site.example.com': [['127.0.0.1']] }
const refusal = { code: 'ERR_VIOLATION', ruleId: 'network', kind: 'tool', stage: 'connect' }
const causeOf = async (work: Promise<unknown>) => {
  const error = await failure(work)
  expect(error).toMatchObject({ name: 'TypeError' })
  return String(error.cause?.message ?? error.message)
}

describe('a guarded fetch under a rule on the network', () => {
  it('connects to what its name leads to, and calls itself by the name', async () => {
    const one = await site()
    const { fetch: own, asked } = under(here(one.port), names)
    const answer = await own(`http://site.example.com:${one.port}/path?x=1`)
    expect([answer.status, await answer.text(), answer.url]).toEqual([200, 'here', `http://site.example.com:${one.port}/path?x=1`])
    expect(one.requests[0]!.headers.host).toBe(`site.example.com:${one.port}`)
    expect(asked).toEqual(['site.example.com'])
  })

  it('asks no name server before the host is allowed (N18)', async () => {
    const { fetch: own, asked } = under({ allow: ['site.example.com'] }, { 'key-4711.evil.example.net': [['93.184.216.34']] })
    expect(await failure(own('http://key-4711.evil.example.net/'))).toMatchObject({ ruleId: 'network', stage: 'action' })
    expect(asked).toEqual([])
  })

  it.each([
    ['this machine', ['127.0.0.1']],
    ['this machine, in IPv6', ['::1']],
    ['no address', ['0.0.0.0']],
    ['a private network', ['10.0.0.1']],
    ['a unique local address', ['fd12:3456::1']],
    ['the metadata service', ['169.254.169.254']],
    ['the metadata service of IPv6', ['fd00:ec2::254']],
    ['a link', ['fe80::1']],
    ['a link with its zone', ['fe80::1%eth0']],
    ['a mapped address', ['::ffff:127.0.0.1']],
    ['a translated address', ['64:ff9b::a9fe:a9fe']],
    ['a tunnel', ['2002:7f00:1::']],
    ['a public and a private address', ['93.184.216.34', '10.0.0.1']],
    ['a public and a private address, in IPv6', ['2606:4700:4700::1111', '93.184.216.34', '::1']],
  ])('does not connect where a public name leads to %s', async (_, addresses) => {
    const one = await site()
    const { fetch: own, violations } = under({ allow: ['public', `site.example.com:${one.port}`] }, { 'site.example.com': [addresses] })
    expect(await failure(own(`http://site.example.com:${one.port}/`))).toMatchObject(refusal)
    expect(one.connections()).toBe(0)
    expect(violations()).toEqual([expect.objectContaining({ ruleId: 'network', response: 'deny', kind: 'tool' })])
    expect(JSON.stringify(violations())).not.toContain(addresses.at(-1)!)
  })

  it('connects to what was judged, whatever the name leads to the next moment (rebinding)', async () => {
    const good = await site()
    const evil = await site(undefined, '127.0.0.2', good.port)
    const options = here(good.port, { private: ['127.0.0.1'] })
    const { fetch: own, asked } = under(options, { 'site.example.com': [['127.0.0.1'], ['127.0.0.2']] })
    expect((await own(`http://site.example.com:${good.port}/`)).status).toBe(200)
    expect(asked).toHaveLength(1)
    // The kept socket of the first is none for the second.
    expect(await failure(own(`http://site.example.com:${good.port}/`))).toMatchObject(refusal)
    expect([asked.length, good.requests.length, evil.connections()]).toEqual([2, 1, 0])
    // Without the rule it would have arrived: the name does lead there.
    const loose = under(here(good.port), { 'site.example.com': [['127.0.0.2']] })
    await loose.fetch(`http://site.example.com:${good.port}/`)
    expect(evil.connections()).toBe(1)
  })

  it('keeps to what was judged also where the resolver changes its answer meanwhile', async () => {
    const good = await site()
    const evil = await site(undefined, '127.0.0.2', good.port)
    const answer = ['127.0.0.1']
    const meddling = rules.rule({
      id: 'meddling',
      stages: ['connect'],
      check: async () => {
        answer[0] = '127.0.0.2'
        return undefined
      },
    })
    const { sidecar } = rig([withViolations({ rules: [rules.network(here(good.port)), meddling] })], undefined, {
      lookup: async () => answer,
    } as never)
    expect((await sidecar.fetch(`http://site.example.com:${good.port}/`)).status).toBe(200)
    expect([good.connections(), evil.connections(), answer[0]]).toEqual([1, 0, '127.0.0.2'])
  })

  it('tries the next address where one does not answer, and none besides', async () => {
    const one = await site()
    const { fetch: own } = under(here(one.port), { 'site.example.com': [['127.0.0.3', '127.0.0.1']] })
    expect((await own(`http://site.example.com:${one.port}/`)).status).toBe(200)
    const { fetch: none } = under(here(one.port), { 'site.example.com': [['127.0.0.3', '127.0.0.4']] })
    await failure(none(`http://site.example.com:${one.port}/`))
    expect(one.connections()).toBe(1)
  })

  it('judges each hop of a redirect by where it leads', async () => {
    const inner = await site()
    const one = await site((_, response) => response.writeHead(302, { location: `http://next.example.com:${inner.port}/` }).end())
    const options = { allow: [`site.example.com:${one.port}`, `next.example.com:${inner.port}`], private: ['site.example.com'] }
    const table = { ...names, 'next.example.com': [['127.0.0.1']] }
    const { fetch: own, asked } = under(options, table)
    expect(await failure(own(`http://site.example.com:${one.port}/`))).toMatchObject(refusal)
    expect([asked, inner.connections()]).toEqual([['site.example.com', 'next.example.com'], 0])
    const { fetch: loose } = under({ ...options, private: ['*.example.com'] }, table)
    expect((await loose(`http://site.example.com:${one.port}/`)).status).toBe(200)
    expect(inner.connections()).toBe(1)
  })

  it('asks nothing for an address that stands in the URL', async () => {
    const one = await site()
    const { fetch: own, asked } = under({ allow: [`127.0.0.1:${one.port}`] })
    expect((await own(`http://127.0.0.1:${one.port}/`)).status).toBe(200)
    expect((await own(`http://0x7f.1:${one.port}/`)).status).toBe(200)
    expect(asked).toEqual([])
  })

  it('is refused by a rule of your own, by any address', async () => {
    const one = await site()
    const seen: unknown[] = []
    const own = rules.rule({
      id: 'own',
      stages: ['connect'],
      check: ({ addresses }) => {
        seen.push(addresses, Object.isFrozen(addresses))
        return addresses!.includes('127.0.0.2') ? { details: 'not there' } : undefined
      },
    })
    const { fetch: get } = under([own], { 'site.example.com': [['127.0.0.1'], ['127.0.0.1', '127.0.0.2']] })
    expect((await get(`http://site.example.com:${one.port}/`)).status).toBe(200)
    expect(await failure(get(`http://site.example.com:${one.port}/`))).toMatchObject({ ...refusal, ruleId: 'own', details: 'not there' })
    expect(seen).toEqual([['127.0.0.1'], true, ['127.0.0.1', '127.0.0.2'], true])
    expect(one.requests).toHaveLength(1)
  })

  it.each([
    ['does not find the name', {}, /ENOTFOUND/],
    ['finds no address', { 'site.example.com': [[]] }, /no address/],
    ['finds what is none', { 'site.example.com': [['127.0.0.1', 'localhost']] }, /something else than addresses/],
    ['finds what is written otherwise', { 'site.example.com': [['0x7f.1']] }, /something else than addresses/],
  ])('fails as fetch does where the resolver %s', async (_, table, expected) => {
    const one = await site()
    const { fetch: own, violations } = under(here(one.port), table)
    expect(await causeOf(own(`http://site.example.com:${one.port}/`))).toMatch(expected)
    expect([one.connections(), violations()]).toEqual([0, []])
  })

  it('ends at once with its caller while a name is looked up, and connects to nothing', async () => {
    const one = await site()
    const caller = new AbortController()
    const reason = new Error('enough')
    let answer!: (addresses: readonly string[]) => void
    const lookup = () => {
      caller.abort(reason)
      return new Promise<readonly string[]>(resolve => {
        answer = resolve
      })
    }
    const { sidecar } = rig([withViolations({ rules: [rules.network(here(one.port))] })], undefined, { lookup } as never)
    expect(await failure(sidecar.fetch(`http://site.example.com:${one.port}/`, { signal: caller.signal }))).toBe(reason)
    answer(['127.0.0.1'])
    await new Promise(setImmediate)
    expect([one.connections(), (sidecar as any).violations]).toEqual([0, []])
  })

  it('connects to nothing where nobody judges where it leads', async () => {
    const one = await site()
    const { sidecar } = rig([
      layer('withOwnPolicy', undefined, {
        attach: host => policyInForce.set(host, { digest: 'd', rules: [rules.network(here(one.port))] }),
      }),
    ])
    expect(await failure(sidecar.fetch(`http://127.0.0.1:${one.port}/`))).toMatchObject(refusal)
    expect(one.connections()).toBe(0)
  })

  it('binds a child, with the resolver of its parent', async () => {
    const one = await site()
    const { sidecar, asked } = under({ allow: [`site.example.com:${one.port}`] }, names)
    const agent = { name: 'child', send: (url: string, call: any) => call.fetch(url) }
    const child = await sidecar.io.spawn({ agent, use: [] } as never)
    expect(await failure((child as any).send(`http://site.example.com:${one.port}/`))).toMatchObject(refusal)
    expect([asked, one.connections()]).toEqual([['site.example.com'], 0])
  })
})

describe('a rule that only looks', () => {
  it.each([
    ['shadow', { shadow: true }],
    ['warn', { response: 'warn' }],
  ] as const)('notes where the name leads, and changes nothing: %s', async (_, how) => {
    const one = await site()
    const {
      fetch: own,
      violations,
      asked,
    } = under({ allow: [`127.0.0.1:${one.port}`, `localhost:${one.port}`], ...how }, { localhost: [['169.254.169.254']] })
    const answer = await own(`http://localhost:${one.port}/`, { headers: { te: 'trailers' } })
    expect([answer.status, asked]).toEqual([200, ['localhost']])
    expect(violations()).toEqual([expect.objectContaining({ details: expect.stringContaining('leads to') })])
  })

  it('lets a request go the way of the platform where the name is not found', async () => {
    const one = await site()
    const { fetch: own, violations } = under({ allow: [`localhost:${one.port}`], shadow: true })
    expect([(await own(`http://localhost:${one.port}/`)).status, violations()]).toEqual([200, []])
  })
})

describe('the connections of a guarded fetch', () => {
  it('are kept for the same policy, origin and addresses, and for nothing else (N15)', async () => {
    const one = await site()
    const table = { 'site.example.com': [...Array(5).fill(['127.0.0.1']), ['127.0.0.1', '127.0.0.2'], ['127.0.0.1']] }
    const { fetch: own, host } = under(here(one.port), table)
    const known = new Set<number>()
    /** Does it come by a socket that has been seen before? */
    const isKept = async (get: typeof fetch = own) => {
      await (await get(`http://site.example.com:${one.port}/`)).text()
      const port = one.requests.at(-1)!.socket.remotePort!
      const kept = known.has(port)
      known.add(port)
      return kept
    }
    const usual = [await isKept(), await isKept(), await isKept(), await isKept(), await isKept()]
    expect([usual[0], usual[4]]).toEqual([false, true])
    expect(await isKept()).toBe(false) // the same address, among others
    expect(await isKept()).toBe(true)
    expect(await isKept(under(here(one.port), names).fetch)).toBe(false) // of another sidecar
    const { rules: same, connect } = policyInForce.get(host)
    policyInForce.set(host, { rules: same, connect: connect!, digest: 'of another policy' })
    expect(await isKept()).toBe(false)
  })

  it('belong to the policy that began to judge them, where another comes into force meanwhile (N15)', async () => {
    const one = await site()
    const { fetch: own, host } = under(here(one.port), names)
    const { rules: same } = policyInForce.get(host)
    let digest = 'older'
    const policy = {
      rules: same,
      get digest() {
        return digest
      },
      connect: async () => {
        digest = 'newer'
      },
    }
    policyInForce.set(host, policy)
    const ports: (number | undefined)[] = []
    for (let round = 0; round < 2; round++) {
      await (await own(`http://site.example.com:${one.port}/`)).text()
      ports.push(one.requests.at(-1)!.socket.remotePort)
      await new Promise(setImmediate)
    }
    expect(new Set(ports).size).toBe(2)
  })

  it('ask no proxy, whatever the environment and the process say (N16)', async () => {
    const proxy = await site()
    const one = await site()
    const before = getGlobalDispatcher()
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, http_proxy: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '', no_proxy: '' }
    const saved = Object.fromEntries(Object.keys(env).map(name => [name, process.env[name]]))
    Object.assign(process.env, env)
    setGlobalDispatcher(new EnvHttpProxyAgent())
    try {
      const { fetch: own } = under(here(one.port), names)
      expect(await (await own(`http://site.example.com:${one.port}/`)).text()).toBe('here')
      expect([one.requests.length, proxy.connections()]).toEqual([1, 0])
      // They are meant: the agent of the process heeds them.
      await rig([])
        .sidecar.fetch(`http://127.0.0.1:${one.port}/`, { dispatcher: getGlobalDispatcher() } as never)
        .catch(() => {})
      expect(proxy.connections()).toBeGreaterThan(0)
    } finally {
      setGlobalDispatcher(before)
      for (const [name, value] of Object.entries(saved)) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })

  it('are not made by a dispatcher of the caller (N19)', async () => {
    const one = await site()
    const evil = await site()
    const loose = new Agent({
      connect: { rejectUnauthorized: false, lookup: (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
    })
    const url = `http://site.example.com:${one.port}/`
    const { fetch: own, asked } = under(here(one.port), names)
    expect((await failure(own(url, { dispatcher: loose } as never))).message).toMatch(/a dispatcher cannot be given/)
    expect([asked, one.connections(), evil.connections()]).toEqual([[], 0, 0])
    // One that a Request or a prototype carries is not asked.
    let used = 0
    const counting = { dispatch: () => void used++ }
    await own(new Request(url, { dispatcher: counting } as never))
    await own(url, Object.create({ dispatcher: counting }))
    expect([used, one.requests.length]).toEqual([0, 2])
    await loose.close()
  })
})

describe('what is sent by a guarded fetch', () => {
  const tries: readonly (readonly [string, RequestInit])[] = [
    ['another host', { headers: { Host: 'evil.example' } }],
    ['another host, as a list', { headers: [['hOsT', 'evil.example']] }],
    ['another host, as Headers', { headers: new Headers({ host: 'evil.example' }) }],
    ['where the body ends', { method: 'POST', body: 'x', headers: { 'Transfer-Encoding': 'chunked' } }],
    ['another protocol', { headers: { upgrade: 'h2c' } }],
    ['te', { headers: { te: 'trailers' } }],
    ['trailer', { headers: { trailer: 'x' } }],
    ['expect', { headers: { expect: '100-continue' } }],
    ['keep-alive', { headers: { 'keep-alive': 'timeout=999' } }],
    ['what is for a proxy', { headers: { 'proxy-authorization': 'Basic x' } }],
    ['a second header in a value', { headers: { 'x-a': 'b\r\nx-evil: 1' } }],
    ['a second header by a lone LF', { headers: { 'x-a': 'b\nx-evil: 1' } }],
    ['a second header in a name', { headers: { 'x-a: b\r\nx-evil': '1' } }],
    ['NUL', { headers: { 'x-a': 'b\0c' } }],
    ['a second request in the method', { method: 'GET / HTTP/1.1\r\nx-evil: 1\r\n\r\nGET' }],
    ['a wrong length', { method: 'POST', body: 'four', headers: { 'content-length': '1' } }],
  ]

  it.each(tries)('is not %s (N21)', async (_, init) => {
    const one = await site()
    const { fetch: own } = under(here(one.port), names)
    expect(await failure(own(`http://site.example.com:${one.port}/`, init))).toMatchObject({ name: 'TypeError' })
    expect(one.requests).toEqual([])
  })

  it('is not another host by a Request or after a redirect', async () => {
    const one = await site((request, response) =>
      request.url === '/' ? response.writeHead(302, { location: '/next' }).end() : response.end('landed'),
    )
    const { fetch: own } = under(here(one.port), names)
    const url = `http://site.example.com:${one.port}/`
    expect(await failure(own(new Request(url, { headers: { te: 'x' } })))).toMatchObject({ name: 'TypeError' })
    expect(one.requests).toEqual([])
    const answer = await own(url, { headers: { host: `SITE.example.com:${one.port}`, 'x-own': '1' } })
    expect(await answer.text()).toBe('landed')
    expect(one.requests.map(({ headers }) => [headers.host, headers['x-own']])).toEqual([
      [`site.example.com:${one.port}`, '1'],
      [`site.example.com:${one.port}`, '1'],
    ])
  })

  it('is what was looked at, also where the headers answer otherwise the second time', async () => {
    const one = await site()
    let reads = 0
    const headers = {
      get 'x-a'() {
        return ++reads > 1 ? 'second' : 'first'
      },
    }
    const { fetch: own } = under(here(one.port), names)
    await own(`http://site.example.com:${one.port}/`, { headers })
    expect(one.requests[0]!.headers['x-a']).toBe('first')
  })

  it.each([
    'http://site.example.com/\r\nx-evil: 1',
    'http://site.example.com /',
    'http://site.example.com\\@evil.com/',
    'http://a@site.example.com/',
  ])('is no URL that two readers could read in two ways: %j', async url => {
    const { fetch: own, asked } = under({ allow: ['public'] }, names)
    await failure(own(url))
    expect(asked).toEqual([])
  })
})

describe('an answer to a guarded fetch (N20)', () => {
  const get = (one: Site, limits: NetworkRuleOptions, more: Partial<Parameters<typeof under>[1]> = {}) => {
    const made = under(here(one.port, limits), { ...names, ...more } as never)
    return { ...made, url: `http://site.example.com:${one.port}/` }
  }
  const closed = (one: Site) => {
    const answer = one.answers.at(-1)!
    return answer.closed ? Promise.resolve() : once(answer, 'close')
  }

  it('is as long as maxBytes at most, however long it goes on', async () => {
    const one = await site((_, response) => {
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1000)));
        response.once('drain', write)
      }
      write()
    })
    const { fetch: own, url } = get(one, { maxBytes: 5000 })
    expect(await causeOf(own(url).then(answer => answer.text()))).toMatch('beyond maxBytes, 5000')
    await closed(one)
  })

  it('is refused by what it says of its length, and taken where it is just as long', async () => {
    const one = await site((_, response) => response.end('x'.repeat(5000)))
    const { fetch: own, url } = get(one, { maxBytes: 4999 })
    expect(await causeOf(own(url))).toMatch('beyond maxBytes, 4999')
    await closed(one)
    const { fetch: enough } = get(one, { maxBytes: 5000 })
    expect(await (await enough(url)).text()).toHaveLength(5000)
  })

  it.each(['gzip', 'gzip, gzip'])('is measured as it is read, not as it is packed: %s', async coding => {
    const packed = coding.split(', ').reduce(data => gzipSync(data), Buffer.alloc(10_000_000))
    expect(packed.length).toBeLessThan(20_000)
    const one = await site((_, response) => response.writeHead(200, { 'content-encoding': coding }).end(packed))
    const { fetch: own, url } = get(one, { maxBytes: 1_000_000 })
    expect(await causeOf(own(url).then(answer => answer.arrayBuffer()))).toMatch('beyond maxBytes')
    const { fetch: enough } = get(one, { maxBytes: 10_000_000 })
    expect((await (await enough(url)).arrayBuffer()).byteLength).toBe(10_000_000)
  })

  it('has its head within headersMs, also where it comes letter by letter', async () => {
    const one = await site((request, response) => {
      if (request.url !== '/drip') return
      response.socket!.write('HTTP/1.1 200 OK\r\nx-a: b')
    })
    const { fetch: own, url, clock } = get(one, { headersMs: 1000 })
    for (const path of ['', 'drip']) {
      const answer = causeOf(own(url + path))
      while (one.requests.length === 0) await new Promise(setImmediate)
      one.requests.length = 0
      await clock.advance(999)
      one.answers.at(-1)!.socket!.write('b')
      await clock.advance(1)
      expect(await answer).toMatch('beyond headersMs, 1000')
      await closed(one)
    }
  })

  it('is looked up within headersMs', async () => {
    const { sidecar, clock } = rig([withViolations({ rules: [rules.network({ allow: 'public', headersMs: 50 })] })], undefined, {
      lookup: () => new Promise(() => {}),
    } as never)
    const answer = causeOf(sidecar.fetch('http://site.example.com/'))
    await clock.advance(50)
    expect(await answer).toMatch('beyond headersMs, 50')
  })

  /** Reads a part that comes when the clock has moved. */
  const part = async (
    reader: ReadableStreamDefaultReader<Uint8Array>,
    one: Site,
    clock: { advance(ms: number): Promise<void> },
    ms: number,
  ) => {
    const read = reader.read()
    await clock.advance(ms)
    one.answers.at(-1)!.write('x')
    return read
  }

  it('has its next part within idleMs; the time of its reader does not count', async () => {
    const one = await site((_, response) => void response.write('part'))
    const { fetch: own, url, clock } = get(one, { idleMs: 1000 })
    const reader = (await own(url)).body!.getReader()
    await reader.read()
    for (let round = 0; round < 3; round++) expect((await part(reader, one, clock, 999)).done).toBe(false)
    const late = causeOf(reader.read())
    await clock.advance(1000)
    expect(await late).toMatch('beyond idleMs, 1000')
    await closed(one)
  })

  it('is waited for maxMs in all, however it trickles', async () => {
    const one = await site((_, response) => void response.write('part'))
    const { fetch: own, url, clock } = get(one, { idleMs: 1000, maxMs: 2500 })
    const reader = (await own(url)).body!.getReader()
    await reader.read()
    await part(reader, one, clock, 900)
    await part(reader, one, clock, 900)
    const late = causeOf(reader.read())
    await clock.advance(700)
    expect(await late).toMatch('beyond maxMs, 2500')
    await closed(one)
  })

  it('is under the lowest limits of all rules that bind', async () => {
    const one = await site((_, response) => response.end('x'.repeat(100)))
    const rule = (maxBytes: number, how: NetworkRuleOptions = {}) =>
      rules.network(here(one.port, { id: `of ${maxBytes}`, maxBytes, ...how }))
    const { fetch: own } = under([rule(1000), rule(99), rule(5, { shadow: true }), rule(6, { response: 'warn' })], names)
    expect(await causeOf(own(`http://site.example.com:${one.port}/`))).toMatch('beyond maxBytes, 99')
  })
})
