import { getEventListeners } from 'node:events'
import Anthropic, { AnthropicError } from '@anthropic-ai/sdk'
import { defineMiddleware } from '../../lib/core/define.js'
import { DeadlineError, isOutriggerError, TruncatedStreamError, UpstreamError, ViolationError } from '../../lib/core/errors.js'
import type { Context, Outcome } from '../../lib/core/types.js'
import { createSidecar } from '../../lib/sidecar.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { ask, failure, gate, type Mount, mounted, mounts, until } from './mounts.js'

type Next = () => Promise<void>

let server: MessagesServer

const start = async (
  answer: Scripted | readonly Scripted[],
  use: readonly ((ctx: Context, next: Next) => Promise<void>)[] = [],
  mount: Mount = 'claude',
) => {
  server = await startServer(answer)
  return mounted(mount, server.url, { use, client: { maxRetries: 0 } })
}

afterEach(() => server.close())

const streamOf = (client: Anthropic) => client.messages.create({ ...ask, stream: true })

/** Reads a stream to its end, whatever that is. */
async function read(client: Anthropic): Promise<{ types: string[]; error: any }> {
  const types: string[] = []
  try {
    for await (const event of await streamOf(client)) types.push(event.type)
  } catch (error) {
    return { types, error }
  }
  return { types, error: undefined }
}

/** Notes how the action ended, once it has. */
function outcomes(list: Outcome[]): (ctx: Context, next: Next) => Promise<void> {
  return async (ctx, next) => {
    await next().finally(() => list.push(ctx.outcome!))
  }
}

describe.each(mounts)('a stream (%s)', mount => {
  it('begins before its body has ended, and ends after the chain', async () => {
    const body = gate()
    const chain = gate()
    const steps: string[] = []
    const late = async (_: Context, next: Next) => {
      await next()
      steps.push('inner side ended')
      await chain.opened
      steps.push('chain ended')
    }
    const { client, close } = await start(script.gated(script.text('Two miles.'), { chunks: { 4: body.opened } }), [late], mount)
    for await (const event of await streamOf(client)) {
      steps.push(event.type)
      if (event.type === 'content_block_delta') body.open()
      if (event.type === 'message_delta') setImmediate(chain.open)
    }
    expect(steps.slice(0, 3)).toEqual(['message_start', 'content_block_start', 'content_block_delta'])
    expect(steps.slice(-2)).toEqual(['chain ended', 'message_stop'])
    await close()
  })

  it('that is refused late is an error, not an end', async () => {
    const refuse = async (_: Context, next: Next) => {
      await next()
      throw new ViolationError({ ruleId: 'late' })
    }
    const { client, close } = await start(script.text('Two miles.'), [refuse], mount)
    const { types, error } = await read(client)
    expect(types.at(-1)).toBe('message_delta')
    expect(isOutriggerError(error, 'ERR_VIOLATION')).toBe(true)
    if (mount !== 'listen') expect(error).toBeInstanceOf(ViolationError)
    else expect(error).toMatchObject({ type: 'invalid_request_error', errorCode: 'ERR_VIOLATION', details: { ruleId: 'late' } })
    const wrapped = await failure(client.messages.stream(ask).finalMessage())
    expect(wrapped).toBeInstanceOf(AnthropicError)
    expect(isOutriggerError(wrapped, 'ERR_VIOLATION')).toBe(true)
    if (mount !== 'listen') expect(wrapped.cause).toBeInstanceOf(ViolationError)
    await close()
  })

  it('that is cut is an error', async () => {
    const ended: Outcome[] = []
    const { client, close } = await start(script.cut(5), [outcomes(ended)], mount)
    const { types, error } = await read(client)
    expect(types).not.toContain('message_stop')
    expect(isOutriggerError(error, 'ERR_TRUNCATED')).toBe(true)
    if (mount !== 'listen') expect(error).toBeInstanceOf(TruncatedStreamError)
    expect(ended).toMatchObject([{ status: 'truncated', sent: true }])
    await close()
  })

  it('that is cut at any byte is an error of its own, never an end', async () => {
    const answer = script.reply({ text: 'Hi é🌊', toolUse: { name: 'Bash', input: { command: 'ls' } } })
    let [at, length] = [Number.POSITIVE_INFINITY, 0]
    const cut: Scripted = asked => {
      const whole = Buffer.from(answer(asked).chunks.join(''))
      length = whole.length
      return { ...answer(asked), chunks: [whole.subarray(0, at)] }
    }
    const ended: Outcome[] = []
    const { client, close } = await start(cut, [outcomes(ended)], mount)
    expect((await read(client)).error).toBeUndefined()
    const ends = new Set<string>()
    for (at = 1; at < length - 1; at += 3) {
      const { types, error } = await read(client)
      ends.add(`${types.includes('message_stop')} ${isOutriggerError(error, 'ERR_TRUNCATED')} ${ended.at(-1)?.status}`)
    }
    expect([...ends]).toEqual(['false true truncated'])
    await close()
  })

  it('whose socket is reset is an error', async () => {
    const ended: Outcome[] = []
    const { client, close } = await start(script.reset(5), [outcomes(ended)], mount)
    const { types, error } = await read(client)
    expect(types).toContain('content_block_delta')
    expect(isOutriggerError(error, 'ERR_UPSTREAM')).toBe(true)
    expect(ended).toMatchObject([{ status: 'error', sent: true }])
    await close()
  })

  it('of garbage is an error', async () => {
    const garbage: Scripted = () => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      chunks: ['<html>\n\n', 'data: {"type":\n\n'],
      ending: 'end',
    })
    const { client, close } = await start(garbage, [], mount)
    const { error } = await read(client)
    expect(isOutriggerError(error)).toBe(true)
    await close()
  })

  it('answered with an error in JSON and status 200 is an error', async () => {
    const odd: Scripted = () => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      chunks: ['{"type":"error","error":{"type":"overloaded_error","message":"no"}}'],
      ending: 'end',
    })
    const { client, close } = await start(odd, [], mount)
    expect(isOutriggerError((await read(client)).error, 'ERR_UPSTREAM')).toBe(true)
    expect(isOutriggerError(await failure(client.messages.create(ask)), 'ERR_UPSTREAM')).toBe(true)
    await close()
  })

  it.each([
    ['a second beginning', 'event: message_start\ndata: {"type":"message_start","message":{"content":[],"usage":{}}}\n\n', 'ERR_UPSTREAM'],
    ['an event without its parts', 'event: content_block_start\ndata: {"type":"content_block_start","index":0}\n\n', 'ERR_UPSTREAM'],
    ['an event that is no object', 'event: content_block_start\ndata: null\n\n', 'ERR_UPSTREAM'],
    ['an event that says nothing, and no end', 'event: content_block_start\ndata: {}\n\n', 'ERR_TRUNCATED'],
  ] as const)('with %s is an error', async (_, odd, code) => {
    const { client, close } = await start(
      asked => {
        const answer = script.text('hello')(asked)
        return { ...answer, chunks: [...answer.chunks.slice(0, 2), odd] }
      },
      [],
      mount,
    )
    expect(isOutriggerError((await read(client)).error, code)).toBe(true)
    await close()
  })

  it.each([true, false])('that is too large is an error, and is not paid for again (streamed: %s)', async stream => {
    server = await startServer(script.text('x'.repeat(5_000)))
    const again = defineMiddleware({ name: 'again', reenters: true }, async (_, next) =>
      next().catch(error => (error.upstream.retryable ? next() : Promise.reject(error))),
    )
    const { client, sidecar, close } = await mounted(mount, server.url, {
      use: [again],
      claude: { maxMessageBytes: 1_000 },
      client: { maxRetries: 2 },
    })
    const error = await failure(stream ? client.messages.stream(ask).finalMessage() : client.messages.create(ask))
    expect(isOutriggerError(error, 'ERR_UPSTREAM')).toBe(true)
    await until(() => sidecar.snapshot().inFlight === 0)
    expect(server.requests).toHaveLength(1)
    expect(sidecar.tokenUsage.certainty).not.toBe('measured')
    await close()
  })

  it('that ends with the error of the API hands it on as it came', async () => {
    const ended: Outcome[] = []
    const { client, close } = await start(script.sseError(5), [outcomes(ended)], mount)
    const { types, error } = await read(client)
    expect(types).toContain('content_block_delta')
    expect(error).toMatchObject({ type: 'overloaded_error', status: undefined })
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(ended[0]!.error).toBeInstanceOf(UpstreamError)
    await close()
  })

  it('that fails before its head is an error answer of the API', async () => {
    const { client, close } = await start(script.sseError(2), [], mount)
    const error = await failure(streamOf(client))
    expect(error).toMatchObject({ status: 529, type: 'overloaded_error' })
    expect(error).toBeInstanceOf(Anthropic.InternalServerError)
    await close()
  })

  const leavings: Record<string, (client: Anthropic) => Promise<unknown>> = {
    break: async client => {
      for await (const event of await streamOf(client)) if (event.type === 'content_block_delta') break
    },
    'stream.controller.abort()': async client => {
      const stream = await streamOf(client)
      for await (const event of stream) if (event.type === 'content_block_delta') stream.controller.abort()
    },
    'stream.abort()': client => {
      const stream = client.messages.stream(ask)
      stream.once('text', () => stream.abort())
      return stream.done().catch(() => {})
    },
    'a signal': async client => {
      const abort = new AbortController()
      for await (const event of await client.messages.create({ ...ask, stream: true }, { signal: abort.signal }))
        if (event.type === 'content_block_delta') abort.abort()
    },
    'body.cancel()': async client => {
      const response = await client.messages.create({ ...ask, stream: true }).asResponse()
      const reader = response.body!.getReader()
      await reader.read()
      await reader.cancel()
    },
  }

  it.each(Object.entries(leavings))('left by %s closes upstream and ends the chain', async (_, leave) => {
    const ended: Outcome[] = []
    const { client, sidecar, close } = await start(script.stall(5), [outcomes(ended)], mount)
    await leave(client)
    await until(() => ended.length === 1, 'the end of the chain')
    await until(() => server.requests[0]!.aborted, 'the end of the request')
    expect(ended).toMatchObject([{ status: 'aborted', sent: true }])
    expect(sidecar.snapshot()).toMatchObject({ inFlight: 0 })
    await close()
  })

  it('leaves no listener on a long-lived signal', async () => {
    const { client, close } = await start(script.text('hello'), [], mount)
    const abort = new AbortController()
    for (let n = 0; n < 50; n++) {
      await client.messages.create(ask, { signal: abort.signal })
      await client.messages.stream(ask, { signal: abort.signal }).finalMessage()
      for await (const _ of await client.messages.create({ ...ask, stream: true }, { signal: abort.signal })) break
      await client.messages.countTokens({ model: ask.model, messages: ask.messages }, { signal: abort.signal })
    }
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
    await close()
  })
})

/** Until a figure has not changed for a thousand turns of the event loop. */
async function quiet(figure: () => number): Promise<void> {
  for (let turns = 0, before = -1; turns < 1_000; turns++) {
    await new Promise(resolve => setImmediate(resolve))
    if (figure() !== before) turns = 0
    before = figure()
  }
}

/** 20,000 events of 1 kB. */
const long: Scripted = asked => {
  const answer = script.reply({ text: 'x'.repeat(20_000), chunkChars: 1 })(asked)
  return { ...answer, chunks: answer.chunks.map(chunk => String(chunk).replace('"x"', `"${'x'.repeat(1000)}"`)) }
}

describe('a stream whose body stays open after its end', () => {
  it('is whole a second later, and its connection is given up', async () => {
    const clock = new VirtualClock()
    server = await startServer(asked => ({ ...script.text('hello')(asked), ending: 'stall' }))
    const { client, close } = await mounted('claude', server.url, { clock, client: { maxRetries: 0 } })
    const text = client.messages.stream(ask).finalText()
    await until(() => clock.pending === 1, 'the wait for the end of the body')
    await clock.advance(1_000)
    expect(await text).toBe('hello')
    await until(() => server.openSockets === 0, 'the end of the connection')
    expect(clock.pending).toBe(0)
    await close()
  })
})

describe('a stream with more beside the message than maxMessageBytes', () => {
  const flood = `${': '.padEnd(4_000, '.')}\n\n`
  const frames = (asked: Parameters<Scripted>[0]) => script.tool('Bash', { command: 'ls' })(asked).chunks.map(String)

  it.each([
    ['before the head', (own: string[]) => own.splice(1, 0, ...Array<string>(20).fill(flood))],
    ['after the end', (own: string[]) => own.push(...Array<string>(20).fill(flood))],
    [
      'within a held call',
      (own: string[]) => own.splice(4, 0, ...Array<string>(20).fill(`event: x\ndata: {"type":"x","y":"${flood.trim()}"}\n\n`)),
    ],
    ['in one frame', (own: string[]) => own.splice(4, 1, `: ${'.'.repeat(80_000)}\n${own[4]}`)],
  ])('is an error: %s', async (_, grow) => {
    server = await startServer(asked => {
      const own = frames(asked)
      grow(own)
      return { ...script.text('')(asked), chunks: own }
    })
    const judge = async (ctx: Context, next: Next) => {
      ctx.tap({ event: (event, push) => push(event), toolUse: () => {} })
      await next()
    }
    const { client, close } = await mounted('claude', server.url, { use: [judge], claude: { maxMessageBytes: 50_000 } })
    const { error } = await read(client)
    expect(error).toMatchObject({ code: 'ERR_UPSTREAM', upstream: { code: 'UNREADABLE' } })
    await close()
  })
})

describe('a reader that does not read', () => {
  it('is given up after idleMs: upstream is closed, and reading on is an error', async () => {
    server = await startServer(long)
    const clock = new VirtualClock()
    const ended: Outcome[] = []
    const { client, close } = await mounted('claude', server.url, { clock, use: [outcomes(ended)], claude: { idleMs: 60_000 } })
    const response = await client.messages.create({ ...ask, stream: true }).asResponse()
    await until(() => clock.pending === 1, 'the full pipe')
    await clock.advance(59_999)
    expect(ended).toEqual([])
    await clock.advance(1)
    await until(() => server.requests[0]!.aborted, 'the end of the request')
    expect(ended).toMatchObject([{ status: 'aborted', error: { code: 'ERR_DEADLINE', ms: 60_000 } }])
    expect(clock.pending).toBe(0)
    expect(await failure(response.text())).toBeInstanceOf(DeadlineError)
    await close()
  })

  it.each(mounts)('holds the server back (%s)', async mount => {
    let written = 0
    const counting: Scripted = asked => {
      const answer = long(asked)
      return {
        ...answer,
        chunks: answer.chunks.map(chunk => Object.defineProperty(Buffer.from(chunk), 'toString', { value: () => '' })),
        gates: new Proxy({}, { get: () => void written++ }),
      }
    }
    const { client, close } = await start(counting, [], mount)
    let events = 0
    for await (const _ of await streamOf(client)) {
      if (++events < 10) continue
      await quiet(() => written)
      expect(written).toBeLessThan(19_000)
      break
    }
    expect(events).toBe(10)
    await close()
  })
})

describe('an abort from outside the call', () => {
  const within = (use: (call: { claude: Anthropic }) => Promise<unknown>, found: unknown[]) =>
    createSidecar({
      agent: {
        name: 'probe',
        async send(_: string, call) {
          found.push(await failure(use(call)))
          throw found[0]
        },
      },
      use: [],
      claude: { apiKey: 'a', baseURL: server.url },
    })

  it("is the caller's reason for the send, and APIUserAbortError on claude, before the head", async () => {
    server = await startServer(script.silent())
    const found: unknown[] = []
    const sidecar = within(({ claude }) => claude.messages.create(ask), found)
    const abort = new AbortController()
    const reason = { mine: true }
    const send = failure(sidecar.send('go', { signal: abort.signal }))
    await until(() => server.requests.length === 1)
    abort.abort(reason)
    expect(await send).toBe(reason)
    await until(() => found.length === 1)
    expect(found[0]).toBeInstanceOf(Anthropic.APIUserAbortError)
    await until(() => server.requests[0]!.aborted)
    expect(server.requests).toHaveLength(1)
  })

  it('and within a stream, so that it does not look like an end', async () => {
    server = await startServer(script.stall(5))
    const found: unknown[] = []
    const abort = new AbortController()
    const sidecar = within(async ({ claude }) => {
      for await (const event of await claude.messages.create({ ...ask, stream: true }))
        if (event.type === 'content_block_delta') abort.abort(new Error('enough'))
    }, found)
    expect(await failure(sidecar.send('go', { signal: abort.signal }))).toEqual(new Error('enough'))
    await until(() => found.length === 1)
    expect(found[0]).toBeInstanceOf(Anthropic.APIUserAbortError)
  })

  it('is our error when the sidecar is reaped', async () => {
    server = await startServer(script.stall(5))
    const { client, sidecar, close } = await mounted('claude', server.url)
    const types: string[] = []
    const error = await failure(
      (async () => {
        for await (const event of await streamOf(client)) {
          types.push(event.type)
          if (event.type === 'content_block_delta') sidecar.reap('enough')
        }
      })(),
    )
    expect(isOutriggerError(error, 'ERR_REAPED')).toBe(true)
    expect(isOutriggerError(await failure(client.messages.create(ask)), 'ERR_REAPED')).toBe(true)
    expect(isOutriggerError(await failure(client.models.list()), 'ERR_REAPED')).toBe(true)
    expect(server.requests).toHaveLength(1)
    await close()
  })
})
