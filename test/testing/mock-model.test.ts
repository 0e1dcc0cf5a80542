import { Readable } from 'node:stream'
import Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { MessageAccumulator, type MessagesStreamEvent } from '../../lib/claude/accumulate.js'
import { SseDecoder } from '../../lib/claude/sse.js'
import { UpstreamError } from '../../lib/core/errors.js'
import { eventsOf, messageOf } from '../../lib/testing/messages.js'
import { mockModel, type MockModel } from '../../lib/testing/mock-model.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'

const ask = (model: MockModel, body: object = {}, options: { signal?: AbortSignal; path?: string } = {}) =>
  model.upstream(
    {
      method: 'POST',
      url: `https://api.anthropic.com${options.path ?? '/v1/messages'}`,
      headers: { 'x-api-key': 'k' },
      body: JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 9, messages: [], ...body }),
    },
    options.signal ?? new AbortController().signal,
  )

const textOf = async (body: AsyncIterable<unknown>) => {
  let text = ''
  for await (const chunk of body) text += chunk
  return text
}

const eventsIn = (text: string): MessagesStreamEvent[] => new SseDecoder().push(text).map(frame => JSON.parse(frame.data))

const accumulated = (events: readonly MessagesStreamEvent[]) => {
  const accumulator = new MessageAccumulator()
  for (const event of events) accumulator.add(event)
  return JSON.parse(JSON.stringify(accumulator.message))
}

const clientOf = (model: MockModel) =>
  new Anthropic({
    apiKey: 'k',
    maxRetries: 0,
    fetch: async (url, init) => {
      const reply = await model.upstream(
        { method: 'POST', url: String(url), headers: {}, body: String(init?.body) },
        init?.signal ?? new AbortController().signal,
      )
      return new Response(Readable.toWeb(Readable.from(bytesOf(reply.body))) as ReadableStream, {
        status: reply.status,
        headers: reply.headers,
      })
    },
  })

async function* bytesOf(body: AsyncIterable<Uint8Array | string>) {
  for await (const chunk of body) yield Buffer.from(chunk)
}

const params = { model: 'claude-haiku-4-5', max_tokens: 9, messages: [{ role: 'user' as const, content: 'hi' }] }
const rich = {
  thinking: 'hm',
  text: ['one', 'two'],
  toolUse: [{ name: 'add', input: { a: [1, 'é😀'] } }],
  usage: { input_tokens: 7, cache_read_input_tokens: 3 },
}

describe('eventsOf', () => {
  it('streams what messageOf says', () => {
    const block = fc.oneof(
      fc.record({
        type: fc.constant('text'),
        text: fc.string({ unit: 'grapheme' }),
        citations: fc.constantFrom(null, [{ type: 'char_location' }]),
      }),
      fc.record({ type: fc.constant('thinking'), thinking: fc.string(), signature: fc.string() }),
      fc.record({ type: fc.constant('tool_use'), id: fc.string(), name: fc.string(), input: fc.dictionary(fc.string(), fc.jsonValue()) }),
      fc.constant({ type: 'redacted_thinking', data: 'x' }),
    )
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), fc.integer({ min: 1, max: 20 }), fc.boolean(), (content, chunkChars, ping) => {
        const message = JSON.parse(JSON.stringify(messageOf({ content }, { n: 1, model: 'm', bodyText: '{}' })))
        expect(accumulated(eventsOf(message, { chunkChars, ping }))).toEqual(message)
      }),
    )
  })
})

describe('mockModel', () => {
  it('answers plain and streamed with equal content and usage', async () => {
    const model = mockModel().reply(rich).reply(rich)
    const plain = JSON.parse(await textOf((await ask(model)).body))
    const streamed = accumulated(eventsIn(await textOf((await ask(model, { stream: true })).body)))
    expect(plain.content.map((block: { type: string }) => block.type)).toEqual(['thinking', 'text', 'text', 'tool_use'])
    expect(plain).toMatchObject({
      stop_reason: 'tool_use',
      model: 'claude-haiku-4-5',
      usage: { input_tokens: 7, cache_read_input_tokens: 3 },
    })
    const withoutIds = (message: object) =>
      JSON.parse(JSON.stringify(message, (key, value) => (key === 'id' || key === 'signature' ? undefined : value)))
    const outputOf = (message: { usage: object }) => ({ ...message, usage: { ...message.usage, output_tokens: undefined } })
    expect(withoutIds(outputOf(streamed))).toEqual(withoutIds(outputOf(plain)))
    expect(streamed.usage.output_tokens).toBe(plain.usage.output_tokens)
  })

  it('serves the real SDK: create, stream, error', async () => {
    const model = mockModel()
      .reply('one')
      .reply(rich)
      .fail({ status: 529, headers: { 'retry-after': '1' } })
    const client = clientOf(model)
    expect((await client.messages.create(params)).content).toMatchObject([{ type: 'text', text: 'one' }])
    expect((await client.messages.stream(params).finalMessage()).content).toMatchObject([
      { thinking: 'hm' },
      { text: 'one' },
      { text: 'two' },
      { input: { a: [1, 'é😀'] } },
    ])
    await expect(client.messages.create(params)).rejects.toMatchObject({ status: 529, type: 'overloaded_error', requestID: 'req_mock_3' })
    expect(model.queued).toBe(0)
  })

  it('records what arrived', async () => {
    const model = mockModel({ otherwise: request => `you sent ${request.request.max_tokens}` })
    const reply = await ask(model, { max_tokens: 33 })
    expect(JSON.parse(await textOf(reply.body)).content[0].text).toBe('you sent 33')
    expect(model.requests).toHaveLength(1)
    expect(model.requests[0]).toMatchObject({
      n: 1,
      path: '/v1/messages',
      headers: { 'x-api-key': 'k' },
      request: { max_tokens: 33 },
      aborted: false,
    })
    expect(JSON.parse(model.requests[0]!.bodyText)).toEqual(model.requests[0]!.request)
  })

  it('fails with Anthropic’s body and our code', async () => {
    const model = mockModel().fail({ status: 429, errorCode: 'enforced_spend_limit_reached', headers: { 'x-should-retry': 'false' } })
    const reply = await ask(model)
    expect([reply.status, reply.headers['x-should-retry'], reply.headers['request-id']]).toEqual([429, 'false', 'req_mock_1'])
    expect(JSON.parse(await textOf(reply.body))).toEqual({
      type: 'error',
      request_id: 'req_mock_1',
      error: { type: 'rate_limit_error', message: 'scripted rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } },
    })
  })

  it('breaks the connection before the answer', async () => {
    const error = await ask(mockModel().disconnect({ code: 'ECONNREFUSED' })).catch(e => e)
    expect(error).toBeInstanceOf(UpstreamError)
    expect(error.upstream).toEqual({ code: 'ECONNREFUSED', retryable: true })
    expect(error.cause).toBeUndefined()
  })

  it.each([0, 1, 3])('breaks the connection after %d events', async after => {
    const reply = await ask(mockModel().disconnect({ after }), { stream: true })
    const seen: unknown[] = []
    await expect(
      (async () => {
        for await (const chunk of reply.body) seen.push(chunk)
      })(),
    ).rejects.toMatchObject({ upstream: { code: 'ECONNRESET' } })
    expect(seen).toHaveLength(after)
  })

  it('breaks a plain answer half way', async () => {
    const reply = await ask(mockModel().disconnect({ after: 0 }))
    await expect(textOf(reply.body)).rejects.toBeInstanceOf(UpstreamError)
    const cut = await textOf((await ask(mockModel().cut())).body)
    expect(() => JSON.parse(cut)).toThrow(SyntaxError)
  })

  it('ends a stream too early', async () => {
    const events = eventsIn(await textOf((await ask(mockModel().cut({ after: 4, reply: 'abc' }), { stream: true })).body))
    expect(events.map(event => event.type)).toEqual(['message_start', 'ping', 'content_block_start', 'content_block_delta'])
  })

  it('sends an error event', async () => {
    const text = await textOf((await ask(mockModel().sseError({ after: 1 }), { stream: true })).body)
    expect(eventsIn(text)[1]).toEqual({ type: 'error', error: { type: 'overloaded_error', message: 'scripted overloaded_error' } })
  })

  it('rejects once, and nothing behind it, when the script does not fit the request', async () => {
    const mock = mockModel().sseError()
    const abort = new AbortController()
    const wire = { method: 'POST', url: 'http://mock/v1/messages', headers: {}, body: '{"model":"m"}' }
    await expect(mock.upstream(wire, abort.signal)).rejects.toThrow(/sseError is for streams/)
    const lost: unknown[] = []
    const note = (error: unknown) => void lost.push(error)
    process.on('unhandledRejection', note)
    abort.abort()
    await new Promise(resolve => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(lost).toEqual([])
  })

  it('is silent until its caller goes away', async () => {
    const model = mockModel().hang()
    const abort = new AbortController()
    const answer = ask(model, {}, { signal: abort.signal })
    abort.abort()
    await expect(answer).rejects.toMatchObject({ upstream: { code: 'ABORTED' } })
    expect(model.requests[0]?.aborted).toBe(true)
  })

  it('is silent in the middle of a stream until its caller goes away', async () => {
    const abort = new AbortController()
    const reader = (await ask(mockModel().hang({ after: 1 }), { stream: true }, { signal: abort.signal })).body[Symbol.asyncIterator]()
    expect((await reader.next()).value).toContain('message_start')
    const second = reader.next()
    abort.abort()
    await expect(second).rejects.toMatchObject({ upstream: { code: 'ABORTED' } })
  })

  it('rejects what was aborted before, and counts it as never arrived', async () => {
    const model = mockModel({ otherwise: () => 'x' })
    await expect(ask(model, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ upstream: { code: 'ABORTED' } })
    expect(model.requests).toHaveLength(0)
  })

  it('loses an unread answer when its caller aborts', async () => {
    const abort = new AbortController()
    const reply = await ask(mockModel().reply('x'), { stream: true }, { signal: abort.signal })
    abort.abort()
    await expect(textOf(reply.body)).rejects.toMatchObject({ upstream: { code: 'ABORTED' } })
  })

  it('leaves no listener behind', async () => {
    const abort = new AbortController()
    const remove = jest.spyOn(abort.signal, 'removeEventListener')
    const add = jest.spyOn(abort.signal, 'addEventListener')
    const model = mockModel().reply('x').disconnect().fail({ status: 500 }).reply('left early')
    await textOf((await ask(model, {}, { signal: abort.signal })).body)
    await ask(model, {}, { signal: abort.signal }).catch(() => undefined)
    await textOf((await ask(model, {}, { signal: abort.signal })).body)
    for await (const _ of (await ask(model, { stream: true }, { signal: abort.signal })).body) break
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length)
    expect(model.requests.map(request => request.aborted)).toEqual([false, false, false, true])
  })

  describe('step by step', () => {
    it('hands out the next request, before it arrives or after', async () => {
      const model = mockModel()
      const first = model.next()
      const answers = [ask(model, { max_tokens: 1 }), ask(model, { max_tokens: 2 })]
      const pending = [await first, await model.next()]
      expect(pending.map(({ request }) => request.max_tokens)).toEqual([1, 2])
      for (const [n, each] of pending.entries()) each.reply(`answer ${n}`)
      const texts = await Promise.all(answers.map(async answer => JSON.parse(await textOf((await answer).body)).content[0].text))
      expect(texts).toEqual(['answer 0', 'answer 1'])
    })

    it('goes before the queue', async () => {
      const model = mockModel().reply('queued')
      const taken = model.next()
      void ask(model)
      await taken
      expect(model.queued).toBe(1)
    })

    it('answers a waiting request by what is queued later, unless it has gone', async () => {
      const model = mockModel()
      const abort = new AbortController()
      const gone = ask(model, {}, { signal: abort.signal })
      const waits = ask(model)
      abort.abort()
      await expect(gone).rejects.toBeInstanceOf(UpstreamError)
      model.reply('for the second')
      expect(await textOf((await waits).body)).toContain('for the second')
    })

    it('sends event by event and tells when the reader has left', async () => {
      const model = mockModel()
      const answer = ask(model, { stream: true })
      const pending = await model.next()
      pending.event({ type: 'ping' })
      const reader = (await answer).body[Symbol.asyncIterator]()
      expect((await reader.next()).value).toBe('event: ping\ndata: {"type":"ping"}\n\n')
      const second = reader.next()
      pending.event({ type: 'message_stop' })
      expect((await second).value).toContain('message_stop')
      await reader.return?.()
      await pending.closed
      expect(pending.aborted).toBe(true)
    })

    it('can break, cut or end what it began', async () => {
      const begun = async () => {
        const model = mockModel()
        const answer = ask(model, { stream: true })
        const pending = await model.next()
        pending.event({ type: 'ping' })
        return { pending, text: answer.then(reply => textOf(reply.body)) }
      }
      const [broken, cut, ended, failed] = [await begun(), await begun(), await begun(), await begun()]
      broken.pending.disconnect()
      cut.pending.cut()
      ended.pending.end()
      failed.pending.sseError({ type: 'api_error' })
      await expect(broken.text).rejects.toBeInstanceOf(UpstreamError)
      expect(await cut.text).toBe(await ended.text)
      expect(await failed.text).toContain('api_error')
    })

    it('refuses two answers, and events without a stream', async () => {
      const model = mockModel()
      void ask(model)
      const pending = await model.next()
      expect(() => pending.event({ type: 'ping' })).toThrow(TypeError)
      pending.reply('x')
      expect(() => pending.reply('y')).toThrow('answer each request once')
    })

    it('takes an answer that comes after the abort for nothing', async () => {
      const model = mockModel()
      const abort = new AbortController()
      const answer = ask(model, {}, { signal: abort.signal })
      const pending = await model.next()
      abort.abort()
      pending.reply('too late')
      await expect(answer).rejects.toBeInstanceOf(UpstreamError)
    })
  })

  describe('with a clock', () => {
    it('takes its time before the answer and between events', async () => {
      const clock = new VirtualClock()
      const model = mockModel({ clock }).reply({ text: 'abc', delayMs: 100, betweenMs: 10, ping: false })
      const at: number[] = []
      const read = ask(model, { stream: true }).then(async reply => {
        for await (const _ of reply.body) at.push(clock.monotonic())
      })
      await clock.run()
      await read
      expect(at).toEqual([100, 110, 120, 130, 140, 150])
    })

    it('sets no timer for who has gone', async () => {
      const clock = new VirtualClock()
      const model = mockModel({ clock }).reply({ text: 'abc', delayMs: 100 })
      const abort = new AbortController()
      const answer = ask(model, {}, { signal: abort.signal })
      expect(clock.pending).toBe(1)
      abort.abort()
      await expect(answer).rejects.toBeInstanceOf(UpstreamError)
      expect(clock.pending).toBe(0)
    })
  })

  it('counts tokens, and knows no other path', async () => {
    const model = mockModel()
    expect(JSON.parse(await textOf((await ask(model, {}, { path: '/v1/messages/count_tokens' })).body)).input_tokens).toBeGreaterThan(5)
    expect((await ask(model, {}, { path: '/v1/complete' })).status).toBe(404)
    expect(
      (await model.upstream({ method: 'POST', url: '/v1/messages', headers: {}, body: '{' }, new AbortController().signal)).status,
    ).toBe(400)
  })

  it('refuses a wrong script at once', () => {
    const model = mockModel()
    expect(() => model.reply({ txt: 'x' } as never)).toThrow('"txt"')
    expect(() => model.reply({ text: 'x', chunkChars: 0 })).toThrow(RangeError)
    expect(() => model.reply({ text: 'x', delayMs: 5 })).toThrow('clock')
    expect(() => model.reply({ text: 'x', delayMs: -5 })).toThrow(RangeError)
    expect(() => model.fail({ status: 200 })).toThrow(RangeError)
    expect(() => model.cut({ after: -1 })).toThrow(RangeError)
    expect(model.queued).toBe(0)
  })
})
