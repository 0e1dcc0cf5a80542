import type Anthropic from '@anthropic-ai/sdk'
import { defineMiddleware } from '../../lib/core/define.js'
import { ViolationError } from '../../lib/core/errors.js'
import type { Attempt, Context, LayerInput, TokenUsage } from '../../lib/core/types.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { ask, failure, gate, mounted, type Mounted, until, waiting } from './mounts.js'

/** What the server counts: the most that the answer can come to is billed, whether it was read or not. */
const billed = { input_tokens: 23, output_tokens: 60 }
const request = { ...ask, max_tokens: 4_000 }

let server: MessagesServer
let clock: VirtualClock
let own: Mounted
let ended: { usage: TokenUsage; attempts: readonly Attempt[] }[]
/** As subscribers of the sidecar hear of them. */
let archived: Attempt[]

async function note(ctx: Context, next: () => Promise<void>): Promise<void> {
  await next().finally(() => ended.push({ usage: ctx.usage, attempts: [...ctx.attempts] }))
}

const again = defineMiddleware({ name: 'again', on: ['model'], reenters: true }, async (ctx, next) => {
  for (let n = 1; ; n++) {
    try {
      return await next()
    } catch (error) {
      if (n === 3 || ctx.signal.aborted) throw error
      await waiting(ctx, clock, 1_000)
    }
  }
})

async function start(answer: Scripted | readonly Scripted[], use: readonly LayerInput[] = []): Promise<Anthropic> {
  clock = new VirtualClock()
  ended = []
  archived = []
  server = await startServer(answer, { usageFor: () => billed })
  own = await mounted('claude', server.url, { use: [note, ...use], clock, client: { maxRetries: 0 } })
  own.sidecar.subscribe(event => {
    if (event.type === 'attempt.ended') archived.push(event.attempt)
  })
  return own.client
}

const all = async (client: Anthropic, more: object = {}) => {
  for await (const _ of await client.messages.create({ ...request, ...more, stream: true })) {
    // Only read.
  }
}

const total = ({ input, output, cacheRead, cacheWrite5m, cacheWrite1h }: TokenUsage) => ({
  input: input + cacheRead + cacheWrite5m + cacheWrite1h,
  output,
})

function covers(
  usage: TokenUsage,
  bill: { input: number; output: number } = { input: billed.input_tokens, output: billed.output_tokens },
): void {
  expect(total(usage).input).toBeGreaterThanOrEqual(bill.input)
  expect(total(usage).output).toBeGreaterThanOrEqual(bill.output)
}

afterEach(async () => {
  expect(clock.pending).toBe(0)
  expect(own.sidecar.snapshot()).toMatchObject({ inFlight: 0 })
  await own.close()
  await server.close()
})

const measured = { input: 23, output: 60, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, certainty: 'measured' }
const nothing = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, certainty: 'measured' }

describe('usage on every exit', () => {
  it.each([true, false])('done: as measured (streamed: %s)', async stream => {
    const client = await start(script.reply({ text: 'Two miles.', usage: { cache_read_input_tokens: 5 } }))
    if (stream) await all(client)
    else await client.messages.create(request)
    await until(() => ended.length === 1)
    expect(ended[0]!.usage).toEqual({ ...measured, cacheRead: 5 })
    expect(archived).toMatchObject([{ n: 1, outcome: { status: 'done', sent: true }, usage: { certainty: 'measured' } }])
    expect(archived[0]!.nanoUsd).toBeGreaterThan(0)
    expect(own.sidecar.tokenUsage).toEqual({ ...measured, cacheRead: 5 })
  })

  it('done, held up by a slow layer behind it: still as measured', async () => {
    const wait = gate()
    const client = await start(script.text('Two miles.'), [
      async (_, next) => {
        await next()
        await wait.opened
      },
    ])
    const call = client.messages.create(request)
    wait.open()
    await call
    expect(ended[0]!.usage).toEqual(measured)
  })

  it('an error answer: nothing, and that is certain', async () => {
    const client = await start(script.overloaded())
    await failure(client.messages.create(request))
    expect(ended[0]!.usage).toEqual(nothing)
    expect(archived).toMatchObject([{ outcome: { status: 'error', sent: true }, usage: nothing, nanoUsd: 0 }])
  })

  it('a server error: only the provider knows, so the most that it can be', async () => {
    const client = await start(script.fail({ status: 500 }))
    await failure(client.messages.create(request))
    expect(ended[0]!.usage.certainty).toBe('unknown')
    covers(ended[0]!.usage, { input: billed.input_tokens, output: 4_000 })
  })

  it('a refusal: nothing, and nothing was sent', async () => {
    const client = await start(script.text('hello'), [
      async () => {
        throw new ViolationError({ ruleId: 'no' })
      },
    ])
    await failure(client.messages.create(request))
    expect(ended[0]!.usage).toEqual(nothing)
    expect(archived).toMatchObject([{ outcome: { status: 'refused', sent: false }, usage: nothing, nanoUsd: 0 }])
    expect(own.sidecar.tokenUsage).toEqual(nothing)
    expect(server.requests).toHaveLength(0)
  })

  it.each([true, false])('a refusal of what came: charged as measured (streamed: %s)', async stream => {
    const client = await start(script.text('hello'), [
      async (_, next) => {
        await next()
        throw new ViolationError({ ruleId: 'late' })
      },
    ])
    await failure(stream ? all(client) : client.messages.create(request))
    expect(own.sidecar.tokenUsage).toEqual(measured)
  })

  it('a tap that stops the stream: what came, and a margin', async () => {
    const client = await start(script.text('A text of some length that is stopped soon.'), [
      async (ctx, next) => {
        ctx.tap({
          event(event, push) {
            if ((event as { type: string }).type === 'content_block_delta') throw new ViolationError({ ruleId: 'words' })
            push(event)
          },
        })
        await next()
      },
    ])
    await failure(all(client))
    expect(own.sidecar.tokenUsage).toMatchObject({ input: 23, certainty: 'estimated' })
    covers(own.sidecar.tokenUsage)
  })

  it('an abort in a queue: nothing', async () => {
    const abort = new AbortController()
    const client = await start(script.text('hello'), [
      async (ctx, next) => {
        setImmediate(() => abort.abort())
        await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason), { once: true }))
        await next()
      },
    ])
    await failure(client.messages.create(request, { signal: abort.signal }))
    expect(ended[0]!.usage).toEqual(nothing)
    expect(server.requests).toHaveLength(0)
  })

  it('an abort in back-off: the attempts before it', async () => {
    const abort = new AbortController()
    const client = await start([script.cut(0), script.text('never')], [again])
    const call = failure(client.messages.create(request, { signal: abort.signal }))
    await until(() => clock.pending === 1, 'the back-off')
    abort.abort()
    await call
    expect(ended[0]!.attempts).toHaveLength(1)
    expect(ended[0]!.usage.certainty).toBe('unknown')
    covers(ended[0]!.usage)
  })

  it.each([true, false])('an abort before the first byte: the whole hold (streamed: %s)', async stream => {
    const abort = new AbortController()
    const client = await start(script.silent())
    const call = failure(client.messages.create({ ...request, stream }, { signal: abort.signal }))
    await until(() => server.requests.length === 1)
    await clock.advance(stream ? 60_000 : 1)
    abort.abort()
    await call
    await until(() => ended.length === 1)
    expect(archived).toMatchObject([{ outcome: { status: 'aborted', sent: true }, usage: { certainty: 'estimated' } }])
    covers(ended[0]!.usage, { input: billed.input_tokens, output: 4_000 })
  })

  it('an abort within a stream: measured input, what was seen and a margin', async () => {
    const client = await start(script.stall(6))
    for await (const event of await client.messages.create({ ...request, stream: true })) if (event.type === 'content_block_delta') break
    await until(() => ended.length === 1)
    expect(ended[0]!.usage).toMatchObject({ input: 23, certainty: 'estimated' })
    covers(ended[0]!.usage)
    expect(ended[0]!.usage.output).toBeLessThan(4_000)
  })

  it('an abort of a stream that was silent for long: the model may have gone on, so all of max_tokens', async () => {
    const abort = new AbortController()
    const client = await start(script.stall(6))
    const call = failure(
      (async () => {
        for await (const event of await client.messages.create({ ...request, stream: true }, { signal: abort.signal })) {
          if (event.type !== 'content_block_delta') continue
          await clock.advance(30_000)
          abort.abort()
        }
        throw new Error('as the bare SDK: silence')
      })(),
    )
    await call
    await until(() => ended.length === 1)
    expect(ended[0]!.usage).toMatchObject({ input: 23, output: 4_000, certainty: 'estimated' })
  })

  it('a reader that held the stream back for long: likewise', async () => {
    const client = await start(script.reply({ text: 'x'.repeat(200), chunkChars: 1 }))
    const stream = await client.messages.create({ ...request, stream: true })
    await until(() => clock.pending === 1, 'the full pipe')
    await clock.advance(30_000)
    for await (const _ of stream) break
    await until(() => ended.length === 1)
    expect(ended[0]!.usage).toMatchObject({ input: 23, output: 4_000, certainty: 'estimated' })
  })

  it('a stream that is cut: never below the bill', async () => {
    const client = await start(script.cut(6))
    await failure(all(client))
    expect(archived).toMatchObject([{ outcome: { status: 'truncated' }, usage: { input: 23, certainty: 'estimated' } }])
    covers(ended[0]!.usage)
  })

  it('a stream that is cut while it thinks or writes the input of a tool: all of max_tokens', async () => {
    const client = await start(script.cut(3, { toolUse: { name: 'Bash', input: { command: 'ls' } }, ping: false }))
    await failure(all(client))
    expect(ended[0]!.usage.output).toBe(4_000)
  })

  it('a lost answer: unknown, never zero', async () => {
    const client = await start(script.reset())
    await failure(client.messages.create(request))
    expect(ended[0]!.usage.certainty).toBe('unknown')
    covers(ended[0]!.usage, { input: billed.input_tokens, output: 4_000 })
  })

  it('every attempt by itself, and their sum outside', async () => {
    const client = await start([script.overloaded(), script.sseError(2), script.text('hello')], [again])
    const call = all(client)
    for (const wire of [1, 2]) {
      await until(() => server.requests.length === wire && clock.pending === 1, 'the back-off')
      await clock.advance(1_000)
    }
    await call
    const [{ attempts, usage }] = ended as [(typeof ended)[number]]
    expect(attempts.map(({ n, outcome, usage }) => [n, outcome.status, usage.certainty])).toEqual([
      [1, 'error', 'measured'],
      [2, 'error', 'estimated'],
      [3, 'done', 'measured'],
    ])
    expect(attempts[0]!.usage).toEqual(nothing)
    expect(attempts[1]!.usage.input).toBe(23)
    expect(attempts[2]!.usage).toEqual(measured)
    expect(total(usage)).toEqual({ input: 46, output: attempts[1]!.usage.output + 60 })
  })
})
