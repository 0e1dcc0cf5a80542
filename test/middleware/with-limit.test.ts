import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { type Agent, AgentPausedError, AgentReapedError, createSidecar, defineMiddleware, type LayerInput } from 'outrigger'
import {
  createLimit,
  type Limit,
  type MetricsMembers,
  withLimit,
  type WithLimitOptions,
  withMetrics,
  withRetry,
} from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { seeded, turns } from './stack.js'

const usage = { input_tokens: 3, output_tokens: 7 }
const ask = (content: string) => ({ model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user' as const, content }] })
const asker: Agent<string, void> = {
  name: 'asker',
  send: async (message, { claude, signal }) => void (await claude.messages.create(ask(message), { signal })),
}

function fleet(
  layers: () => readonly LayerInput[],
  more: { agents?: number; agent?: Agent<string, unknown>; whenPaused?: 'wait'; delayMs?: number } = {},
) {
  const clock = new VirtualClock()
  const running: string[] = []
  const begun: string[] = []
  let most = 0
  const mock = mockModel({ clock, otherwise: () => ({ text: 'ok', usage, delayMs: more.delayMs ?? 100 }) })
  const sidecars = Array.from({ length: more.agents ?? 1 }, () =>
    createSidecar({
      agent: more.agent ?? asker,
      use: [...layers()] as readonly LayerInput[],
      claude: {
        upstream: async (wire, abort) => {
          const label = (JSON.parse(wire.body!) as { messages: [{ content: string }] }).messages[0].content
          begun.push(label)
          running.push(label)
          most = Math.max(most, running.length)
          try {
            return await mock.upstream(wire, abort)
          } finally {
            running.splice(running.indexOf(label), 1)
          }
        },
      },
      clock,
      ...(more.whenPaused ? { whenPaused: more.whenPaused } : {}),
    }),
  )
  return { clock, mock, sidecars, sidecar: sidecars[0]!, running, begun, most: () => most }
}

/** A send whose rejection is its value. */
const sent = (sidecar: { send(message: string, options?: object): Promise<unknown> }, message: string, options = {}) =>
  sidecar.send(message, options).catch((error: unknown) => error)

const shown = (sidecar: { snapshot(): object }) => (sidecar.snapshot() as { layers: { withLimit: unknown } }).layers.withLimit

describe('withLimit', () => {
  describe('options', () => {
    const bad: readonly (readonly [string, unknown, RegExp])[] = [
      ['null', null, /must be an object/],
      ['an unknown option', { max: 3 }, /unknown option "max"/],
      ['0', { concurrency: 0 }, /whole number from 1, got 0/],
      ['NaN', { concurrency: Number.NaN }, /got NaN/],
      ['text', { concurrency: '2' }, /got "2"/],
      ['a limit that is none', { limit: {} }, /createLimit/],
      ['null as a limit', { limit: null }, /createLimit/],
      ['both', { limit: createLimit({ concurrency: 1 }), concurrency: 2 }, /give one of the two/],
    ]

    it.each(bad)('refuse %s at once', (_, options, message) => {
      const make = () => withLimit(options as WithLimitOptions)
      expect(make).toThrow(message)
      expect(make).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(TypeError|RangeError)$/) }))
    })

    it('in effect are in explain()', () => {
      expect(fleet(() => [withLimit()]).sidecar.explain()).toMatch(/withLimit.*"?concurrency"?.*10.*process/)
      expect(fleet(() => [withLimit({ limit: createLimit({ concurrency: 3 }) })]).sidecar.explain()).toMatch(/withLimit.*3.*own/)
    })
  })

  it('lets 10 calls of all agents of the process run at once, and the others wait', async () => {
    const { sidecars, clock, most, running } = fleet(() => [withLimit()], { agents: 3 })
    const all = sidecars.flatMap(sidecar => Array.from({ length: 8 }, (_, n) => sent(sidecar, `${n}`)))
    await clock.advance(10)
    expect([running.length, shown(sidecars[2]!)]).toEqual([10, { concurrency: 10, running: 10, waiting: 14 }])
    await clock.run()
    await Promise.all(all)
    expect([most(), shown(sidecars[0]!)]).toEqual([10, { concurrency: 10, running: 0, waiting: 0 }])
    expect(clock.monotonic()).toBe(300)
  })

  it('of one limit is for the sidecars that share it, and leaves the process’s alone', async () => {
    const limit = createLimit({ concurrency: 2 })
    const { sidecars, clock, most } = fleet(() => [withLimit({ limit })], { agents: 2 })
    const all = sidecars.flatMap(sidecar => Array.from({ length: 3 }, (_, n) => sent(sidecar, `${n}`)))
    await clock.advance(10)
    expect(limit).toMatchObject({ concurrency: 2, running: 2, waiting: 4 })
    expect(shown(fleet(() => [withLimit()]).sidecar)).toMatchObject({ running: 0 })
    await clock.run()
    await Promise.all(all)
    expect(most()).toBe(2)
  })

  it('is the strictest of those that wait or run', async () => {
    let n = 0
    const { sidecars, clock, running } = fleet(() => [withLimit({ concurrency: n++ === 0 ? 1 : 5 })], { agents: 2 })
    const all = [1, 2, 3].map(i => sent(sidecars[1]!, `wide ${i}`))
    await clock.advance(10)
    expect(running).toHaveLength(3)
    all.push(sent(sidecars[0]!, 'narrow'))
    await clock.advance(10)
    expect(running).not.toContain('narrow')
    await clock.advance(90)
    expect(running).toEqual(['narrow'])
    await clock.run()
    await Promise.all(all)
  })

  it('serves the agents in turn: one with many waiting calls does not starve another', async () => {
    const limit = createLimit({ concurrency: 1 })
    const { sidecars, clock, begun } = fleet(() => [withLimit({ limit })], { agents: 2 })
    const all = Array.from({ length: 1000 }, (_, n) => sent(sidecars[0]!, `many ${n}`))
    await turns()
    all.push(sent(sidecars[1]!, 'one'), sent(sidecars[1]!, 'two'))
    await clock.run()
    await Promise.all(all)
    expect(begun.slice(0, 6)).toEqual(['many 0', 'many 1', 'one', 'many 2', 'two', 'many 3'])
    expect(begun).toHaveLength(1002)
  })

  it('books the wait as throttle time', async () => {
    const limit = createLimit({ concurrency: 1 })
    const { sidecar, clock } = fleet(() => [withLimit({ limit }), withMetrics()])
    const all = [sent(sidecar, 'a'), sent(sidecar, 'b'), sent(sidecar, 'c')]
    await clock.run()
    await Promise.all(all)
    const { metrics } = sidecar as unknown as MetricsMembers
    expect(metrics.ms).toMatchObject({ token: 300, throttle: 200, wall: 300 })
    expect(metrics.self).toEqual({ ms: 0, actions: 6 })
  })

  it('leaves no listener on the signal or at the gate when a wait has ended', async () => {
    const limit = createLimit({ concurrency: 1 })
    const signals: AbortSignal[] = []
    let watching = 0
    let most = 0
    const noting = defineMiddleware(
      {
        name: 'withNote',
        on: ['model'],
        attach: host => {
          const whenShut = host.whenShut.bind(host)
          const counted = (fn: () => void) => {
            most = Math.max(most, ++watching)
            const forget = whenShut(fn)
            return () => {
              watching--
              forget()
            }
          }
          Object.assign(host, { whenShut: counted })
        },
      },
      async (ctx, next) => {
        signals.push(ctx.signal)
        await next()
      },
    )
    const { sidecar, clock } = fleet(() => [noting, withLimit({ limit })])
    const all = ['a', 'b', 'c'].map(label => sent(sidecar, label))
    await clock.run()
    await Promise.all(all)
    expect(signals.map(signal => getEventListeners(signal, 'abort').length)).toEqual([0, 0, 0])
    expect([most, watching]).toEqual([2, 0])
  })

  it('holds the slot until a stream has ended, however slowly it is read', async () => {
    const limit = createLimit({ concurrency: 1 })
    const { sidecar, clock, mock } = fleet(() => [withLimit({ limit })])
    mock.reply({ text: 'x'.repeat(100), chunkChars: 1, usage })
    const stream = await sidecar.io.claude.messages.create({ ...ask('streamed'), stream: true })
    await clock.advance(0)
    expect(limit).toMatchObject({ running: 1 })
    const next = sent(sidecar, 'next')
    for await (const _ of stream);
    await clock.run()
    await next
    expect(limit).toMatchObject({ running: 0, waiting: 0 })
  })

  describe('a waiting call', () => {
    async function waiting(
      more: Parameters<typeof fleet>[1] = {},
      layers: (limit: Limit) => readonly LayerInput[] = limit => [withLimit({ limit })],
    ) {
      const limit = createLimit({ concurrency: 1 })
      const made = fleet(() => layers(limit), { agents: 2, ...more })
      const [busy, sidecar] = made.sidecars as [(typeof made)['sidecar'], (typeof made)['sidecar']]
      const first = sent(busy, 'first')
      await made.clock.advance(10)
      return { ...made, busy, sidecar, first, limit }
    }

    /** What is left of the limit when all has ended. */
    async function afterwards({ clock, first, limit, begun }: Awaited<ReturnType<typeof waiting>>) {
      await clock.run()
      await first
      return { running: limit.running, waiting: limit.waiting, timers: clock.pending, begun: [...begun] }
    }

    const nothing = { running: 0, waiting: 0, timers: 0, begun: ['first'] }

    it('that is aborted rejects at once with the reason, and leaves nothing behind', async () => {
      const signals: AbortSignal[] = []
      const noting = defineMiddleware({ name: 'withNote', on: ['model'] }, async (ctx, next) => {
        signals.push(ctx.signal)
        await next()
      })
      const made = await waiting({}, limit => [noting, withLimit({ limit })])
      const abort = new AbortController()
      const reason = new Error('enough')
      const second = sent(made.sidecar, 'second', { signal: abort.signal })
      await turns()
      expect(made.limit.waiting).toBe(1)
      abort.abort(reason)
      expect(made.limit.waiting).toBe(0)
      expect(await second).toBe(reason)
      expect(signals.map(signal => getEventListeners(signal, 'abort').length)).toEqual([0, 0])
      expect(await afterwards(made)).toEqual(nothing)
    })

    it('of a sidecar that is reaped leaves', async () => {
      const made = await waiting()
      const second = sent(made.sidecar, 'second')
      await turns()
      made.sidecar.reap('over')
      expect(await second).toBeInstanceOf(AgentReapedError)
      expect(await afterwards(made)).toEqual(nothing)
    })

    it('of a sidecar that is paused leaves at once', async () => {
      const made = await waiting()
      const second = sent(made.sidecar, 'second')
      await turns()
      made.sidecar.pause('a person looks')
      expect(made.limit.waiting).toBe(0)
      expect(await second).toBeInstanceOf(AgentPausedError)
      expect(await afterwards(made)).toEqual(nothing)
    })

    it('of a sidecar that holds actions back while it is paused comes again when that is over', async () => {
      const made = await waiting({ whenPaused: 'wait' }, limit => [withLimit({ limit }), withMetrics()])
      const second = sent(made.sidecar, 'second')
      await turns()
      made.sidecar.pause('a person looks')
      await made.clock.advance(5000)
      expect([made.limit.waiting, made.limit.running]).toEqual([0, 0])
      made.sidecar.resume()
      await turns()
      expect(made.limit.running).toBe(1)
      await made.clock.run()
      expect(await second).toBeUndefined()
      const { metrics } = made.sidecar as unknown as MetricsMembers
      expect(metrics.ms.stopped).toBe(5000)
      expect(await afterwards(made)).toEqual({ ...nothing, begun: ['first', 'second'] })
    })

    it('of a sidecar that is closed leaves at once, unless a send is to finish what it began', async () => {
      const made = await waiting()
      const direct = made.sidecar.io.claude.messages.create(ask('direct')).catch((error: unknown) => error)
      const within = sent(made.sidecar, 'within')
      await turns()
      expect(made.limit.waiting).toBe(2)
      const closed = made.sidecar.close()
      expect(await direct).toBeInstanceOf(AgentReapedError)
      expect(made.limit.waiting).toBe(1)
      expect(await afterwards(made)).toEqual({ ...nothing, begun: ['first', 'within'] })
      expect(await within).toBeUndefined()
      await closed
    })
  })

  it('gives the slot back when an attempt fails, and takes another for the next', async () => {
    const limit = createLimit({ concurrency: 1 })
    const { sidecar, clock, mock, begun } = fleet(() => [withRetry({ random: () => 0 }), withLimit({ limit })])
    mock.fail({ status: 529 })
    const all = [sent(sidecar, 'a'), sent(sidecar, 'b')]
    await clock.advance(50)
    expect(begun).toEqual(['a', 'b'])
    await clock.run()
    expect(await Promise.all(all)).toEqual([undefined, undefined])
    expect([begun, limit.running]).toEqual([['a', 'b', 'a'], 0])
  })

  it('holds the slot of a call that was given up until what hangs within has ended', async () => {
    const limit = createLimit({ concurrency: 1 })
    let end!: () => void
    const late = new Promise<void>(resolve => {
      end = resolve
    })
    const hung = defineMiddleware({ name: 'withHang', on: ['model'] }, (_, next) => next().finally(() => late))
    const { sidecar, clock } = fleet(() => [withLimit({ limit }), hung])
    const abort = new AbortController()
    const first = sent(sidecar, 'first', { signal: abort.signal })
    await clock.advance(10)
    abort.abort(new Error('enough'))
    await clock.advance(1000)
    expect(await first).toEqual(new Error('enough'))
    expect(limit.running).toBe(1)
    end()
    await turns()
    expect(limit.running).toBe(0)
  })

  it('never lets more run than it may, loses no slot and ends everybody, in random runs of several agents', async () => {
    const run = fc.record({
      concurrency: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(),
      calls: fc.array(fc.record({ agent: fc.nat(2), at: fc.nat(300), abortAfter: fc.option(fc.nat(300)) }), {
        minLength: 1,
        maxLength: 25,
      }),
    })
    await fc.assert(
      fc.asyncProperty(run, async ({ concurrency, seed, calls }) => {
        const limit = createLimit({ concurrency })
        const random = seeded(seed)
        const flaky = defineMiddleware({ name: 'withFlaw', on: ['model'] }, async (_, next) => {
          if (random() < 0.2) throw new Error('before')
          await next()
        })
        const layers = () => [withRetry({ attempts: 2, random: () => 0 }), withLimit({ limit }), flaky]
        const made = fleet(layers, { agents: 3 })
        const ended: unknown[] = []
        for (const [n, { agent, at, abortAfter }] of calls.entries()) {
          if (random() < 0.3) made.mock.fail({ status: 529 })
          made.clock.after(at, () => {
            const abort = new AbortController()
            if (abortAfter !== null) made.clock.after(abortAfter, () => abort.abort(new Error('enough')))
            void sent(made.sidecars[agent]!, `${n}`, { signal: abort.signal }).then(how => ended.push(how))
          })
        }
        await made.clock.run()
        expect(ended).toHaveLength(calls.length)
        expect(made.most()).toBeLessThanOrEqual(concurrency)
        expect([limit.running, limit.waiting, made.clock.pending]).toEqual([0, 0, 0])
      }),
      { numRuns: 40 },
    )
  })
})
