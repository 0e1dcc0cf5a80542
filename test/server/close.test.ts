import { setImmediate as turn } from 'node:timers/promises'
import { once } from 'node:events'
import { createSidecar, defineMiddleware } from 'outrigger'
import { createServer, outsideAgent } from 'outrigger/server'
import { VirtualClock } from 'outrigger/testing'
import { failure, gate, until } from '../seam/mounts.js'
import { answersIn, rawClient } from '../support/raw-client.js'
import { script } from '../support/script.js'
import { type Companion, companion, tokenOf, wire } from './two-agents.js'

let house: Companion
let at: URL

afterEach(() => house.close())

async function holding(): Promise<() => void> {
  const { opened, open } = gate()
  house = await companion({}, { answer: asked => ({ ...script.text('hello')(asked), headGate: opened }) })
  at = new URL(house.server.baseURL)
  return open
}

const asks = (name: string, close = true) =>
  wire(at, { headers: [`Host: ${at.host}`, `X-Api-Key: ${tokenOf(name)}`, ...(close ? ['Connection: close'] : [])] })
const answer = async (bytes: string) => answersIn(await rawClient(at.href).send(bytes).closed())[0]!
const opened = () => Object.fromEntries(house.server.snapshot().agents.map(({ name, open }) => [name, open]))

/** What listens or is connected in this process. */
const handles = () => process.getActiveResourcesInfo().filter(name => /^TCP/.test(name)).length

describe('close()', () => {
  it('lets what runs end, and nothing new in: 409, still with the right token alone', async () => {
    const release = await holding()
    const running = answer(asks('a'))
    await until(() => house.upstream.requests.length === 1, 'the request upstream')
    const closing = house.server.close()
    expect(await answer(asks('b'))).toMatchObject({ status: 409, headers: { 'x-should-retry': 'false' } })
    const refusal = await answer(asks('a'))
    expect(JSON.parse(refusal.body)).toMatchObject({
      error: {
        type: 'invalid_request_error',
        message: 'a has ended: the companion is closing; create a new sidecar',
        details: { error_code: 'ERR_REAPED' },
      },
    })
    expect(await answer(asks('other'))).toMatchObject({ status: 401 })
    expect(opened()).toEqual({ a: 1, b: 0 })
    const sidecar = createSidecar({ agent: outsideAgent('c'), use: [], claude: { apiKey: 'none' } })
    expect(() => house.server.add({ sidecar })).toThrow('agent "c": the companion is closing; nothing new is let in')
    release()
    expect(await running).toMatchObject({ status: 200, body: expect.stringContaining('hello') })
    await closing
    expect(house.upstream.requests).toHaveLength(1)
    expect(await rawClient(at.href).send(asks('a')).closed()).toBe('')
    expect(house.server.agents).toEqual([])
  })

  it('waits no longer than drainMs: what still runs is told why', async () => {
    await holding()
    const running = answer(asks('a'))
    await until(() => house.upstream.requests.length === 1, 'the request upstream')
    await house.server.close({ drainMs: 1 })
    const { status, body } = await running
    expect([status, JSON.parse(body).error.details.error_code]).toEqual([409, 'ERR_REAPED'])
    await until(() => house.upstream.requests[0]!.aborted, 'the end upstream')
  })

  it('leaves no socket and no listener', async () => {
    const before = handles()
    house = await companion()
    at = new URL(house.server.baseURL)
    const idle = rawClient(at.href).send(asks('a', false))
    await idle.until(text => text.endsWith('}'))
    const silent = rawClient(at.href)
    await once(silent.socket, 'connect')
    await answer(asks('b'))
    await house.server.close()
    await Promise.all([idle.closed(), silent.closed()])
    await house.upstream.close()
    // What remains is the pool of the process upstream: its server has gone.
    await until(() => handles() <= before, 'the end of every socket')
  })

  it('is done once, whoever calls it', async () => {
    await holding()
    await expect(house.server.close({ drainMs: -1 })).rejects.toThrow(RangeError)
    await expect(house.server.remove('a', { drainMs: Number.NaN })).rejects.toThrow(RangeError)
    expect(house.server.agents).toHaveLength(2)
    await Promise.all([house.server.close(), house.server.close({ drainMs: 5 })])
    await house.server.close()
  })

  it('closes the port and every sidecar before it says what could not be closed', async () => {
    house = await companion()
    const failing = defineMiddleware({ name: 'stuck', close: () => Promise.reject(new Error('the disk is full')) }, (_, next) => next())
    const sidecars = ['c', 'd'].map(name =>
      createSidecar({ agent: outsideAgent(name), use: name === 'c' ? [failing] : [], claude: { apiKey: 'none' } }),
    )
    const server = await createServer({ agents: sidecars.map(sidecar => ({ sidecar })) })
    expect(await failure(server.close())).toMatchObject({ message: 'the disk is full' })
    expect(sidecars.map(({ state }) => state)).toEqual(['dismissed', 'dismissed'])
    expect(await failure(fetch(server.baseURL))).toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  it('waits for an agent that is being removed', async () => {
    house = await companion()
    const { opened: gone, open: go } = gate()
    const slow = defineMiddleware({ name: 'slow', close: () => gone }, (_, next) => next())
    const sidecar = createSidecar({ agent: outsideAgent('c'), use: [slow], claude: { apiKey: 'none' } })
    house.server.add({ sidecar })
    const removed = house.server.remove('c')
    let closed = false
    const closing = house.server.close().then(() => {
      closed = true
    })
    for (let turns = 0; turns < 200; turns++) await turn()
    expect(closed).toBe(false)
    go()
    expect(await removed).toBe(true)
    await closing
  })
})

describe('remove()', () => {
  it('drains one agent and leaves the others alone', async () => {
    const release = await holding()
    const [mine, other] = [answer(asks('a')), answer(asks('b'))]
    await until(() => house.upstream.requests.length === 2, 'both requests upstream')
    expect(opened()).toEqual({ a: 1, b: 1 })
    const removed = house.server.remove('a')
    expect(await answer(asks('a'))).toMatchObject({ status: 401 })
    expect(opened()).toEqual({ b: 1 })
    release()
    expect([(await mine).status, (await other).status]).toEqual([200, 200])
    expect(await removed).toBe(true)
    expect(await house.server.remove('a')).toBe(false)
    expect(await answer(asks('b'))).toMatchObject({ status: 200 })
    expect(opened()).toEqual({ b: 0 })
  })

  it('frees name and token, and hears the old sidecar no more', async () => {
    house = await companion()
    const old = house.server.agents[0]!.sidecar
    const heard: string[] = []
    house.server.subscribe(event => heard.push(event.type))
    await house.server.remove('a')
    const before = heard.length
    old.reap('afterwards')
    expect(heard).toHaveLength(before)
    const sidecar = createSidecar({ agent: outsideAgent('a'), use: [], claude: { apiKey: 'none' } })
    expect(house.server.add({ sidecar, token: tokenOf('a') })).toMatchObject({ name: 'a' })
  })
})

describe('subscribe()', () => {
  it('goes on to the others when a listener throws', async () => {
    house = await companion()
    at = new URL(house.server.baseURL)
    const heard: [string, string][] = []
    let thrown = 0
    house.server.subscribe(() => {
      thrown++
      throw new Error('not mine')
    })
    const stop = house.server.subscribe(({ type, agent }) => void heard.push([agent.replace(/-.*/, ''), type]))
    await answer(asks('a'))
    await answer(asks('b'))
    expect(thrown).toBe(1)
    expect(heard).toEqual(
      expect.arrayContaining([
        ['a', 'action.ended'],
        ['b', 'action.ended'],
      ]),
    )
    stop()
    const before = heard.length
    await answer(asks('b'))
    expect(heard).toHaveLength(before)
  })
})

describe('a client that does not read', () => {
  it('is cut off after idleMs, with an answer in one piece too', async () => {
    const clock = new VirtualClock()
    house = await companion({ clock }, { answer: script.text('x'.repeat(20_000_000)) })
    at = new URL(house.server.baseURL)
    const client = rawClient(at.href)
    client.socket.pause()
    const ended = new Promise<void>(resolve => {
      house.server.subscribe(({ type }) => type === 'action.ended' && resolve())
    })
    client.send(asks('a'))
    await ended
    await until(() => clock.pending > 0, 'the full socket')
    expect(opened()).toEqual({ a: 1, b: 0 })
    await clock.advance(300_000)
    await until(() => opened().a === 0, 'the end of the request')
    client.socket.resume()
    await client.closed()
    await Promise.all([house.server.close({ drainMs: 0 }), clock.run()])
  })
})
