import { APIConnectionError } from '@anthropic-ai/sdk'
import { defineMiddleware } from '../../lib/core/define.js'
import { isOutriggerError, SigningError, UpstreamError } from '../../lib/core/errors.js'
import type { Context, Layer } from '../../lib/core/types.js'
import { withRetry } from '../../middleware/with-retry.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { ask, failure, type Mount, mounted, mounts, until, waiting } from './mounts.js'

const attempts = 3

const retryable = (error: unknown) => error instanceof UpstreamError && error.upstream.retryable === true

/** The smallest layer that tries again: no wait between attempts, or one that only a clock of a test ends. */
function again(wait: (ctx: Context) => Promise<void> = async () => {}): Layer {
  return defineMiddleware({ name: 'again', on: ['model'], reenters: true }, async (ctx, next) => {
    for (let n = 1; ; n++) {
      try {
        return await next()
      } catch (error) {
        if (n === attempts || !retryable(error)) throw error
        await wait(ctx)
      }
    }
  })
}

/** The layers that this table holds for. Each makes 3 attempts of what may be tried again. */
const retries: Record<string, () => Layer> = {
  'a small layer that tries again': () => again(),
  withRetry: () => withRetry({ attempts, baseDelayMs: 1, maxDelayMs: 2 }),
}

const hurry = { 'x-should-retry': 'true', 'retry-after-ms': '1' }

interface Row {
  readonly name: string
  readonly answer: Scripted
  readonly wire: number
}

const rows: Row[] = [
  ...[400, 401, 402, 403, 404, 413, 422].map(status => ({ name: `${status}`, answer: script.fail({ status, headers: hurry }), wire: 1 })),
  ...[408, 409, 429, 500, 502, 503, 504, 529].map(status => ({
    name: `${status}`,
    answer: script.fail({ status, headers: hurry }),
    wire: attempts,
  })),
  ...['enforced_spend_limit_reached', 'contract_spend_limit_reached', 'linked_organization_spend_limit_reached'].map(errorCode => ({
    name: `429 ${errorCode}`,
    answer: script.fail({ status: 429, errorCode, headers: hurry }),
    wire: 1,
  })),
  { name: 'an error page of a proxy', answer: script.html529(), wire: attempts },
  { name: 'a socket that is reset', answer: script.reset(), wire: attempts },
  { name: 'an early error event', answer: script.sseError(1), wire: attempts },
  { name: 'an error event within the stream', answer: script.sseError(4), wire: 1 },
  { name: 'a stream that is cut', answer: script.cut(5), wire: 1 },
  { name: 'a stream that is reset', answer: script.reset(5), wire: 1 },
]

let server: MessagesServer

afterEach(() => server.close())

describe('wire requests = configured attempts', () => {
  for (const [layer, make] of Object.entries(retries)) {
    describe.each(mounts)(`${layer} (%s)`, mount => {
      it.each(rows)('$name: $wire', async ({ answer, wire }) => {
        for (const maxRetries of [0, 2, 5]) {
          server = await startServer(answer)
          const { client, close } = await mounted(mount, server.url, { use: [make()], client: { maxRetries } })
          await failure(client.messages.stream(ask).finalMessage())
          expect({ maxRetries, wire: server.requests.length }).toEqual({ maxRetries, wire })
          await close()
          await server.close()
        }
      })

      it('whatever the call itself says', async () => {
        server = await startServer(script.overloaded(hurry))
        const { client, close } = await mounted(mount, server.url, { use: [make()] })
        await failure(client.messages.create(ask, { maxRetries: 4 }))
        expect(server.requests).toHaveLength(attempts)
        await close()
      })

      it('stops at the first that succeeds', async () => {
        server = await startServer([script.overloaded(hurry), script.sseError(2), script.text('at last')])
        const { client, close } = await mounted(mount, server.url, { use: [make()] })
        const message = await client.messages.stream(ask).finalMessage()
        expect(message.content).toMatchObject([{ text: 'at last' }])
        expect(server.requests.map(({ bodyText }) => bodyText)).toEqual(Array(3).fill(server.requests[0]!.bodyText))
        await close()
      })
    })
  }

  it.each(mounts)('without a layer that tries again: 1 (%s)', async mount => {
    server = await startServer(script.overloaded(hurry))
    const { client, close } = await mounted(mount, server.url, { client: { maxRetries: 3 } })
    await failure(client.messages.create(ask))
    expect(server.requests).toHaveLength(1)
    await close()
  })

  const lookalikes: Record<string, () => Error> = {
    'text of a time-out': () => new UpstreamError('it looks like a timed out connection', { code: 'ETIMEDOUT' }),
    'an abort for a cause': () => new SigningError('no record', {}, new DOMException('stop', 'AbortError')),
    'a lost connection for a cause': () => new SigningError('no record', {}, new APIConnectionError({ message: 'gone' })),
    'a time-out for a cause': () => new SigningError('no record', {}, new Error('socket timed out')),
    'no error of ours': () => new DOMException('stop', 'AbortError'),
  }

  describe.each(mounts)('a refusal of a layer (%s)', mount => {
    it.each(Object.entries(lookalikes))('with %s: none, and our error', async (_, make) => {
      server = await startServer(script.text('hello'))
      let runs = 0
      const refuse = async () => {
        runs++
        throw make()
      }
      const { client, close } = await mounted(mount, server.url, { use: [refuse], client: { maxRetries: 2 } })
      const error = await failure(client.messages.create(ask))
      expect(isOutriggerError(error)).toBe(true)
      expect({ runs, wire: server.requests.length }).toEqual({ runs: 1, wire: 0 })
      await close()
    })
  })
})

describe("the SDK's time-out", () => {
  const timeout = 40
  const spans: readonly Mount[] = ['claude', 'listen']

  it.each(spans)('that ends in a queue runs the chain once (%s)', async mount => {
    server = await startServer(script.text('hello'))
    const seen: unknown[] = []
    const queue = async (ctx: Context, next: () => Promise<void>) => {
      seen.push(ctx.id)
      await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason), { once: true }))
      await next()
    }
    const { client, close } = await mounted(mount, server.url, {
      use: [queue],
      client: { maxRetries: mount === 'claude' ? 2 : 0, timeout },
    })
    const error = await failure(client.messages.create(ask))
    expect(error.constructor.name).toBe('APIConnectionTimeoutError')
    expect(seen).toHaveLength(1)
    expect(server.requests).toHaveLength(0)
    await close()
  })

  it('that ends in back-off makes no further attempt', async () => {
    server = await startServer(script.overloaded())
    const clock = new VirtualClock()
    const backOff = (ctx: Context) => waiting(ctx, clock, 60_000)
    const { client, close } = await mounted('claude', server.url, { use: [again(backOff)], clock, client: { maxRetries: 2, timeout } })
    const error = await failure(client.messages.create(ask))
    expect(error.constructor.name).toBe('APIConnectionTimeoutError')
    expect(server.requests).toHaveLength(1)
    expect(clock.pending).toBe(0)
    await close()
  })

  it.each(mounts)('that ends while upstream is silent makes one request, and closes it (%s)', async mount => {
    server = await startServer(script.silent())
    const { client, close } = await mounted(mount, server.url, {
      use: [again()],
      client: { maxRetries: mount === 'listen' ? 0 : 2, timeout },
    })
    const error = await failure(client.messages.create(ask))
    expect(error.constructor.name).toBe(mount === 'middleware' ? 'DeadlineError' : 'APIConnectionTimeoutError')
    await until(() => server.requests.every(({ aborted }) => aborted), 'the end of the request')
    expect(server.requests).toHaveLength(1)
    await close()
  })

  it('does not span the chain as a middleware: the SDK starts it with the request', async () => {
    server = await startServer(script.text('hello'))
    let go!: () => void
    const queue = async (_: Context, next: () => Promise<void>) => {
      await new Promise<void>(resolve => {
        go = resolve
      })
      await next()
    }
    const { client, close } = await mounted('middleware', server.url, { use: [queue], client: { timeout } })
    const call = client.messages.create(ask)
    await new Promise(resolve => setTimeout(resolve, timeout * 2))
    go()
    expect((await call).content).toMatchObject([{ text: 'hello' }])
    await close()
  })
})
