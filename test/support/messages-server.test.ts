import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { type AimockAnswer, startAimock } from './aimock.js'
import { type MessagesServer, startServer } from './messages-server.js'
import { type Scripted, script } from './script.js'

const params = { model: 'claude-haiku-4-5', max_tokens: 50, messages: [{ role: 'user' as const, content: 'hi' }] }
const clientOf = (url: string, maxRetries = 0) => new Anthropic({ apiKey: 'key-of-test', baseURL: url, maxRetries })

const servers: { close(): Promise<void> }[] = []
const start = async (...scripted: Scripted[]) => {
  const server = await startServer(scripted)
  servers.push(server)
  return server
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

const streamOf = (server: MessagesServer) => clientOf(server.url).messages.stream(params)
const eventsOf = async (server: MessagesServer, seen: string[] = []) => {
  for await (const event of await clientOf(server.url).messages.create({ ...params, stream: true })) seen.push(event.type)
  return seen
}

describe.each([
  [
    'the messages server',
    async (answers: readonly AimockAnswer[]) => {
      const scripted = answers.map(answer => {
        if ('status' in answer) return script.fail({ status: answer.status })
        if ('text' in answer) return script.text(answer.text)
        const call = answer.tool as { name: string; input?: unknown }
        return script.tool(call.name, call.input)
      })
      const server = await start(...scripted)
      return { url: server.url, bodies: () => server.requests.map(({ bodyText }) => JSON.parse(bodyText)) }
    },
  ],
  [
    'aimock',
    async (answers: readonly AimockAnswer[]) => {
      const server = await startAimock(answers, { chunkSize: 3 })
      servers.push(server)
      return { url: server.url, bodies: () => server.requests().map(({ body }) => body) }
    },
  ],
])('a bare SDK client on %s', (_name, begin) => {
  it('creates and streams', async () => {
    const { url, bodies } = await begin([{ text: 'hello there' }, { text: 'hello again' }])
    const client = clientOf(url)
    expect((await client.messages.create(params)).content).toMatchObject([{ type: 'text', text: 'hello there' }])
    const stream = client.messages.stream(params)
    let deltas = 0
    stream.on('text', () => deltas++)
    expect(await stream.finalText()).toBe('hello again')
    expect(deltas).toBeGreaterThan(0)
    expect(bodies()).toHaveLength(2)
  })

  it('retries a 529', async () => {
    const { url, bodies } = await begin([{ status: 529 }, { text: 'after all' }])
    const client = clientOf(url, 1)
    expect((await client.messages.create(params)).content).toMatchObject([{ text: 'after all' }])
    expect(bodies()).toHaveLength(2)
  })

  it.each([false, true])('runs tools over two turns of a thread, stream: %s', async stream => {
    const { url, bodies } = await begin([{ tool: { name: 'add', input: { a: 1, b: 2 } } }, { text: 'three' }])
    const ran: unknown[] = []
    const add = betaTool({
      name: 'add',
      description: 'adds',
      inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] },
      run: ({ a, b }) => {
        ran.push([a, b])
        return String(a + b)
      },
    })
    const final = await clientOf(url)
      .beta.messages.toolRunner({ ...params, tools: [add], stream })
      .runUntilDone()
    expect(final.content).toMatchObject([{ type: 'text', text: 'three' }])
    expect(ran).toEqual([[1, 2]])
    expect(bodies()).toHaveLength(2)
  })
})

describe('startServer', () => {
  it('sends the second turn of a thread with the new message only', async () => {
    const server = await start(script.tool('now', {}, { toolUseId: 'toolu_1' }), script.text('noon'))
    const now = betaTool({ name: 'now', description: 'time', inputSchema: { type: 'object', properties: {} }, run: () => '12:00' })
    await clientOf(server.url)
      .beta.messages.toolRunner({ ...params, tools: [now] })
      .runUntilDone()
    const second = JSON.parse(server.requests[1]!.bodyText)
    expect(second.thread).toEqual({ type: 'continue', previous_message_id: 'msg_mock_1' })
    expect(second.messages).toMatchObject([{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] }])
  })

  it('records requests, credentials, counts and sockets', async () => {
    const server = await start(script.text('a'))
    const client = clientOf(server.url)
    await client.messages.create(params)
    await client.messages.countTokens({ model: params.model, messages: params.messages })
    await client.models.retrieve('claude-haiku-4-5')
    expect((await client.models.list()).data).toHaveLength(2)
    await expect(client.models.retrieve('none')).rejects.toMatchObject({ status: 404 })
    expect(server.counts).toEqual({
      '/v1/messages': 1,
      '/v1/messages/count_tokens': 1,
      '/v1/models/claude-haiku-4-5': 1,
      '/v1/models': 1,
      '/v1/models/none': 1,
    })
    expect(server.requests[0]).toMatchObject({ method: 'POST', path: '/v1/messages', aborted: false })
    expect(JSON.parse(server.requests[0]!.bodyText)).toEqual(params)
    expect([...server.credentials()].join()).toContain('key-of-test')
    expect(server.openSockets).toBeGreaterThan(0)
  })

  it('counts usage by its own rule', async () => {
    const server = await startServer(script.text('a'), { usageFor: text => ({ input_tokens: text.length, output_tokens: 77 }) })
    servers.push(server)
    const client = clientOf(server.url)
    const { usage } = await client.messages.stream(params).finalMessage()
    expect(usage).toMatchObject({ input_tokens: server.requests[0]!.bodyText.length, output_tokens: 77 })
    const counted = await client.messages.countTokens({ model: params.model, messages: params.messages })
    expect(counted.input_tokens).toBe(server.requests[1]!.bodyText.length)
  })

  it('answers 500 when the script has ended', async () => {
    await expect(clientOf((await start()).url).messages.create(params)).rejects.toMatchObject({ status: 500 })
  })

  it('gives errors with body and headers', async () => {
    const server = await start(
      script.fail({ status: 429, errorCode: 'contract_spend_limit_reached', headers: { 'retry-after': '7', 'x-should-retry': 'false' } }),
    )
    const error = await clientOf(server.url, 2)
      .messages.create(params)
      .catch(e => e)
    expect(error).toMatchObject({
      status: 429,
      type: 'rate_limit_error',
      requestID: 'req_test_1',
      error: { error: { details: { error_code: 'contract_spend_limit_reached' } } },
    })
    expect(error.headers.get('retry-after')).toBe('7')
    expect(server.requests).toHaveLength(1)
  })

  it('gives bodies that cannot be read', async () => {
    const server = await start(script.html529(), script.garbage(), script.truncatedGzip())
    const client = clientOf(server.url)
    await expect(client.messages.create(params)).rejects.toMatchObject({ status: 529 })
    await expect(client.messages.create(params)).rejects.toMatchObject({ name: 'SyntaxError' })
    await expect(client.messages.create(params)).rejects.toThrow()
  })

  it('resets before the head and in the middle', async () => {
    const server = await start(script.reset(), script.reset(3), script.reset(0))
    await expect(clientOf(server.url).messages.create(params)).rejects.toBeInstanceOf(Anthropic.APIConnectionError)
    const seen: string[] = []
    await expect(eventsOf(server, seen)).rejects.toThrow('terminated')
    expect(seen).toEqual(['message_start', 'content_block_start'])
    await expect(clientOf(server.url).messages.create(params)).rejects.toThrow()
    expect(server.requests.map(({ aborted }) => aborted)).toEqual([false, false, false])
  })

  it('cuts a stream, which the SDK does not notice', async () => {
    expect(await eventsOf(await start(script.cut(3)))).toEqual(['message_start', 'content_block_start'])
  })

  it('sends an error event in the stream', async () => {
    await expect(streamOf(await start(script.sseError(4, 'api_error'))).finalMessage()).rejects.toMatchObject({ type: 'api_error' })
  })

  it.each([
    ['silent', script.silent()],
    ['stalled', script.stall(2)],
  ])('stays %s until the client leaves, and knows that it left', async (_name, scripted) => {
    const server = await start(scripted)
    const abort = new AbortController()
    const failed = clientOf(server.url)
      .messages.stream(params, { signal: abort.signal })
      .finalMessage()
      .catch(error => error)
    while (server.requests.length === 0) await new Promise(setImmediate)
    abort.abort()
    expect(await failed).toBeInstanceOf(Anthropic.APIUserAbortError)
    while (!server.requests[0]!.aborted) await new Promise(setImmediate)
  })

  it('waits at gates', async () => {
    let openHead = () => {}
    let openChunk = () => {}
    const head = new Promise<void>(resolve => {
      openHead = resolve
    })
    const third = new Promise<void>(resolve => {
      openChunk = resolve
    })
    const server = await start(script.gated(script.text('abc', { ping: false }), { head, chunks: { 2: third } }))
    const stream = streamOf(server)
    const seen: string[] = []
    let twoCame = () => {}
    const two = new Promise<void>(resolve => {
      twoCame = resolve
    })
    stream.on('streamEvent', ({ type }) => {
      if (seen.push(type) === 2) twoCame()
    })
    while (server.requests.length === 0) await new Promise(setImmediate)
    expect(seen).toEqual([])
    openHead()
    await two
    expect(seen).toEqual(['message_start', 'content_block_start'])
    openChunk()
    expect(await stream.finalText()).toBe('abc')
  })

  it('sends exactly the given events', async () => {
    const server = await start(script.events([{ type: 'ping' }, ': note\n\n', { type: 'message_stop' }]))
    const response = await fetch(`${server.url}/v1/messages`, { method: 'POST', body: '{}' })
    expect(await response.text()).toBe(
      'event: ping\ndata: {"type":"ping"}\n\n: note\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    )
  })
})
