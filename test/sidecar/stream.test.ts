import { holdText } from '../../lib/core/hold-text.js'
import { mockModel } from '../../lib/testing/mock-model.js'
import { allowNoUnhandled, failure, gate, layer, repeating, rig, settled } from '../core/rig.js'

allowNoUnhandled()

const streaming = (stream: (message: any, call: any) => AsyncGenerator<unknown, unknown>) =>
  ({ agent: { name: 'streamer', stream } }) as never
const sending = (send: (message: any, call: any) => Promise<unknown>) => ({ agent: { name: 'sender', send } }) as never

async function collect(stream: AsyncIterable<unknown>): Promise<any[]> {
  const events: unknown[] = []
  for await (const event of stream) events.push(event)
  return events
}

describe('an agent with stream()', () => {
  it('gives exactly its events, then its reply', async () => {
    const { sidecar } = rig(
      [],
      undefined,
      streaming(async function* (message) {
        yield 1
        yield { two: message }
        return 'reply'
      }),
    )
    const stream = sidecar.stream('x')
    expect(await collect(stream)).toEqual([1, { two: 'x' }])
    expect(await stream.reply).toBe('reply')
    expect(await sidecar.send('x')).toBe('reply')
  })

  it("fails with the agent's own error after the events before it", async () => {
    const error = new Error('mine')
    const { sidecar } = rig(
      [],
      undefined,
      streaming(async function* () {
        yield 1
        throw error
      }),
    )
    const stream = sidecar.stream('x')
    const got: unknown[] = []
    expect(
      await failure(
        (async () => {
          for await (const event of stream) got.push(event)
        })(),
      ),
    ).toBe(error)
    expect(got).toEqual([1])
    expect(await failure(stream.reply)).toBe(error)
  })

  it('is held back by a slow consumer at 16 events', async () => {
    let made = 0
    const { sidecar } = rig(
      [],
      undefined,
      streaming(async function* () {
        for (; made < 100; made++) yield made
      }),
    )
    const iterator = sidecar.stream('x')[Symbol.asyncIterator]()
    await iterator.next()
    await settled()
    expect(made).toBeLessThanOrEqual(17)
    for (let n = 1; n < 100; n++) expect((await iterator.next()).value).toBe(n)
    expect((await iterator.next()).done).toBe(true)
  })

  it('is aborted when its consumer does not read for idleMs', async () => {
    let signal!: AbortSignal
    const { sidecar, clock } = rig([], undefined, {
      ...(streaming(async function* (_, call) {
        signal = call.signal
        for (;;) yield 1
      }) as object),
      claude: { idleMs: 500 },
    } as never)
    const stream = sidecar.stream('x')
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    await clock.advance(499)
    expect(signal.aborted).toBe(false)
    await clock.advance(1)
    expect(signal.reason).toMatchObject({ name: 'AbortError' })
    expect(await failure(stream.reply)).toBe(signal.reason)
    expect((await iterator.next()).done).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it.each(['break', 'throw'])('is aborted when its consumer leaves by %s, and cleans up', async how => {
    let signal!: AbortSignal
    let cleaned = false
    const { sidecar } = rig(
      [],
      undefined,
      streaming(async function* (_, call) {
        signal = call.signal
        try {
          for (;;) yield 1
        } finally {
          cleaned = true
        }
      }),
    )
    const stream = sidecar.stream('x')
    const error = new Error('consumer')
    const read = async () => {
      for await (const _ of stream) {
        if (how === 'break') break
        throw error
      }
    }
    if (how === 'break') await read()
    else expect(await failure(read())).toBe(error)
    expect(signal.aborted).toBe(true)
    expect((await failure(stream.reply)).name).toBe('AbortError')
    await settled()
    expect(cleaned).toBe(true)
  })

  it('has cleaned up when the caller hears of a tap that failed', async () => {
    const order: string[] = []
    const cleanup = gate()
    const agent = streaming(async function* () {
      try {
        yield 1
      } finally {
        await cleanup.promise
        order.push('cleaned up')
      }
    })
    const tapped = layer('withTap', (ctx, next) => {
      ctx.tap({ event: () => Promise.reject(new Error('bug')) })
      return next()
    })
    const { sidecar } = rig([tapped], undefined, agent)
    const sent = failure(sidecar.send('x')).then(() => order.push('heard'))
    await settled()
    cleanup.open()
    await sent
    expect(order).toEqual(['cleaned up', 'heard'])
  })

  it.each<[string, object]>([
    ['without return()', {}],
    ['with a return() that is not asynchronous', { return: () => ({ done: true, value: 0 }) }],
    ['with a return() that throws', { return: () => Promise.reject(new Error('of return')) }],
  ])("fails with the agent's own error, from an iterator %s", async (_, more) => {
    const error = new Error('mine')
    const next = () => Promise.reject(error)
    const { sidecar } = rig([], undefined, { agent: { name: 'a', stream: () => ({ next, ...more }) } } as never)
    expect(await failure(sidecar.send('x'))).toBe(error)
  })

  it('is not aborted by a consumer that reads to the end', async () => {
    let signal!: AbortSignal
    const { sidecar } = rig(
      [],
      undefined,
      streaming(async function* (_, call) {
        signal = call.signal
        yield 1
      }),
    )
    await collect(sidecar.stream('x'))
    expect(signal.aborted).toBe(false)
    for await (const _ of sidecar.stream('x')) {
      await settled()
      break
    }
    expect(signal.aborted).toBe(false)
  })

  it('runs to its end for its reply alone', async () => {
    let made = 0
    const { sidecar } = rig(
      [],
      undefined,
      streaming(async function* () {
        for (; made < 100; made++) yield made
        return 'reply'
      }),
    )
    const stream = sidecar.stream('x')
    expect(await stream.reply).toBe('reply')
    expect(made).toBe(100)
    expect((await failure(collect(stream))).message).toMatch(/the events of this stream are gone.*iterate first/)
  })

  it('begins with the first pull, and is read once', async () => {
    const begun = jest.fn()
    const { sidecar } = rig(
      [],
      undefined,
      streaming(async function* () {
        begun()
        yield 1
      }),
    )
    const stream = sidecar.stream('x')
    await settled()
    expect(begun).not.toHaveBeenCalled()
    const reply = stream.reply
    expect(await collect(stream)).toEqual([1])
    await reply
    expect((await failure(collect(stream))).message).toBe('a stream can be read once')
    expect(begun).toHaveBeenCalledTimes(1)
  })

  it('is refused by the chain like a send', async () => {
    const error = new Error('no')
    const { sidecar } = rig(
      [
        layer('withNo', async () => {
          throw error
        }),
      ],
      undefined,
      streaming(async function* () {
        yield 1
      }),
    )
    expect((await failure(collect(sidecar.stream('x')))).cause).toBe(error)
  })
})

describe('send and stream', () => {
  it('run the same layers in the same order; the onion closes when the stream has ended', async () => {
    const trace: string[] = []
    const traced = (name: string) =>
      layer(name, async (_, next) => {
        trace.push(`>${name}`)
        await next()
        trace.push(`<${name}`)
      })
    const { sidecar } = rig(
      [traced('a'), repeating('r', 2), traced('b')],
      undefined,
      streaming(async function* () {
        trace.push('1')
        yield 1
        trace.push('2')
        yield 2
      }),
    )
    await sidecar.send('x')
    const sent = trace.splice(0)
    await collect(sidecar.stream('x'))
    expect(trace).toEqual(sent)
    expect(sent).toEqual(['>a', '>b', '1', '2', '<b', '<a'])
  })
})

describe('an agent without stream()', () => {
  const ask = { model: 'claude-haiku-4-5', max_tokens: 50, messages: [{ role: 'user' as const, content: 'hi' }] }

  it('shows what its nested actions released, in order, then the reply', async () => {
    const model = mockModel().reply('Hello there').reply('Bye')
    const options = {
      ...(sending(async (_, { claude, tool }) => {
        await claude.messages.stream(ask).finalMessage()
        await tool({ name: 'look', run: () => 'found' }).run({})
        const last = await claude.messages.create(ask)
        return last.content[0].text
      }) as object),
      claude: { upstream: model.upstream },
    }
    const { sidecar } = rig([], undefined, options as never)
    const stream = sidecar.stream('x')
    const events = await collect(stream)
    const words = events.map(({ type, event, phase, name }) =>
      type === 'model' ? event.type : type === 'tool' ? `${name} ${phase}` : type,
    )
    expect(words[0]).toBe('message_start')
    expect(words.indexOf('message_stop')).toBeLessThan(words.indexOf('look started'))
    expect(words.slice(words.indexOf('message_stop') + 1)).toEqual(['look started', 'look ended', 'message', 'reply'])
    expect(events.map(({ event }) => event?.delta?.text ?? '').join('')).toBe('Hello there')
    expect(events.at(-1)).toEqual({ type: 'reply', reply: 'Bye' })
    const [send, action] = events[0].path
    expect([events[0].action, events[0].path.length]).toEqual([action, 2])
    expect(action.startsWith(sidecar.id) && send.startsWith(sidecar.id)).toBe(true)
    expect(await stream.reply).toBe('Bye')
  })

  it('tells that a tool failed', async () => {
    const { sidecar } = rig(
      [],
      undefined,
      sending(async (_, { tool }) =>
        tool({
          name: 't',
          run: () => {
            throw new Error('x')
          },
        })
          .run({})
          .catch(() => 'caught'),
      ),
    )
    expect((await collect(sidecar.stream('x'))).map(({ type, phase }) => phase ?? type)).toEqual(['started', 'failed', 'reply'])
  })

  it('gives all events of parallel calls to a slow consumer: none waits for ever', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `t${n}`)
    const { sidecar, clock } = rig(
      [],
      undefined,
      sending(async (_, { tool }) => {
        await Promise.all(names.map(name => tool({ name, run: () => 1 }).run({})))
      }),
    )
    const events: any[] = []
    for await (const event of sidecar.stream('x')) {
      events.push(event)
      await settled()
    }
    expect(events).toHaveLength(81)
    for (const name of names) expect(events.filter(event => event.name === name).map(({ phase }) => phase)).toEqual(['started', 'ended'])
    expect(clock.pending).toBe(0)
  })

  it('is not repeated by a re-entering layer once its consumer has seen what a nested action or a layer released', async () => {
    const error = new Error('cut')
    const failing = () =>
      sending(async (_, { tool }) => {
        await tool({ name: 't', run: async () => 1 }).run({})
        throw error
      })
    const silent = sending(() => Promise.reject(error))
    const hello = layer('withHello', async (ctx, next) => ctx.emit('hello').then(next), { on: ['send'] })
    for (const { use, agent, seen } of [
      { use: [], agent: failing(), seen: ['tool', 'tool'] },
      { use: [hello], agent: silent, seen: [undefined] },
    ]) {
      const { sidecar } = rig([repeating('withAgain', 2, { on: ['send'] }), ...use], undefined, agent)
      const got: any[] = []
      const read = async () => {
        for await (const event of sidecar.stream('x')) got.push(event)
      }
      expect(await failure(read())).toBe(error)
      expect(got.map(({ type }) => type)).toEqual(seen)
    }
  })

  it('is repeated while its consumer has seen nothing', async () => {
    let sends = 0
    const agent = sending(async () => {
      if (++sends === 1) throw new Error('cut')
      return 'reply'
    })
    const { sidecar } = rig([repeating('withAgain', 2, { on: ['send'] })], undefined, agent)
    expect(await collect(sidecar.stream('x'))).toEqual([{ type: 'reply', reply: 'reply' }])
  })

  it('has its model call cancelled when the consumer leaves', async () => {
    const model = mockModel().hang({ after: 3, reply: 'a long answer that never ends' })
    const { sidecar } = rig([], undefined, {
      ...(sending(async (_, { claude }) => claude.messages.stream(ask).finalMessage()) as object),
      claude: { upstream: model.upstream },
    } as never)
    for await (const _ of sidecar.stream('x')) break
    await settled()
    expect(model.requests.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('keeps text back that a layer holds until it is judged; a retried attempt shows nothing', async () => {
    const model = mockModel().cut({ after: 1, reply: 'first try' }).reply('second try')
    const hold = layer(
      'withHold',
      async (ctx, next) => {
        ctx.tap(holdText({ until: 'block', judge: () => {} }))
        await next()
      },
      { on: ['model'] },
    )
    const { sidecar } = rig([hold, repeating('withAgain', 2, { on: ['model'] })], undefined, {
      ...(sending(async (_, { claude }) => (await claude.messages.stream(ask).finalMessage()).content[0].text) as object),
      claude: { upstream: model.upstream },
    } as never)
    expect(await sidecar.send('x')).toBe('second try')
    expect(model.requests).toHaveLength(2)
  })
})

describe('call', () => {
  it('says what this call took, and what layers reported', async () => {
    const model = mockModel().reply({ text: 'hi', usage: { input_tokens: 10, output_tokens: 5 } })
    const report = layer(
      'withReport',
      async (ctx, next) => {
        await next()
        ;(report as any).host.publish({ type: 'violation', action: ctx.id, ruleId: 'r', severity: 'low', response: 'warn', shadow: false })
      },
      {
        on: ['model'],
        attach: host => {
          ;(report as any).host = host
        },
      },
    )
    const other = gate()
    const { sidecar } = rig([report], undefined, {
      ...(sending(async (message, { claude }) => {
        if (message === 'wait') return other.promise
        return claude.messages
          .create({ model: 'claude-haiku-4-5', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] })
          .then((m: any) => m.content[0].text)
      }) as object),
      claude: { upstream: model.upstream },
    } as never)
    const waiting = sidecar.call('wait')
    const call = await sidecar.call('go')
    other.open()
    expect(call).toMatchObject({
      reply: 'hi',
      usage: { input: 10, output: 5, certainty: 'measured' },
      violations: [{ ruleId: 'r', response: 'warn' }],
    })
    expect(call.nanoUsd).toBeGreaterThan(0)
    expect(call.attempts).toHaveLength(1)
    expect(call.attempts[0]!.outcome.status).toBe('done')
    expect(await waiting).toMatchObject({ violations: [], usage: { input: 0, certainty: 'unknown' }, nanoUsd: undefined })
    expect(sidecar.tokenUsage).toMatchObject({ input: 10, output: 5 })
  })
})

describe('a reply that is itself a stream of the model', () => {
  it('can be read inside the stream of its send: the events that the reader leaves waiting do not hold it back', async () => {
    const mock = mockModel({ otherwise: () => ({ text: 'x'.repeat(60), chunkChars: 1 }) })
    const ask = { model: 'claude-haiku-4-5', max_tokens: 100, stream: true, messages: [{ role: 'user', content: 'x' }] }
    const agent = { name: 'sender', send: (_: unknown, { claude }: { claude: any }) => claude.messages.create(ask) }
    const { sidecar } = rig([], undefined, { claude: { upstream: mock.upstream }, agent } as never)
    let read = 0
    for await (const event of sidecar.stream('x') as AsyncIterable<any>) {
      if (event.type !== 'reply') continue
      for await (const inner of event.reply) read += inner.type === 'content_block_delta' ? 1 : 0
    }
    expect(read).toBe(60)
  })
})
