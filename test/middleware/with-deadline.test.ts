import {
  type Agent,
  type Attempt,
  type Call,
  createSidecar,
  DeadlineError,
  defineMiddleware,
  findOutriggerError,
  type LayerInput,
} from 'outrigger'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget, withDeadline, type WithDeadlineOptions, withRetry } from 'outrigger/middleware'
import { mockModel, type Pending, VirtualClock } from 'outrigger/testing'
import { asking, endings, fixed, streaming, turns } from './stack.js'

const usage = { input_tokens: 3, output_tokens: 7 }
const judge = defineMiddleware({ name: 'withJudge', on: ['model'] }, async (ctx, next) => {
  ctx.tap({ toolUse: () => {} })
  await next()
})

function mounted(
  options: WithDeadlineOptions,
  more: { agent?: Agent<string, unknown, unknown>; outside?: readonly LayerInput[]; inside?: readonly LayerInput[] } = {},
) {
  const clock = new VirtualClock()
  const mock = mockModel({ clock })
  const sidecar = createSidecar({
    agent: more.agent ?? asking(),
    use: [...(more.outside ?? []), withDeadline(options), ...(more.inside ?? [])] as readonly LayerInput[],
    claude: { upstream: mock.upstream },
    clock,
  })
  const attempts: Attempt[] = []
  sidecar.subscribe(event => event.type === 'attempt.ended' && event.kind === 'model' && attempts.push(event.attempt))
  return { sidecar, mock, clock, attempts }
}

type Mounted = ReturnType<typeof mounted>

/** Starts a send, and says when it ended and with what. */
function started({ sidecar, clock }: Mounted): { ms?: number; reply?: unknown; error?: unknown } {
  const ended: { ms?: number; reply?: unknown; error?: unknown } = {}
  const at = (outcome: object) => Object.assign(ended, outcome, { ms: clock.monotonic() })
  sidecar.send('go').then(
    reply => at({ reply }),
    error => at({ error: findOutriggerError(error) ?? error }),
  )
  return ended
}

const passed = (deadline: string, ms: number) => expect.objectContaining({ name: 'DeadlineError', code: 'ERR_DEADLINE', deadline, ms })

/** Sends the beginning of a streamed message. */
function begin(pending: Pending): void {
  pending.event({
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-fixed',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 1 },
    },
  } as never)
}

const opens = (pending: Pending) => pending.event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
const says = (pending: Pending) => pending.event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'word ' } })
const pings = (pending: Pending) => pending.event({ type: 'ping' } as never)

function finish(pending: Pending): void {
  pending.event({ type: 'content_block_stop', index: 0 })
  pending.event({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } } as never)
  pending.event({ type: 'message_stop' })
  pending.end()
}

/** Sends something every `ms`, `times` times. */
async function every(clock: VirtualClock, ms: number, times: number, send: () => void): Promise<void> {
  for (let i = 0; i < times; i++) {
    await clock.advance(ms)
    send()
  }
  await clock.advance(0)
}

describe('withDeadline', () => {
  describe('options', () => {
    const bad: readonly (readonly [string, unknown, RegExp])[] = [
      ['null', null, /must be an object/],
      ['nothing', {}, /at least one of firstTokenMs, idleMs and totalMs/],
      ['nothing that is set', { idleMs: undefined }, /at least one/],
      ['an unknown option', { total: 3 }, /unknown option "total"/],
      ['0', { totalMs: 0 }, /totalMs of a send must be milliseconds above 0, got 0/],
      ['a negative time', { idleMs: -1 }, /idleMs .* got -1/],
      ['NaN', { firstTokenMs: Number.NaN }, /firstTokenMs .* got NaN/],
      ['an endless time', { totalMs: Number.POSITIVE_INFINITY }, /got Infinity/],
      ['a text', { totalMs: '30s' }, /got "30s"/],
      ['null as a time', { totalMs: null }, /got null/],
      ['no kind', { totalMs: {} }, /at least one/],
      ['an unknown kind', { totalMs: { spawn: 1 } }, /unknown kind in totalMs "spawn"; known are send, model, tool/],
      ['a wrong time of one kind', { totalMs: { model: 0 } }, /totalMs of a model must .* got 0/],
    ]

    it.each(bad)('refuse %s at once', (_, options, message) => {
      const make = () => withDeadline(options as WithDeadlineOptions)
      expect(make).toThrow(message)
      expect(make).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(TypeError|RangeError)$/) }))
    })

    it('in effect are in explain()', () => {
      expect(mounted({ idleMs: 30_000 }).sidecar.explain()).toMatch(/withDeadline.*idleMs.*30000/)
    })
  })

  describe('firstTokenMs', () => {
    it('ends a request that is not answered', async () => {
      const stack = mounted({ firstTokenMs: 1000 })
      stack.mock.hang()
      const ended = started(stack)
      await stack.clock.advance(999)
      expect(ended).toEqual({})
      await stack.clock.advance(1)
      expect(ended).toEqual({ ms: 1000, error: passed('first token', 1000) })
      expect(stack.mock.requests[0]!.aborted).toBe(true)
      expect(stack.clock.pending).toBe(0)
      expect(stack.attempts.map(({ outcome }) => outcome)).toMatchObject([
        { status: 'aborted', sent: true, error: passed('first token', 1000) },
      ])
    })

    it('is not kept by a message that begins, nor by pings', async () => {
      const stack = mounted({ firstTokenMs: 1000 }, { agent: streaming() })
      const ended = started(stack)
      const pending = await stack.mock.next()
      begin(pending)
      await every(stack.clock, 100, 10, () => pings(pending))
      expect(ended).toEqual({ ms: 1000, error: passed('first token', 1000) })
    })

    it('is kept by the first block', async () => {
      const stack = mounted({ firstTokenMs: 1000 }, { agent: streaming() })
      const ended = started(stack)
      const pending = await stack.mock.next()
      await stack.clock.advance(999)
      begin(pending)
      opens(pending)
      await stack.clock.advance(600_000)
      finish(pending)
      await stack.clock.advance(0)
      expect(ended).toMatchObject({ reply: 7 })
      expect(stack.clock.pending).toBe(0)
    })

    it('is for the whole answer where it is not streamed', async () => {
      const stack = mounted({ firstTokenMs: 1000 })
      stack.mock.reply({ text: 'late', usage, delayMs: 1001 })
      const ended = started(stack)
      await stack.clock.run()
      expect(ended).toEqual({ ms: 1000, error: passed('first token', 1000) })
    })

    it('does not count the time before the request leaves', async () => {
      const clocks: VirtualClock[] = []
      const slow = async (_: unknown, next: () => Promise<void>) => {
        await new Promise<void>(resolve => void clocks[0]!.after(5000, resolve))
        await next()
      }
      const stack = mounted({ firstTokenMs: 1000 }, { inside: [defineMiddleware({ name: 'withSleep', on: ['model'] }, slow)] })
      clocks.push(stack.clock)
      stack.mock.reply({ text: 'done', usage, delayMs: 900 })
      const ended = started(stack)
      await stack.clock.run()
      expect(ended).toEqual({ ms: 5900, reply: 7 })
    })
  })

  describe('idleMs', () => {
    it('lets a long answer pass that makes progress (H01)', async () => {
      const stack = mounted({ idleMs: 1000 }, { agent: streaming() })
      const ended = started(stack)
      const pending = await stack.mock.next()
      begin(pending)
      opens(pending)
      await every(stack.clock, 999, 1800, () => says(pending))
      finish(pending)
      await stack.clock.advance(0)
      expect(ended).toMatchObject({ reply: 7, ms: 1800 * 999 })
      expect(stack.clock.pending).toBe(0)
    })

    it.each<[string, boolean]>([
      ['from the start', false],
      ['after content', true],
    ])('is not kept by pings (R24), %s', async (_, content) => {
      const stack = mounted({ idleMs: 300_000 }, { agent: streaming() })
      const ended = started(stack)
      const pending = await stack.mock.next()
      begin(pending)
      if (content) opens(pending)
      await every(stack.clock, 15_000, 60, () => ended.error ?? pings(pending))
      expect(ended).toEqual({ ms: 300_000, error: passed('idle', 300_000) })
      expect(pending.aborted).toBe(true)
      expect(stack.clock.pending).toBe(0)
    })

    it('begins with the first content where firstTokenMs is given', async () => {
      const stack = mounted({ firstTokenMs: 5000, idleMs: 100 }, { agent: streaming() })
      const ended = started(stack)
      const pending = await stack.mock.next()
      begin(pending)
      await stack.clock.advance(4000)
      opens(pending)
      await stack.clock.advance(99)
      expect(ended).toEqual({})
      await stack.clock.advance(1)
      expect(ended).toEqual({ ms: 4100, error: passed('idle', 100) })
    })

    it('leaves an answer alone that is not streamed', async () => {
      const stack = mounted({ idleMs: 100 })
      stack.mock.reply({ text: 'late', usage, delayMs: 600_000 })
      const ended = started(stack)
      await stack.clock.run()
      expect(ended).toEqual({ ms: 600_000, reply: 7 })
    })

    it('is kept by a tool call that is held for its judges', async () => {
      const stack = mounted({ idleMs: 1000 }, { agent: streaming(), inside: [judge] })
      const ended = started(stack)
      const pending = await stack.mock.next()
      begin(pending)
      pending.event({
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 't', name: 'Write', input: {} },
      } as never)
      const part = { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: ' ' } } as const
      await every(stack.clock, 900, 20, () => pending.event(part as never))
      pending.event({ type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{}' } } as never)
      finish(pending)
      await stack.clock.advance(0)
      expect(ended).toMatchObject({ reply: 7 })
    })

    it('does not run while a slow consumer holds the stream back', async () => {
      const clock: VirtualClock[] = []
      const agent: Agent<string, number> = {
        name: 'slow',
        send: async (_, { claude }) => {
          let events = 0
          const request = {
            model: 'claude-fixed',
            max_tokens: 100,
            stream: true as const,
            messages: [{ role: 'user' as const, content: 'x' }],
          }
          for await (const _event of await claude.messages.create(request)) {
            events++
            await new Promise<void>(resolve => void clock[0]!.after(10_000, resolve))
          }
          return events
        },
      }
      const stack = mounted({ idleMs: 50, firstTokenMs: 50 }, { agent })
      clock.push(stack.clock)
      stack.mock.reply({ text: 'x'.repeat(100), chunkChars: 1, usage })
      const ended = started(stack)
      await stack.clock.run()
      expect(ended).toMatchObject({ reply: expect.any(Number) })
      expect(ended.ms).toBeGreaterThan(1_000_000)
      expect(stack.clock.pending).toBe(0)
    })

    it('ends a stream that the client is reading with the error', async () => {
      const read: string[] = []
      const agent: Agent<string, void> = {
        name: 'reader',
        send: async (_, { claude }) => {
          const request = {
            model: 'claude-fixed',
            max_tokens: 100,
            stream: true as const,
            messages: [{ role: 'user' as const, content: 'x' }],
          }
          for await (const event of await claude.messages.create(request)) read.push(event.type)
        },
      }
      const stack = mounted({ idleMs: 1000 }, { agent, outside: [withRetry()] })
      const ended = started(stack)
      const pending = await stack.mock.next()
      begin(pending)
      opens(pending)
      says(pending)
      await stack.clock.advance(1000)
      expect(ended).toEqual({ ms: 1000, error: passed('idle', 1000) })
      expect(read).toEqual(['message_start', 'content_block_start', 'content_block_delta'])
      expect(stack.mock.requests).toHaveLength(1)
    })

    it('bounds the events of an opaque agent, which are its model’s, and not those of any other', async () => {
      const agent = (opaque: boolean): Agent<string, string, string> => ({
        name: 'own',
        ...(opaque ? { opaque: { model: 'claude-fixed', maxTokens: 100 } } : {}),
        async *stream(_, { signal }) {
          yield 'one'
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          return ''
        },
      })
      for (const opaque of [true, false]) {
        const { sidecar, clock } = mounted({ idleMs: 1000 }, { agent: agent(opaque) })
        const read: unknown[] = []
        let error: unknown
        const stream = sidecar.stream('go')
        const reading = (async () => {
          for await (const event of stream) read.push(event)
        })().catch(cause => {
          error = cause
        })
        stream.reply.catch(() => {})
        await clock.advance(10_000)
        expect([read, error]).toEqual([['one'], opaque ? passed('idle', 1000) : undefined])
        sidecar.reap('over')
        await reading
        expect(clock.pending).toBe(0)
      }
    })
  })

  describe('totalMs', () => {
    const agentFor: Readonly<Record<string, (clock: VirtualClock) => Agent<string, unknown>>> = {
      model: () => asking(),
      send: clock => ({ name: 'slow', send: () => new Promise<void>(resolve => void clock.after(60_000, resolve)) }),
      tool: clock => ({
        name: 'tools',
        send: (_, { tool }) =>
          tool({ name: 'slow', run: (_input: object) => new Promise<void>(resolve => void clock.after(60_000, resolve)) }).run(
            {},
          ) as Promise<unknown>,
      }),
    }

    it.each(Object.keys(agentFor))('ends a %s that takes longer, at once, whatever it does about its signal', async kind => {
      const clock = new VirtualClock()
      const mock = mockModel()
      const ended: { status: string; detached: boolean }[] = []
      const sidecar = createSidecar({
        agent: agentFor[kind]!(clock),
        use: [withDeadline({ totalMs: 1000 })],
        claude: { upstream: mock.upstream },
        clock,
      })
      sidecar.subscribe(event => {
        if (event.type !== 'action.ended' || event.kind !== kind) return
        ended.push({ status: event.outcome.status, detached: event.outcome.detached !== undefined })
      })
      const sent = sidecar.send('go').catch((error: unknown) => [clock.monotonic(), error])
      await clock.advance(1000)
      expect(await sent).toEqual([1000, passed('total', 1000)])
      expect(ended).toEqual([{ status: 'aborted', detached: kind !== 'model' }])
      expect(sidecar.snapshot()).toMatchObject({ inFlight: 0 })
    })

    it('counts everything, progress or not', async () => {
      const stack = mounted({ totalMs: 1000 }, { agent: streaming() })
      const ended = started(stack)
      const pending = await stack.mock.next()
      begin(pending)
      opens(pending)
      await every(stack.clock, 100, 10, () => ended.error ?? says(pending))
      expect(ended).toEqual({ ms: 1000, error: passed('total', 1000) })
    })

    it('can be another for each kind', async () => {
      const stack = mounted({ totalMs: { send: 5000, model: 1000 } }, { agent: { name: 'again', send: (_, { claude }) => twice(claude) } })
      stack.mock.hang().hang()
      const ended = started(stack)
      await stack.clock.run()
      expect(ended).toEqual({ ms: 5000, error: passed('total', 5000) })
      expect(stack.attempts.map(({ endedAt }) => endedAt)).toEqual([1000])
      expect(stack.sidecar.explain()).toMatch(/withDeadline.*send.*5000.*model.*1000/)

      async function twice(claude: Call['claude']): Promise<void> {
        await asking().send!('', { claude } as Call).catch(() => {})
        await new Promise<void>(resolve => void stack.clock.after(60_000, resolve))
      }
    })

    it('aborts what the send has under way', async () => {
      const stack = mounted(
        { totalMs: 1000 },
        { agent: { name: 'sends', send: (_, { claude }) => asking().send!('', { claude } as never) } },
      )
      stack.mock.hang()
      const ended = started(stack)
      await stack.clock.advance(1000)
      expect(ended).toEqual({ ms: 1000, error: passed('total', 1000) })
      expect(stack.mock.requests[0]!.aborted).toBe(true)
    })

    it('keeps the hold of an opaque agent that goes on, until it has ended', async () => {
      const clock = new VirtualClock()
      const store = new MemoryLedgerStore()
      const agent: Agent<string, string> = {
        name: 'own',
        opaque: { model: 'claude-fixed', maxTokens: 1000 },
        send: () => new Promise(resolve => void clock.after(60_000, () => resolve('done'))),
      }
      const sidecar = createSidecar({
        agent,
        use: [withDeadline({ totalMs: 1000 }), withBudget({ usd: 1, prices: fixed, ledger: createLedger({ store }) })],
        clock,
      })
      const sent = sidecar.send('go').catch((error: unknown) => error)
      await clock.advance(1000)
      expect(await sent).toEqual(passed('total', 1000))
      expect(endings(store)).toEqual([])
      expect(sidecar.budget.nanoUsd).toMatchObject({ held: 100_000_000, spent: 0 })
      await clock.advance(60_000)
      expect(endings(store)).toEqual(['settle'])
      expect(sidecar.budget.nanoUsd).toMatchObject({ held: 0 })
      expect((sidecar.budget.nanoUsd as { spent: number }).spent).toBeGreaterThan(0)
    })
  })

  it('does not touch what ends in time, and leaves no timer', async () => {
    const stack = mounted({ firstTokenMs: 300, idleMs: 100, totalMs: 1000 }, { agent: streaming() })
    stack.mock.reply({ text: 'a text of a few words', usage, delayMs: 99, betweenMs: 99 })
    const ended = started(stack)
    await stack.clock.advance(999)
    expect(ended).toMatchObject({ reply: 7 })
    expect(stack.clock.pending).toBe(0)
  })

  it('gives way to the caller’s own abort', async () => {
    const stack = mounted({ totalMs: 1000 })
    stack.mock.hang()
    const abort = new AbortController()
    const reason = new Error('enough')
    const sent = stack.sidecar.send('go', { signal: abort.signal }).catch((error: unknown) => error)
    await stack.clock.advance(10)
    abort.abort(reason)
    expect(await sent).toBe(reason)
    await turns()
    expect(stack.clock.pending).toBe(0)
  })

  describe('inside withRetry', () => {
    it('bounds each attempt; one that was too slow is repeated', async () => {
      const stack = mounted({ firstTokenMs: 1000 }, { outside: [withRetry({ attempts: 3, random: () => 0 })] })
      stack.mock.hang().hang().reply({ text: 'done', usage, delayMs: 999 })
      const ended = started(stack)
      await stack.clock.run()
      expect(ended).toEqual({ reply: 7, ms: 1000 + 100 + 1000 + 100 + 999 })
      expect(stack.attempts.map(({ outcome }) => outcome.status)).toEqual(['aborted', 'aborted', 'done'])
      expect(stack.clock.pending).toBe(0)
    })

    it('keeps the deadline of all attempts (R35)', async () => {
      const stack = mounted({ totalMs: { model: 20_000 } }, { outside: [withRetry({ attempts: 3, deadlineMs: 30_000, random: () => 0 })] })
      stack.mock.hang().hang().hang()
      const ended = started(stack)
      await stack.clock.run()
      expect(ended.error).toEqual(passed('retry', 30_000))
      expect(ended.ms).toBe(30_000)
      expect(stack.mock.requests).toHaveLength(2)
      expect(stack.clock.pending).toBe(0)
    })

    it('charges each attempt, as one that was cut', async () => {
      const store = new MemoryLedgerStore()
      const books = withBudget({ usd: 10, prices: fixed, ledger: createLedger({ store }) })
      const stack = mounted(
        { totalMs: { model: 1000, tool: 1000 } },
        { outside: [withRetry({ attempts: 2, random: () => 0 })], inside: [books] },
      )
      stack.mock.hang().hang()
      const ended = started(stack)
      await stack.clock.run()
      expect(ended.error).toEqual(passed('total', 1000))
      expect(endings(store)).toEqual(['settle', 'settle'])
    })

    it('repeats an idempotent tool, and no other', async () => {
      for (const idempotent of [true, false]) {
        let runs = 0
        const hang = () => {
          runs++
          return new Promise(() => {})
        }
        const agent: Agent<string, unknown> = {
          name: 'tools',
          send: async (_, { tool }) => {
            const slow = { name: 'slow', idempotent, run: (_input: object) => hang() }
            return tool(slow).run({})
          },
        }
        const stack = mounted({ totalMs: { model: 1000, tool: 1000 } }, { agent, outside: [withRetry({ attempts: 2, random: () => 0 })] })
        const sent = stack.sidecar.send('go').catch((error: unknown) => error)
        await stack.clock.advance(1000)
        if (idempotent) await stack.clock.advance(1100)
        expect(await sent).toBeInstanceOf(DeadlineError)
        expect(runs).toBe(idempotent ? 2 : 1)
      }
    })

    it('does not hold the caller for a layer within that ignores its signal', async () => {
      const hung = defineMiddleware({ name: 'withHang', on: ['model'] }, () => new Promise(() => {}))
      const stack = mounted({ totalMs: { model: 1000, tool: 1000 } }, { outside: [withRetry()], inside: [hung] })
      const ended = started(stack)
      await stack.clock.advance(3000)
      expect(ended).toEqual({ ms: 3000, error: passed('total', 1000) })
      expect(stack.sidecar.snapshot()).toMatchObject({ inFlight: 0 })
      expect(stack.clock.pending).toBe(0)
    })
  })
})
