import { answersIn, rawClient } from '../support/raw-client.js'
import { type Companion, companion, question, tokenOf, wire } from './two-agents.js'

let house: Companion
let at: URL

beforeEach(async () => {
  house = await companion()
  at = new URL(house.server.baseURL)
})

afterEach(() => house.close())

const ours = () => `Host: ${at.host}`
const mine = `X-Api-Key: ${tokenOf('a')}`
const close = 'Connection: close'
const inChunks = `${question.length.toString(16)}\r\n${question}\r\n0\r\n\r\n`

/** All that comes back for these bytes, when the port has closed the connection. */
const told = (bytes: string | Uint8Array) => rawClient(at.href).send(bytes).closed()

async function refused(bytes: string | Uint8Array): Promise<number> {
  const answers = answersIn(await told(bytes))
  expect(answers).toHaveLength(1)
  const [{ status, headers, body }] = answers as [(typeof answers)[0]]
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-should-retry': 'false' })
  expect(JSON.parse(body)).toMatchObject({
    type: 'error',
    error: { type: expect.any(String), message: expect.any(String), details: { error_code: 'ERR_CONFIG' } },
  })
  expect(body).not.toContain(tokenOf('a'))
  return status
}

/** Has it gone to the agent, and to nobody else? */
function nothingUpstream(): void {
  expect(house.upstream.requests).toHaveLength(0)
  expect(house.server.snapshot().agents.map(({ calls, open }) => [calls, open])).toEqual([
    [0, 0],
    [0, 0],
  ])
}

describe('the door of a companion', () => {
  it.each<[string, number, () => string]>([
    ['no Host', 400, () => wire(at, { headers: [mine, close] })],
    ['the Host of a page', 421, () => wire(at, { headers: [`Host: evil.example:${at.port}`, mine, close] })],
    ['a Host with another port', 421, () => wire(at, { headers: ['Host: 127.0.0.1:1', mine, close] })],
    ['a Host without its port', 421, () => wire(at, { headers: ['Host: localhost', mine, close] })],
    ['two Hosts', 400, () => wire(at, { headers: [ours(), 'Host: evil.example', mine, close] })],
    ['a whole URL as target', 400, () => wire(at, { target: `${at.origin}/v1/messages`, headers: [ours(), mine, close] })],
    ['OPTIONS *', 400, () => wire(at, { method: 'OPTIONS', target: '*', headers: [ours(), mine, close], body: '' })],
    ['CONNECT', 405, () => wire(at, { method: 'CONNECT', target: 'api.anthropic.com:443', headers: [ours(), mine], body: '' })],
    ['HTTP/2.0 in a request line', 400, () => wire(at, { version: '2.0', headers: [ours(), mine, close] })],
    ['the preface of HTTP/2', 400, () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [
      'length and chunked',
      400,
      () => wire(at, { headers: [ours(), mine, close, 'Content-Length: 5', 'Transfer-Encoding: chunked'], body: '0\r\n\r\n' }),
    ],
    ['two lengths', 400, () => wire(at, { headers: [ours(), mine, close, 'Content-Length: 5', 'Content-Length: 6'] })],
    ['two codings', 400, () => wire(at, { headers: [ours(), mine, close, 'Transfer-Encoding: gzip, chunked'], body: inChunks })],
    [
      'two Transfer-Encodings',
      400,
      () => wire(at, { headers: [ours(), mine, close, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], body: inChunks }),
    ],
    [
      'chunked over HTTP/1.0',
      400,
      () => wire(at, { version: '1.0', headers: [ours(), mine, 'Transfer-Encoding: chunked'], body: inChunks }),
    ],
    ['a body that is packed', 415, () => wire(at, { headers: [ours(), mine, close, 'Content-Encoding: gzip'] })],
    ['GET with a body', 400, () => wire(at, { method: 'GET', target: '/v1/models', headers: [ours(), mine, close] })],
    [
      'GET with a body in chunks',
      400,
      () =>
        wire(at, { method: 'GET', target: '/v1/models', headers: [ours(), mine, close, 'Transfer-Encoding: chunked'], body: '0\r\n\r\n' }),
    ],
    ['another expectation', 417, () => wire(at, { headers: [ours(), mine, 'Expect: a miracle'] })],
    ['a line break within a header', 400, () => wire(at, { headers: [ours(), 'X-Api-Key: a\nb', close] })],
    ['a space before a colon', 400, () => wire(at, { headers: [ours(), 'X-Api-Key : a', close] })],
    ['a chunk of a length that is none', 400, () => wire(at, { headers: [ours(), mine, 'Transfer-Encoding: chunked'], body: 'xyz\r\n' })],
    ['what is no HTTP', 400, () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['no token', 401, () => wire(at, { headers: [ours(), close] })],
    ['an empty token', 401, () => wire(at, { headers: [ours(), 'X-Api-Key:', close] })],
    ['a wrong token', 401, () => wire(at, { headers: [ours(), `${mine}x`, close] })],
    ['the start of a token', 401, () => wire(at, { headers: [ours(), mine.slice(0, -1), close] })],
    ['the token by another scheme', 401, () => wire(at, { headers: [ours(), `Authorization: Basic ${tokenOf('a')}`, close] })],
    ['tokens of two agents', 401, () => wire(at, { headers: [ours(), mine, `Authorization: Bearer ${tokenOf('b')}`, close] })],
    [
      'the token and a key',
      401,
      () => wire(at, { headers: [ours(), `Authorization: Bearer ${tokenOf('a')}`, 'X-Api-Key: sk-ant-x', close] }),
    ],
    ['a token twice', 401, () => wire(at, { headers: [ours(), mine, mine, close] })],
    [
      'two bearers',
      401,
      () => wire(at, { headers: [ours(), `Authorization: Bearer ${tokenOf('a')}`, 'authorization: Bearer sk-ant-x', close] }),
    ],
    [
      'two bearers, the wrong one first',
      401,
      () => wire(at, { headers: [ours(), 'Authorization: Bearer sk-ant-x', `AUTHORIZATION: Bearer ${tokenOf('a')}`, close] }),
    ],
    ['a target that is not let through', 404, () => wire(at, { target: '/v1/files', headers: [ours(), mine, close] })],
  ])('refuses %s: %i', async (name, status, bytes) => {
    const error = name === 'a target that is not let through'
    if (error) expect(answersIn(await told(bytes()))).toMatchObject([{ status }])
    else expect(await refused(bytes())).toBe(status)
    nothingUpstream()
  })

  it.each<[string, Uint8Array]>([
    ['half a character', Buffer.from([0x7b, 0x22, 0xe2, 0x82, 0x22, 0x7d])],
    ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a byte that UTF-8 has not', Buffer.from([0xff])],
  ])('refuses a body with %s: 400', async (_, body) => {
    const head = wire(at, { headers: [ours(), mine, close, `Content-Length: ${body.length}`], body: '' })
    const text = await told(Buffer.concat([Buffer.from(head), body]))
    expect(answersIn(text)).toMatchObject([{ status: 400, body: expect.stringContaining('not UTF-8') }])
    nothingUpstream()
  })

  it.each<[string, () => string]>([
    ['its base URL', () => wire(at, { headers: [ours(), mine, close] })],
    ['localhost', () => wire(at, { headers: [`Host: LOCALHOST:${at.port}`, mine, close] })],
    ['loopback of IPv6', () => wire(at, { headers: [`Host: [::1]:${at.port}`, mine, close] })],
    ['a bearer', () => wire(at, { headers: [ours(), `Authorization: bearer ${tokenOf('a')}`, close] })],
    ['the token both ways', () => wire(at, { headers: [ours(), `authorization: Bearer ${tokenOf('a')}`, mine, close] })],
    [
      'a body in chunks',
      () =>
        wire(at, {
          headers: [ours(), mine, close, 'transfer-encoding: chunked'],
          body: inChunks,
        }),
    ],
    ['HTTP/1.0', () => wire(at, { version: '1.0', headers: [ours(), mine] })],
    ['an upgrade that nobody takes', () => wire(at, { headers: [ours(), mine, 'Connection: Upgrade, close', 'Upgrade: h2c'] })],
  ])('serves what comes by %s', async (_, bytes) => {
    expect(answersIn(await told(bytes()))).toMatchObject([
      { status: 200, headers: { 'content-type': 'application/json' }, body: expect.stringContaining('hello') },
    ])
    expect(house.upstream.counts).toEqual({ '/v1/messages': 1 })
    expect(house.upstream.credentials()).toEqual(new Set(['Bearer sk-ant-of-this-test']))
  })

  it('answers HEAD / without a token, and no route of an agent or of the companion', async () => {
    const head = (target: string, headers: readonly string[]) =>
      told(wire(at, { method: 'HEAD', target, headers: [...headers, close], body: '' }))
    expect(await head('/', [ours()])).toMatch(/^HTTP\/1\.1 200 /)
    expect(await head('/', ['Host: evil.example'])).toMatch(/^HTTP\/1\.1 421 /)
    for (const target of ['/v1/messages', '/v1/models', '/v1/snapshot', '/v1/agents', '/v1/hook', '/x'])
      expect([target, (await head(target, [ours()])).slice(0, 12)]).toEqual([target, expect.stringMatching(/^HTTP\/1\.1 (401|404)$/)])
    nothingUpstream()
  })

  it('answers requests that come in one piece in their order, each by its own token', async () => {
    const more = (token: string) => wire(at, { headers: [ours(), `X-Api-Key: ${token}`] })
    const last = wire(at, { headers: [ours(), close] })
    const text = await told(more(tokenOf('a')) + more('wrong') + more(tokenOf('b')) + last)
    expect(answersIn(text).map(({ status }) => status)).toEqual([200, 401, 200, 401])
    expect(house.server.snapshot().agents.map(({ open }) => open)).toEqual([0, 0])
    expect(house.upstream.requests).toHaveLength(2)
  })

  it('writes nothing into an answer that is under way when the bytes behind its request are none', async () => {
    expect(await told(`${wire(at)}no HTTP at all\r\n\r\n`)).toBe('')
  })

  it('lets in nothing more for an agent that is removed: 401 at once', async () => {
    const removed = house.server.remove('a')
    expect(await refused(wire(at, { headers: [ours(), mine, close] }))).toBe(401)
    expect(await removed).toBe(true)
    expect(answersIn(await told(wire(at, { headers: [ours(), `X-Api-Key: ${tokenOf('b')}`, close] })))).toMatchObject([{ status: 200 }])
    expect(house.upstream.requests).toHaveLength(1)
  })
})

describe('Expect: 100-continue', () => {
  const expecting = (headers: readonly string[]) =>
    wire(at, { headers: [ours(), ...headers, 'Expect: 100-continue', `Content-Length: ${question.length}`], body: '' })

  it('asks for the body of who is let in', async () => {
    const client = rawClient(at.href).send(expecting([mine]))
    expect(await client.until(text => text.endsWith('\r\n\r\n'))).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.send(question)
    const text = await client.until(text => text.endsWith('}'))
    expect(answersIn(text.slice(25))).toMatchObject([{ status: 200, headers: { 'content-type': 'application/json' } }])
    client.send(wire(at, { headers: [ours(), mine, close] }))
    expect(answersIn((await client.closed()).slice(text.length))).toMatchObject([{ status: 200, headers: { connection: 'close' } }])
    expect(house.upstream.requests).toHaveLength(2)
  })

  it.each<[string, number, readonly string[]]>([
    ['no token', 401, []],
    ['another Host', 421, [mine]],
    ['too long a body', 413, [mine]],
  ])('asks for no body that is refused, and closes: %s, %i', async (name, status, headers) => {
    const bytes = expecting(headers)
      .replace(/^Host: .*$/m, line => (name === 'another Host' ? 'Host: evil.example' : line.trim()))
      .replace(/Content-Length: .*/, line => (name === 'too long a body' ? 'Content-Length: 67108865' : line))
    expect(answersIn(await told(bytes))).toMatchObject([{ status, headers: { connection: 'close' } }])
    nothingUpstream()
  })
})
