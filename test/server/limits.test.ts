import { createServer, type ServerLimits, type ServerOptions } from 'outrigger/server'
import { listen } from '../../lib/claude/listen.js'
import { seamBehind } from '../../lib/sidecar/seam-behind.js'
import { createSidecar } from '../../lib/sidecar.js'
import { gate, until } from '../seam/mounts.js'
import { answersIn, rawClient } from '../support/raw-client.js'
import { script } from '../support/script.js'
import { type Companion, companion, question, tokenOf, wire } from './two-agents.js'

let house: Companion
let at: URL

async function open(limits: ServerLimits, answer = script.text('hello')): Promise<void> {
  house = await companion({ limits }, { answer })
  at = new URL(house.server.baseURL)
}

const mine = () => [`Host: ${at.host}`, `X-Api-Key: ${tokenOf('a')}`]
const opened = () => house.server.snapshot().agents.map(({ open }) => open)

describe('the limits of a companion', () => {
  afterEach(() => house.close())

  it('a body: 413, also without a length, and the connection can be used again', async () => {
    await open({ maxBodyBytes: 1_000 })
    const body = 'x'.repeat(200_000)
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const client = rawClient(at.href)
      .send(wire(at, { headers: mine(), body }))
      .send(wire(at, { headers: [...mine(), 'Transfer-Encoding: chunked'], body: chunked }))
      .send(wire(at, { headers: [...mine(), 'Connection: close'] }))
    const answers = answersIn(await client.closed())
    expect(answers.map(({ status }) => status)).toEqual([413, 413, 200])
    expect(JSON.parse(answers[0]!.body)).toMatchObject({
      error: { type: 'request_too_large', message: expect.stringContaining('1000 bytes') },
    })
    expect(house.upstream.requests).toHaveLength(1)
  })

  it('a body of just the limit is let in', async () => {
    await open({ maxBodyBytes: question.length })
    expect(
      answersIn(
        await rawClient(at.href)
          .send(wire(at, { headers: [...mine(), 'Connection: close'] }))
          .closed(),
      ),
    ).toMatchObject([{ status: 200 }])
  })

  it('headers: 431', async () => {
    await open({ maxHeaderBytes: 2_000 })
    const text = await rawClient(at.href)
      .send(wire(at, { headers: [...mine(), `X-App: ${'x'.repeat(20_000)}`] }))
      .closed()
    expect(answersIn(text)).toMatchObject([{ status: 431, headers: { connection: 'close', 'x-should-retry': 'false' } }])
    expect(house.upstream.requests).toHaveLength(0)
  })

  it.each([
    [5_000, 200],
    [20_000, 431],
  ])('%i short headers count by all of their bytes: %i', async (count, status) => {
    await open({})
    const many = Array.from({ length: count }, () => 'x: 1')
    const headers = [`Host: ${at.host}`, ...many, `X-Api-Key: ${tokenOf('a')}`, 'Connection: close']
    const text = await rawClient(at.href).send(wire(at, { headers })).closed()
    expect(answersIn(text)).toMatchObject([{ status }])
    expect(house.upstream.requests).toHaveLength(status === 200 ? 1 : 0)
  })

  it('open requests: 429 over all agents, until one is answered or its client has gone', async () => {
    const { opened: go, open: release } = gate()
    await open({ maxOpenRequests: 3 }, asked => ({ ...script.text('hello')(asked), headGate: go }))
    const ofB = [`Host: ${at.host}`, `X-Api-Key: ${tokenOf('b')}`, 'Connection: close']
    const [first, second, third] = [rawClient(at.href), rawClient(at.href), rawClient(at.href)]
    first.send(wire(at, { headers: [...mine(), 'Connection: close'] }))
    second.send(wire(at))
    third.send(wire(at, { headers: ofB }))
    await until(() => house.upstream.requests.length === 3, 'three open requests')
    expect(opened()).toEqual([2, 1])
    const other = () =>
      rawClient(at.href)
        .send(wire(at, { headers: ofB }))
        .closed()
    const [refusal] = answersIn(await other())
    expect(refusal).toMatchObject({ status: 429, headers: { 'x-should-retry': 'false' } })
    expect(JSON.parse(refusal!.body)).toMatchObject({ error: { type: 'rate_limit_error', details: { error_code: 'ERR_CONFIG' } } })
    expect(
      answersIn(
        await rawClient(at.href)
          .send(wire(at, { headers: [`Host: ${at.host}`, 'Connection: close'] }))
          .closed(),
      ),
    ).toMatchObject([{ status: 401 }])
    second.socket.destroy()
    await until(() => opened()[0] === 1, 'the end of the one that left')
    release()
    expect(answersIn(await first.closed())).toMatchObject([{ status: 200 }])
    expect(answersIn(await third.closed())).toMatchObject([{ status: 200 }])
    expect(answersIn(await other())).toMatchObject([{ status: 200 }])
    expect(opened()).toEqual([0, 0])
  })

  it('open requests: one of several agents has half of them at most, and never keeps the others out', async () => {
    const { opened: go, open: release } = gate()
    await open({ maxOpenRequests: 4 }, asked => ({ ...script.text('hello')(asked), headGate: go }))
    const clients = Array.from({ length: 4 }, () => rawClient(at.href))
    for (const client of clients) client.send(wire(at, { headers: [...mine(), 'Connection: close'] }))
    const other = rawClient(at.href).send(wire(at, { headers: [`Host: ${at.host}`, `X-Api-Key: ${tokenOf('b')}`, 'Connection: close'] }))
    await until(() => house.upstream.requests.length === 3, 'two requests of one, and one of the other')
    expect(opened()).toEqual([2, 1])
    release()
    const statuses = await Promise.all(clients.map(async client => answersIn(await client.closed())[0]!.status))
    expect(statuses.sort()).toEqual([200, 200, 429, 429])
    expect(answersIn(await other.closed())).toMatchObject([{ status: 200 }])
  })

  it.each<[string, () => string]>([
    ['nothing at all', () => ''],
    ['half a line', () => 'POST /v1/mess'],
    ['headers without an end', () => `${wire(at, { headers: mine(), body: '' }).trimEnd()}\r\nX-App: `],
  ])('slow headers: 408 for %s', async (_, bytes) => {
    await open({ headersTimeoutMs: 50 })
    expect(answersIn(await rawClient(at.href).send(bytes()).closed())).toMatchObject([{ status: 408, headers: { connection: 'close' } }])
    expect(house.upstream.requests).toHaveLength(0)
  })

  it.each<[string, () => string]>([
    ['half a body', () => wire(at, { headers: mine() }).slice(0, -10)],
    ['half a chunk', () => wire(at, { headers: [...mine(), 'Transfer-Encoding: chunked'], body: 'ff\r\n{"model"' })],
  ])('a slow body: 408 for %s, and nothing of it is ever sent', async (_, bytes) => {
    await open({ requestTimeoutMs: 200 })
    const client = rawClient(at.href).send(bytes())
    await until(() => opened()[0] === 1, 'the request that waits for its body')
    const [answer] = answersIn(await client.closed())
    expect(answer).toMatchObject({ status: 408, headers: { connection: 'close' } })
    expect(JSON.parse(answer!.body)).toMatchObject({ error: { type: 'timeout_error' } })
    await until(() => opened()[0] === 0, 'the end of the request')
    expect(house.upstream.requests).toHaveLength(0)
    expect(house.server.snapshot().agents[0]).toMatchObject({ state: 'summoned' })
  })

  it('a body whose time is over is not taken any more, though the rest of it comes', async () => {
    await open({ requestTimeoutMs: 200 })
    const whole = wire(at, { headers: mine() })
    const client = rawClient(at.href)
    client.socket.allowHalfOpen = true
    client.socket.removeAllListeners('end')
    client.send(whole.slice(0, -10))
    await client.until(text => text.endsWith('}'))
    client.send(whole.slice(-10))
    await until(() => opened()[0] === 0, 'the end of the request')
    expect(answersIn(client.text)).toMatchObject([{ status: 408 }])
    expect(house.upstream.requests).toHaveLength(0)
    client.socket.destroy()
  })

  it('a connection without a request is closed', async () => {
    await open({ keepAliveMs: 50 })
    expect(answersIn(await rawClient(at.href).send(wire(at)).closed())).toMatchObject([{ status: 200 }])
  })
})

describe('the options of a companion', () => {
  it.each<[object, ErrorConstructor | RangeErrorConstructor, RegExp]>([
    [{ prot: 1 }, TypeError, /createServer: unknown option "prot"; known are host, port, hosts, agents, adminToken/],
    [{ port: -1 }, RangeError, /createServer: port must be from 0 to 65535, got -1/],
    [{ port: '80' }, RangeError, /createServer: port must be/],
    [{ host: '' }, TypeError, /createServer: host must be an address/],
    [{ hosts: 'gateway' }, TypeError, /createServer: hosts must be a list/],
    [{ hosts: ['http://gateway'] }, TypeError, /createServer: hosts: "http:\/\/gateway" is no host/],
    [{ hosts: ['*'] }, TypeError, /is no host/],
    [{ agents: {} }, TypeError, /createServer: agents must be a list/],
    [{ open: true }, TypeError, /createServer: open must be a function/],
    [{ clock: {} }, TypeError, /createServer: clock must be a clock/],
    [{ adminToken: '' }, TypeError, /createServer: adminToken must be a string of visible ASCII/],
    [{ watchToken: 'two words' }, TypeError, /createServer: watchToken must be a string of visible ASCII/],
    [{ adminToken: 'the-one', watchToken: 'the-one' }, Error, /adminToken and watchToken must differ/],
    [{ limits: [] }, TypeError, /createServer: limits must be an object/],
    [{ limits: { maxBody: 1 } }, TypeError, /createServer: limits: unknown limit "maxBody"; known are maxBodyBytes/],
    [{ limits: { maxBodyBytes: 0 } }, RangeError, /createServer: limits: maxBodyBytes must be a whole number from 1 to \d+, got 0/],
    [{ limits: { maxBodyBytes: 2 ** 40 } }, RangeError, /maxBodyBytes must be/],
    [{ limits: { maxBodyBytes: '1' } }, TypeError, /maxBodyBytes must be a number, got string/],
    [{ limits: { maxHeaderBytes: 100 } }, RangeError, /maxHeaderBytes must be a whole number from 1024/],
    [{ limits: { maxOpenRequests: Number.NaN } }, RangeError, /maxOpenRequests must be/],
    [{ limits: { keepAliveMs: Number.POSITIVE_INFINITY } }, RangeError, /keepAliveMs must be/],
    [
      { limits: { headersTimeoutMs: 2, requestTimeoutMs: 1 } },
      RangeError,
      /headersTimeoutMs \(2\) must not be longer than requestTimeoutMs \(1\)/,
    ],
  ])('refuses %j', async (options, type, message) => {
    const error = await createServer(Object.freeze(options) as ServerOptions).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toMatch(/the-one|two words/)
  })

  it.each<[object, RegExp]>([
    [{ limits: {} }, /listen: unknown option "limits"; known are host, port, hosts, maxBodyBytes/],
    [{ keepAliveMs: 0 }, /listen: keepAliveMs must be a whole number from 1/],
    [{ maxOpenRequests: 1.5 }, /listen: maxOpenRequests must be/],
    [{ hosts: [5] }, /listen: hosts: 5 is no host/],
  ])('listen() refuses %j likewise', async (options, message) => {
    const sidecar = createSidecar({ agent: { name: 'a', send: async () => '' }, use: [], claude: { apiKey: 'none' } })
    await expect(listen(seamBehind(sidecar)!, Object.freeze(options))).rejects.toThrow(message)
  })

  it('refuses an agent by the token of the companion, or of another agent, or by one that no header can carry', async () => {
    house = await companion({ adminToken: 'of-admin', watchToken: 'of-watch' })
    const sidecar = createSidecar({ agent: { name: 'c', send: async () => '' }, use: [], claude: { apiKey: 'none' } })
    for (const token of ['of-admin', 'of-watch', tokenOf('a')]) {
      const add = () => house.server.add({ sidecar, token })
      expect(add).toThrow(/its token is that of another agent, or of the companion itself/)
      expect(add).not.toThrow(token)
    }
    expect(() => house.server.add({ sidecar, token: 'line\nbreak' })).toThrow(TypeError)
    expect(house.server.agents.map(({ name }) => name)).toEqual(['a', 'b'])
    await house.close()
  })

  it('leaves nothing open, and no sidecar heard, when the port cannot be had', async () => {
    house = await companion()
    const sidecar = createSidecar({ agent: { name: 'c', send: async () => '' }, use: [], claude: { apiKey: 'none' } })
    const port = Number(new URL(house.server.baseURL).port)
    await expect(createServer({ port, agents: [{ sidecar }] })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await house.close()
    const again = await createServer({ agents: [{ sidecar }] })
    await again.close({ drainMs: 1 })
  })

  it.each<[readonly string[], string, number]>([
    [[], 'gateway.example', 421],
    [['gateway.example'], 'gateway.example', 200],
    [['gateway.example'], 'Gateway.Example:PORT', 200],
    [['gateway.example'], 'gateway.example:1', 421],
    [['gateway.example'], 'evil.gateway.example', 421],
    [['gateway.example:8080'], 'gateway.example:8080', 200],
    [['gateway.example:8080'], 'gateway.example', 421],
    [['[fd00::1]'], '[fd00::1]:PORT', 200],
  ])('hosts %j: %s gets %i', async (hosts, host, status) => {
    house = await companion({ hosts })
    at = new URL(house.server.baseURL)
    const headers = [`Host: ${host.replace('PORT', at.port)}`, `X-Api-Key: ${tokenOf('a')}`, 'Connection: close']
    expect(answersIn(await rawClient(at.href).send(wire(at, { headers })).closed())).toMatchObject([{ status }])
    await house.close()
  })

  it('bound to every address, it answers to the one that the connection came to', async () => {
    house = await companion({ host: '0.0.0.0' })
    at = new URL(house.server.baseURL)
    const to = async (address: string, host: string) => {
      const headers = [`Host: ${host}:${at.port}`, `X-Api-Key: ${tokenOf('a')}`, 'Connection: close']
      return answersIn(await rawClient(`http://${address}:${at.port}`).send(wire(at, { headers })).closed())[0]!.status
    }
    expect(await to('127.0.0.2', '127.0.0.2')).toBe(200)
    expect(await to('127.0.0.2', '127.0.0.3')).toBe(421)
    expect(await to('127.0.0.1', 'evil.example')).toBe(421)
    await house.close()
  })
})
