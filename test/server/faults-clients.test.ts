import { once } from 'node:events'
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { memoryLog } from 'outrigger/ctx'
import { MemoryLedgerStore } from 'outrigger/ledger'
import { rules } from 'outrigger/policy'
import { gate, until } from '../seam/mounts.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { rawUpstream } from '../support/raw-upstream.js'
import { type Scripted, script } from '../support/script.js'
import { asked, deadline, errorOf, nothingLeft, opened, plain, streamed, within } from './asked.js'
import type { TestCompanion, TestCompanionOptions } from './companion.js'

const bodies = { plain, streamed }
const kinds = ['plain', 'streamed'] as const

/** A client that asked, and what it has heard so far. */
function listening(ours: TestCompanion, body: string): { readonly heard: () => string; go(): void } {
  let heard = ''
  const request = opened(ours, body)
  request.on('error', () => {})
  request.on('response', (response: IncomingMessage) => {
    response.on('error', () => {})
    response.setEncoding('utf8').on('data', chunk => {
      heard += chunk
    })
  })
  return { heard: () => heard, go: () => void request.destroy() }
}

const states = (ours: TestCompanion) => ours.holds.map(({ state }) => state)

describe('an upstream that is not there', () => {
  it.each(kinds)('is an error that costs nothing (%s)', async kind => {
    const up = await rawUpstream('')
    await up.close()
    await within({ ...up, close: async () => {} }, {}, async (ours, clock) => {
      for (let n = 0; n < 3; n++) {
        const told = await asked(ours, bodies[kind])
        expect(told).toMatchObject({ status: 502, headers: { 'x-should-retry': 'false' } })
        expect(errorOf(told).error).toMatchObject({
          type: 'api_error',
          details: { error_code: 'ERR_UPSTREAM', upstream: { code: 'ECONNREFUSED' } },
        })
      }
      expect([ours.spent, states(ours)]).toEqual([0, []])
      await nothingLeft(ours, clock, up)
    })
  })
})

describe('an upstream that stalls', () => {
  it.each(kinds)('before its head is an error at the deadline (%s)', async kind => {
    const up = await startServer(script.silent())
    await within(up, {}, async (ours, clock) => {
      const told = asked(ours, bodies[kind])
      await until(() => up.requests.length === 1, 'the request')
      await clock.advance(deadline.firstTokenMs - 1)
      expect(up.requests[0]!.aborted).toBe(false)
      await clock.advance(1)
      expect(await told).toMatchObject({ status: 504, broken: false, headers: { 'x-should-retry': 'false' } })
      expect(errorOf(await told).error).toMatchObject({ type: 'timeout_error', details: { error_code: 'ERR_DEADLINE' } })
      expect([states(ours), ours.sidecar.tokenUsage.certainty, ours.spent > 0]).toEqual([[], 'estimated', true])
      await until(() => up.openSockets === 0, 'the end of the request')
      await nothingLeft(ours, clock, up)
    })
  })

  it('within a stream ends it with an error event at the deadline', async () => {
    const up = await startServer(script.stall(5))
    await within(up, {}, async (ours, clock) => {
      const delta = gate()
      const told = asked(ours, streamed, text => text.includes('content_block_delta') && delta.open())
      await delta.opened
      await clock.advance(deadline.idleMs)
      expect(await told).toMatchObject({ status: 200, broken: false })
      expect(errorOf(await told).error).toMatchObject({ type: 'timeout_error', details: { error_code: 'ERR_DEADLINE' } })
      expect([states(ours), ours.sidecar.tokenUsage.certainty, ours.spent > 0]).toEqual([[], 'estimated', true])
      await until(() => up.openSockets === 0, 'the end of the request')
      await nothingLeft(ours, clock, up)
    })
  })
})

describe('a client that goes', () => {
  const gone = async (up: MessagesServer, ours: TestCompanion) => {
    await until(() => up.requests[0]!.aborted, 'the end of the request')
    await until(() => ours.sidecar.snapshot().inFlight === 0, 'the end of the action')
  }

  it.each(kinds)('before the head ends its request, and all that it can cost is paid (%s)', async kind => {
    const up = await startServer(script.silent())
    await within(up, {}, async (ours, clock) => {
      const client = listening(ours, bodies[kind])
      await until(() => up.requests.length === 1, 'the request')
      client.go()
      await gone(up, ours)
      expect([states(ours), ours.sidecar.tokenUsage.certainty, ours.spent > 0]).toEqual([[], 'estimated', true])
      await nothingLeft(ours, clock, up)
    })
  })

  it('within a stream ends its request, and what it saw is paid', async () => {
    const up = await startServer(script.stall(5))
    await within(up, {}, async (ours, clock) => {
      const client = listening(ours, streamed)
      await until(() => client.heard().includes('content_block_delta'), 'the first delta')
      client.go()
      await gone(up, ours)
      expect([states(ours), ours.sidecar.tokenUsage.certainty, ours.spent > 0]).toEqual([[], 'estimated', true])
      await nothingLeft(ours, clock, up)
    })
  })

  it('while withRetry waits ends the waiting: nothing more is sent, and nothing is held', async () => {
    const up = await startServer(script.overloaded({ 'retry-after': '20' }))
    await within(up, { attempts: 3 }, async (ours, clock) => {
      const client = listening(ours, plain)
      await until(() => up.requests.length === 1 && states(ours).length === 0, 'the back-off')
      client.go()
      await until(() => ours.sidecar.snapshot().inFlight === 0, 'the end of the action')
      await clock.advance(60_000)
      expect([up.requests.length, ours.spent, states(ours)]).toEqual([1, 0, []])
      await nothingLeft(ours, clock, up)
    })
  })

  it('while it sends its body begins nothing', async () => {
    const up = await startServer(script.text('hello'))
    await within(up, {}, async (ours, clock) => {
      const socket = connect(Number(new URL(ours.baseURL).port), '127.0.0.1')
      socket.write(
        `POST /v1/messages HTTP/1.1\r\nHost: ${new URL(ours.baseURL).host}\r\nx-api-key: ${ours.token}\r\nContent-Length: 500\r\n\r\n{"model":`,
      )
      await until(() => [...ours.sockets].some(({ bytesRead }) => bytesRead > 100), 'the head of the request')
      socket.destroy()
      await nothingLeft(ours, clock, up)
      expect([up.requests.length, ours.spent, states(ours)]).toEqual([0, 0, []])
    })
  })

  it('never reads is cut off after idleMs, and the model with it', async () => {
    const up = await startServer(script.text('x'.repeat(12_000_000), { chunkChars: 100_000 }))
    await within(up, { claude: { idleMs: 60_000 }, deadline: { idleMs: 1e9 } }, async (ours, clock) => {
      const request = opened(ours, streamed)
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      const broken = once(response.pause(), 'close').catch(() => {})
      response.on('error', () => {})
      await until(() => clock.pending > 0, 'the full socket')
      // What is on the way may arrive yet, and begins its patience anew.
      for (let n = 0; n < 1_000 && ours.sockets.size > 0; n++) await clock.advance(60_000)
      expect(ours.sockets.size).toBe(0)
      response.resume()
      await broken
      await gone(up, ours)
      expect(states(ours)).toEqual([])
      expect(ours.spent).toBeGreaterThan(0)
      await nothingLeft(ours, clock, up)
    })
  })

  it('leaves nothing, wherever thirty of them at once are when they go', async () => {
    const up = await startServer(asked => (asked.n % 3 === 0 ? script.silent() : script.stall(asked.n % 6))(asked))
    await within(up, {}, async (ours, clock) => {
      const clients = Array.from({ length: 30 }, (_, n) => listening(ours, n % 2 === 0 ? streamed : plain))
      // Some wait for their turn.
      await until(() => ours.sidecar.snapshot().inFlight === 30 && up.requests.length > 5, 'every request')
      for (const client of clients) client.go()
      await until(() => up.openSockets === 0, 'the end of every request')
      await nothingLeft(ours, clock, up)
      expect(states(ours).filter(state => state !== 'unknown')).toEqual([])
    })
  })
})

describe('one connection', () => {
  it('serves a hundred requests without a socket or a listener more', async () => {
    const up = await startServer(script.text('hello'))
    await within(up, {}, async ours => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const once_ = async (body: string) => {
        const headers = { 'x-api-key': ours.token, 'content-type': 'application/json' }
        const request = httpRequest(`${ours.baseURL}/v1/messages`, { method: 'POST', agent, headers }).end(body)
        const [response] = (await once(request, 'response')) as [IncomingMessage]
        for await (const _ of response);
        return response.statusCode
      }
      const listeners = ([socket]: readonly Socket[]) => socket!.eventNames().map(name => socket!.listenerCount(name))
      expect([await once_(plain), await once_(streamed)]).toEqual([200, 200])
      const before = listeners([...ours.sockets])
      for (let n = 0; n < 50; n++) expect([await once_(plain), await once_(streamed)]).toEqual([200, 200])
      expect(ours.sockets.size).toBe(1)
      expect(listeners([...ours.sockets])).toEqual(before)
      expect(up.openSockets).toBe(1)
      agent.destroy()
    })
  })
})

class BrokenStore extends MemoryLedgerStore {
  override reserve(): never {
    throw new Error('the disk is gone')
  }
}

interface Shut {
  readonly status: number
  readonly type: string
  readonly code: string
  readonly options?: TestCompanionOptions
  readonly first?: (ours: TestCompanion) => unknown
  readonly body?: object
}

const shut: Readonly<Record<string, () => Shut>> = {
  paused: () => ({ status: 409, type: 'invalid_request_error', code: 'ERR_PAUSED', first: ({ sidecar }) => sidecar.pause('lunch') }),
  reaped: () => ({ status: 409, type: 'invalid_request_error', code: 'ERR_REAPED', first: ({ sidecar }) => sidecar.reap('enough') }),
  'out of budget': () => ({ status: 402, type: 'billing_error', code: 'ERR_BUDGET', options: { budget: { usd: 0 } } }),
  'against a rule': () => ({
    status: 400,
    type: 'invalid_request_error',
    code: 'ERR_VIOLATION',
    options: { rules: [rules.maxTokens(10)] },
  }),
  'without its ledger': () => ({ status: 503, type: 'api_error', code: 'ERR_LEDGER', options: { store: new BrokenStore() } }),
  'without its record': () => ({ status: 503, type: 'api_error', code: 'ERR_SIGNING', options: { log: memoryLog({ maxBytes: 1 }) } }),
  'of a model without a price': () => ({
    status: 400,
    type: 'invalid_request_error',
    code: 'ERR_UNKNOWN_MODEL',
    body: { model: 'claude-none' },
  }),
  'of no model': () => ({ status: 400, type: 'invalid_request_error', code: 'ERR_CONFIG', body: { model: 5 } }),
}

describe('a request that is refused', () => {
  describe.each(Object.keys(shut))('%s', name => {
    it.each(kinds)('is told so in the shape of the API, and nothing leaves (%s)', async kind => {
      const { status, type, code, options = {}, first, body = {} } = shut[name]!()
      const up = await startServer(script.text('hello'))
      await within(up, options, async (ours, clock) => {
        await first?.(ours)
        for (let n = 0; n < 3; n++) {
          const told = await asked(ours, JSON.stringify({ ...JSON.parse(bodies[kind]), ...body }))
          expect(told).toMatchObject({ status, headers: { 'content-type': 'application/json', 'x-should-retry': 'false' } })
          expect(JSON.parse(told.text)).toMatchObject({
            type: 'error',
            error: { type, message: expect.any(String), details: { error_code: code } },
          })
        }
        expect([up.requests.length, ours.spent, states(ours)]).toEqual([0, 0, []])
        await nothingLeft(ours, clock, up)
      })
    })
  })

  it('with another token, is told so, and nothing leaves', async () => {
    const up = await startServer(script.text('hello'))
    await within(up, {}, async ours => {
      const told = await asked({ ...ours, token: 'outrigger-other' }, plain)
      expect(told).toMatchObject({ status: 401, headers: { 'x-should-retry': 'false' } })
      expect(errorOf(told).error).toMatchObject({ type: 'authentication_error', details: { error_code: 'ERR_CONFIG' } })
      expect(up.requests).toHaveLength(0)
    })
  })
})

describe('a stop while an answer is on its way', () => {
  const underWay = async (up: MessagesServer, ours: TestCompanion) => {
    const delta = gate()
    const stream = asked(ours, streamed, text => text.includes('content_block_delta') && delta.open())
    await delta.opened
    const answer = asked(ours, plain)
    await until(() => up.requests.length === 2, 'both requests')
    return { stream, answer }
  }
  const stalled: Scripted = request => (request.body.stream === true ? script.stall(5) : script.silent())(request)

  it('reap ends both with its error, and both are accounted for', async () => {
    const up = await startServer(stalled)
    await within(up, {}, async (ours, clock) => {
      const { stream, answer } = await underWay(up, ours)
      ours.sidecar.reap('enough')
      expect(await answer).toMatchObject({ status: 409, broken: false })
      expect([errorOf(await answer), errorOf(await stream)]).toMatchObject(
        Array(2).fill({ error: { details: { error_code: 'ERR_REAPED' } } }),
      )
      expect([states(ours), ours.sidecar.tokenUsage.certainty, ours.spent > 0]).toEqual([[], 'estimated', true])
      expect(ours.spent).toBeGreaterThan(0)
      await until(() => up.openSockets === 0, 'the end of both requests')
      await nothingLeft(ours, clock, up)
    })
  })

  it('close waits for them, then ends them in the same way, and the port is shut', async () => {
    const up = await startServer(stalled)
    await within(up, {}, async (ours, clock) => {
      const { stream, answer } = await underWay(up, ours)
      const closed = ours.close({ drainMs: 5_000 })
      await clock.advance(4_999)
      expect(up.requests.some(({ aborted }) => aborted)).toBe(false)
      await clock.advance(1)
      expect([errorOf(await answer), errorOf(await stream)]).toMatchObject(
        Array(2).fill({ error: { details: { error_code: 'ERR_REAPED' } } }),
      )
      await closed
      expect([states(ours), ours.sidecar.tokenUsage.certainty, ours.spent > 0]).toEqual([[], 'estimated', true])
      await until(() => up.openSockets === 0, 'the end of both requests')
      await nothingLeft(ours, clock, up)
      await expect(asked(ours, plain)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    })
  })

  it('close lets an answer end that comes in time, and refuses what is new', async () => {
    const rest = gate()
    const up = await startServer(script.gated(script.text('Two miles.'), { chunks: { 4: rest.opened } }))
    await within(up, {}, async (ours, clock) => {
      const delta = gate()
      const stream = asked(ours, streamed, text => text.includes('content_block_delta') && delta.open())
      await delta.opened
      const closed = ours.close({ drainMs: 5_000 })
      expect((await asked(ours, plain)).status).toBe(409)
      rest.open()
      expect((await stream).text).toMatch(/event: message_stop\ndata: .*\n\n$/)
      await closed
      expect([states(ours), up.requests.length]).toEqual([[], 1])
      await nothingLeft(ours, clock, up)
    })
  })
})
