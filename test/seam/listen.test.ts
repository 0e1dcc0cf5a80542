import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import { BudgetExceededError, isOutriggerError, ViolationError } from '../../lib/core/errors.js'
import type { LayerInput, Outcome } from '../../lib/core/types.js'
import type { Base } from '../../lib/sidecar/types.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { ask, bareClient, failure, key, runnable, sidecarFor, until } from './mounts.js'

let server: MessagesServer
let sidecar: Base
let baseURL: string
let token: string

async function start(answer: Scripted | readonly Scripted[], use: readonly LayerInput[] = []): Promise<Anthropic> {
  server = await startServer(answer)
  sidecar = sidecarFor(server.url, { use })
  ;({ baseURL, token } = await sidecar.listen())
  return bareClient(baseURL, { apiKey: token, maxRetries: 2 })
}

afterEach(async () => {
  await sidecar.close({ drainMs: 1 })
  await server.close()
})

const post = (headers: Record<string, string>, body: string = JSON.stringify(ask)) =>
  fetch(`${baseURL}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })

describe('listen()', () => {
  it('cuts off a client that does not read for idleMs', async () => {
    const clock = new VirtualClock()
    server = await startServer(script.text('x'.repeat(12_000_000), { chunkChars: 100_000 }))
    sidecar = sidecarFor(server.url, { clock, claude: { idleMs: 60_000 } })
    ;({ baseURL, token } = await sidecar.listen())
    const body = JSON.stringify({ ...ask, stream: true })
    const request = httpRequest(`${baseURL}/v1/messages`, { method: 'POST', headers: { 'x-api-key': token } }).end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.pause()
    await until(() => clock.pending > 0, 'the full socket')
    await clock.advance(60_000)
    const [error] = await Promise.all([once(response.resume(), 'error')])
    expect(error).toMatchObject([{ code: 'ECONNRESET' }])
    expect(clock.pending).toBe(0)
  })

  describe('the token', () => {
    it('opens as x-api-key, as a bearer, and as both', async () => {
      await start(script.text('hello'))
      for (const headers of [
        { 'x-api-key': token },
        { authorization: `Bearer ${token}` },
        { authorization: `bearer ${token}`, 'x-api-key': token },
      ] as Record<string, string>[]) {
        expect((await post(headers)).status).toBe(200)
      }
      expect(server.credentials()).toEqual(new Set([`Bearer ${key}`]))
    })

    it('is needed, alone', async () => {
      await start(script.text('hello'))
      const wrong: Record<string, string>[] = [
        {},
        { 'x-api-key': '' },
        { 'x-api-key': `${token}x` },
        { 'x-api-key': key },
        { authorization: `Basic ${token}` },
        { 'x-api-key': token, authorization: 'Bearer other' },
        { 'x-api-key': 'other', authorization: `Bearer ${token}` },
      ]
      for (const headers of wrong) {
        const response = await post(headers)
        expect([headers, response.status]).toEqual([headers, 401])
        if (JSON.stringify(headers).includes('other')) expect(await response.clone().text()).toContain('a second credential')
        expect(response.headers.get('x-should-retry')).toBe('false')
        expect(await response.json()).toMatchObject({
          type: 'error',
          error: { type: 'authentication_error', details: { error_code: 'ERR_CONFIG' } },
        })
      }
      expect(server.requests).toHaveLength(0)
    })

    it('is another for each port, and never the key', async () => {
      await start(script.text('hello'))
      const other = await sidecar.listen()
      expect(other.token).not.toBe(token)
      expect(other.baseURL).not.toBe(baseURL)
      expect(token).toMatch(/^outrigger-[\w-]{32}$/)
    })
  })

  it('is on loopback, and ends with the sidecar', async () => {
    const client = await start(script.text('hello'))
    expect(new URL(baseURL).hostname).toBe('127.0.0.1')
    await sidecar.close({ drainMs: 1 })
    expect(await failure(client.messages.create(ask, { maxRetries: 0 }))).toBeInstanceOf(Anthropic.APIConnectionError)
  })

  it.each<[object, RegExp]>([
    [{ porrt: 1 }, /listen: unknown option "porrt"; known are host, port, hosts, maxBodyBytes, /],
    [{ port: 65_536 }, /listen: port must be from 0 to 65535, got 65536/],
    [{ maxBodyBytes: 0 }, /listen: maxBodyBytes must be a whole number from 1 to \d+, got 0/],
  ])('refuses %j', async (options, message) => {
    await start(script.text('hello'))
    await expect(sidecar.listen(options as never)).rejects.toThrow(message)
  })

  it('answers HEAD, as agents that look first expect', async () => {
    await start(script.text('hello'))
    expect((await fetch(baseURL, { method: 'HEAD' })).status).toBe(200)
    expect(server.requests).toHaveLength(0)
  })

  it('works with the bare SDK: create, stream, tool runner, models', async () => {
    const client = await start([
      script.text('one'),
      script.text('two'),
      script.tool('distance', {}, { toolUseId: 'toolu_1' }),
      script.text('three'),
    ])
    expect(await client.messages.create(ask)).toMatchObject({ content: [{ text: 'one' }] })
    expect(await client.messages.stream(ask).finalMessage()).toMatchObject({ content: [{ text: 'two' }] })
    const tool = runnable('distance', 'two miles')
    expect(await client.beta.messages.toolRunner({ ...ask, stream: true, tools: [tool] })).toMatchObject({ content: [{ text: 'three' }] })
    expect((await client.models.list()).data).not.toHaveLength(0)
    expect(server.credentials()).toEqual(new Set([`Bearer ${key}`]))
  })

  it("gives errors in Anthropic's shape, with our code", async () => {
    const refusals = [
      new ViolationError({ ruleId: 'no', details: 'because' }),
      new BudgetExceededError({ unit: 'tokens', needed: 5, remaining: 1, allocated: 9, spent: 8, account: 'a' }),
    ]
    const client = await start(script.text('hello'), [
      async () => {
        throw refusals.shift()
      },
    ])
    const violation = await failure(client.messages.create(ask))
    expect(violation).toBeInstanceOf(Anthropic.BadRequestError)
    expect(violation).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      errorCode: 'ERR_VIOLATION',
      details: { ruleId: 'no', error_code: 'ERR_VIOLATION' },
    })
    const budget = await failure(client.messages.create(ask))
    expect(budget).toMatchObject({ status: 402, type: 'billing_error', errorCode: 'ERR_BUDGET' })
    expect(isOutriggerError(budget, 'ERR_BUDGET')).toBe(true)
    expect(server.requests).toHaveLength(0)
  })

  it('shows no text of an error that is not ours', async () => {
    const client = await start(script.text('hello'), [
      async () => {
        throw new Error('the secret of the layer')
      },
    ])
    const error = await failure(client.messages.create(ask))
    expect(error).toMatchObject({ status: 500, errorCode: 'ERR_LAYER' })
    expect(JSON.stringify(error.error) + error.message).not.toContain('the secret')
  })

  it('refuses what is no request: 400', async () => {
    await start(script.text('hello'))
    for (const body of ['', 'hello', '[]', '{}', '{"model":5}']) {
      const response = await post({ 'x-api-key': token }, body)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', details: { error_code: 'ERR_CONFIG' } } })
    }
    expect(server.requests).toHaveLength(0)
  })

  it('refuses a body that is too long: 413, and says so', async () => {
    await start(script.text('hello'))
    const small = await sidecar.listen({ maxBodyBytes: 1_000 })
    const body = JSON.stringify({ ...ask, system: 'x'.repeat(500_000) })
    const response = await fetch(`${small.baseURL}/v1/messages`, { method: 'POST', headers: { 'x-api-key': small.token }, body })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: { type: 'request_too_large' } })
    expect(server.requests).toHaveLength(0)
  })

  it('ends a stream that fails with an error event', async () => {
    await start(script.cut(5))
    const response = await post({ 'x-api-key': token }, JSON.stringify({ ...ask, stream: true }))
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(text).toMatch(
      /event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"[^"]*","details":\{"events":5,"error_code":"ERR_TRUNCATED"\}\}\}\n\n$/,
    )
  })

  it('aborts upstream when the client goes', async () => {
    const ended: Outcome[] = []
    await start(script.silent(), [
      async (ctx, next) => {
        await next().finally(() => ended.push(ctx.outcome!))
      },
    ])
    const call = httpRequest(`${baseURL}/v1/messages`, { method: 'POST', headers: { 'x-api-key': token } })
    call.on('error', () => {})
    call.end(JSON.stringify(ask))
    await until(() => server.requests.length === 1)
    call.destroy()
    await until(() => server.requests[0]!.aborted, 'the end of the request')
    expect(ended).toMatchObject([{ status: 'aborted', sent: true }])
  })

  it('ends with an error event what is reaped', async () => {
    const client = await start(script.stall(5))
    const error = await failure(
      (async () => {
        for await (const event of await client.messages.create({ ...ask, stream: true }))
          if (event.type === 'content_block_delta') sidecar.reap('enough')
      })(),
    )
    expect(error).toMatchObject({ errorCode: 'ERR_REAPED' })
  })
})

it('opens no port of a sidecar that has ended', async () => {
  await start(script.text('hello'))
  await sidecar.close()
  expect(await failure(sidecar.listen())).toMatchObject({ code: 'ERR_REAPED' })
})
