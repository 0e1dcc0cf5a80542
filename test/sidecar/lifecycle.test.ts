import { definePreset } from '../../lib/core/define-preset.js'
import { LayerError } from '../../lib/core/errors.js'
import type { SidecarEvent } from '../../lib/core/types.js'
import { createSidecar } from '../../lib/sidecar.js'
import { withRetry } from '../../middleware/with-retry.js'
import { failure, gate, layer, rig, settled, watchUnhandled } from '../core/rig.js'

describe('createSidecar', () => {
  const agent = { name: 'a', send: async () => 1 }
  it.each<[object, RegExp]>([
    [{ agent, use: [], uses: 1 }, /unknown option "uses"; known are agent, use/],
    [{ agent }, /use must be a list of layers, outermost first$/],
    [{ agent, use: definePreset('mortal', []) }, /use must be a list .*; write mortal\(…\)$/],
    [{ agent, use: withRetry() }, /use must be a list .*; write \[withRetry\(…\)\]$/],
    [{ agent, use: withRetry }, /use must be a list .*; write \[withRetry\(…\)\]$/],
    [{ agent, use: [], whenPaused: 'later' }, /whenPaused must be 'reject' or 'wait', got "later"/],
    [{ agent, use: [], id: '' }, /id must be a non-empty string/],
    [{ use: [] }, /agent must be an object or a function that returns one, got undefined/],
    [{ agent: { send: async () => 1 }, use: [] }, /agent.name must be a non-empty string/],
    [{ agent: { name: 'a' }, use: [] }, /agent "a" needs send\(message, call\) or stream/],
    [{ agent: { ...agent, opaque: { model: 'm', maxTokens: 0 } }, use: [] }, /opaque must be/],
    [{ agent: { ...agent, opaque: { model: '', maxTokens: 1 } }, use: [] }, /opaque must be/],
    [{ agent: { ...agent, type: 5 }, use: [] }, /agent "a": type must be a string, got number/],
    [{ agent: { ...agent, stream: 5 }, use: [] }, /agent "a": stream must be a function, got number/],
    [{ agent, use: [], clock: {} }, /clock must have now\(\)/],
  ])('refuses %j', (options, message) => {
    expect(() => createSidecar(options as never)).toThrow(message)
  })

  it('shows members live, fixed, and refuses a name that is taken', () => {
    let n = 0
    const shows = (name: string, expose: object) => layer(name, undefined, { expose })
    const sidecar = createSidecar({
      agent,
      use: [
        shows('a', {
          get n() {
            return n
          },
          fixed: 1,
        }),
      ],
    }) as any
    n = 5
    expect(sidecar.n).toBe(5)
    expect(() => {
      sidecar.n = 6
    }).toThrow(TypeError)
    expect(() => {
      sidecar.fixed = 6
    }).toThrow(TypeError)
    const clash =
      (...use: ReturnType<typeof layer>[]) =>
      () =>
        createSidecar({ agent, use } as never)
    expect(clash(shows('a', { n }), shows('b', { n }))).toThrow('b exposes "n", which a has already; rename it')
    for (const name of ['send', 'pause', 'id', 'then', 'toString'])
      expect(clash(shows('a', { [name]: 1 }))).toThrow(`a exposes "${name}", which the sidecar has already; rename it`)
  })

  it('refuses a layer of another sidecar, and then keeps none of the others', () => {
    const attaching = (name: string) => layer(name, undefined, { attach: () => {} })
    const [first, second] = [attaching('a'), attaching('b')]
    createSidecar({ agent, use: [second] })
    expect(() => createSidecar({ agent, use: [first, second] })).toThrow(
      'this b belongs to another sidecar already; make a fresh one for each',
    )
    createSidecar({ agent, use: [first] })
  })

  it('keeps no layer that it was given when one of them cannot be attached', () => {
    const error = new Error('not here')
    const first = layer('a', undefined, { attach: () => {} })
    const broken = layer('b', undefined, {
      attach: () => {
        throw error
      },
    })
    expect(() => createSidecar({ agent, use: [first, broken] })).toThrow(error)
    createSidecar({ agent, use: [first] })
  })
})

describe('a send', () => {
  const sidecar = createSidecar({ agent: { name: 'a', send: async () => 1 }, use: [] })
  it.each<[object, RegExp]>([
    [{ signl: new AbortController().signal }, /send: unknown option "signl"; known are signal, labels/],
    [{ signal: 5 }, /send: signal must be an AbortSignal, got number/],
    [{ signal: null }, /got null/],
    [{ labels: { tenant: 1 } }, /send: label "tenant" must be a string, got number/],
  ])('refuses %j, before anything runs', async (options, message) => {
    await expect(sidecar.send('hello', options as never)).rejects.toThrow(message)
    await expect(sidecar.call('hello', options as never)).rejects.toThrow(message)
    expect(() => sidecar.stream('hello', options as never)).toThrow(message)
    expect(sidecar.state).toBe('summoned')
  })
})

describe('pause', () => {
  it('refuses every kind with the reason until resume', async () => {
    const { sidecar, work } = rig([])
    sidecar.pause('lunch')
    for (const action of [sidecar.send('x'), work(), sidecar.fetch('https://example.com')]) {
      expect(await failure(action)).toMatchObject({ code: 'ERR_PAUSED', reason: 'lunch' })
    }
    sidecar.resume()
    expect(await sidecar.send('x')).toBe('x')
  })

  it('holds without a reason, too', async () => {
    const { sidecar } = rig([])
    sidecar.pause(undefined as never)
    expect((await failure(sidecar.send('x'))).code).toBe('ERR_PAUSED')
  })

  it('keeps waiting actions back, as stopped time, until resume', async () => {
    const { sidecar, clock } = rig([], undefined, { whenPaused: 'wait' })
    sidecar.pause('lunch')
    const call = sidecar.call('x')
    await clock.advance(40)
    sidecar.resume()
    expect(await call).toMatchObject({ reply: 'x', ms: { stopped: 40, wall: 40 } })
  })

  it('lets a waiting action go by its signal, by reap, and by close at once', async () => {
    const { sidecar } = rig([], undefined, { whenPaused: 'wait' })
    sidecar.pause('lunch')
    const controller = new AbortController()
    const signalled = failure(sidecar.send('x', { signal: controller.signal }))
    controller.abort('own reason')
    expect(await signalled).toBe('own reason')
    const closing = failure(sidecar.send('x'))
    await settled()
    await sidecar.close()
    expect((await closing).code).toBe('ERR_REAPED')
    const other = rig([], undefined, { whenPaused: 'wait' })
    other.sidecar.pause('lunch')
    const reaped = failure(other.sidecar.send('x'))
    other.sidecar.reap('over')
    expect(await reaped).toMatchObject({ code: 'ERR_REAPED', reason: 'over' })
  })

  it.each(['resume', 'reap'] as const)(
    'keeps a nested action of a send that runs waiting while the sidecar closes, until %s',
    async how => {
      const send = async (_: unknown, { tool }: any) => {
        sidecar.pause('lunch')
        return tool({ name: 't', run: async () => 'ran' }).run({})
      }
      const { sidecar, clock } = rig([], undefined, { agent: { name: 'a', send }, whenPaused: 'wait' } as never)
      let ending: unknown
      const ended = (how: unknown) => {
        ending = how
      }
      sidecar.send('x').then(ended, error => ended(error.code))
      await settled()
      const closing = sidecar.close({ drainMs: 1000 })
      await clock.advance(999)
      expect(ending).toBeUndefined()
      if (how === 'resume') sidecar.resume()
      await clock.advance(1)
      expect(ending).toBe(how === 'resume' ? 'ran' : 'ERR_REAPED')
      await closing
    },
  )
})

describe('reap', () => {
  it('ends what runs and refuses what comes, for good', async () => {
    const signals: AbortSignal[] = []
    const { sidecar, work } = rig([], (_, context) => {
      signals.push(context.signal)
      return new Promise(() => {})
    })
    const running = failure(work())
    await settled()
    sidecar.reap('runaway')
    expect(await running).toMatchObject({ code: 'ERR_REAPED', reason: 'runaway' })
    expect(signals[0]!.reason).toMatchObject({ code: 'ERR_REAPED' })
    sidecar.resume()
    expect((await failure(work())).code).toBe('ERR_REAPED')
    expect(sidecar.state).toBe('failedReaped')
  })
})

describe('close', () => {
  it('lets nothing new in, waits for what runs, then closes the layers, innermost first, once', async () => {
    const closed: string[] = []
    const closing = (name: string) => layer(name, undefined, { close: async () => void closed.push(name) })
    const wait = gate<string>()
    const { sidecar, work, clock } = rig([closing('outer'), closing('inner')], () => wait.promise)
    const running = work()
    await settled()
    const done = Promise.all([sidecar.close(), sidecar.close()])
    expect(await failure(sidecar.send('x'))).toMatchObject({ code: 'ERR_REAPED', reason: 'closed' })
    expect(closed).toEqual([])
    wait.open('out')
    expect(await running).toBe('out')
    await done
    expect(closed).toEqual(['inner', 'outer'])
    expect([sidecar.state, clock.pending]).toEqual(['dismissed', 0])
    await failure(sidecar.send('x'))
    expect(sidecar.state).toBe('dismissed')
  })

  it('lets a send that runs finish what it started', async () => {
    const wait = gate()
    const agent = {
      name: 'a',
      send: async (_: unknown, { tool }: any) => {
        await wait.promise
        return tool({ name: 't', run: () => 'tool' }).run({})
      },
    }
    const { sidecar } = rig([], undefined, { agent })
    const running = sidecar.send('x')
    await settled()
    const done = sidecar.close()
    wait.open()
    expect(await running).toBe('tool')
    await done
  })

  it('aborts after drainMs what still runs', async () => {
    const { sidecar, work, clock } = rig([], () => new Promise(() => {}))
    const running = failure(work())
    await settled()
    const done = sidecar.close({ drainMs: 50 })
    await clock.advance(50)
    expect(await running).toMatchObject({ code: 'ERR_REAPED' })
    await done
  })

  it('closes the layers after what it aborted has booked its end', async () => {
    const order: string[] = []
    const slow = layer(
      'books',
      async (_, next) => {
        try {
          await next()
        } finally {
          await settled()
          await settled()
          order.push('booked')
        }
      },
      { close: async () => void order.push('closed') },
    )
    const { sidecar, work, clock } = rig([slow], () => new Promise(() => {}))
    const running = failure(work())
    await settled()
    const done = sidecar.close({ drainMs: 50 })
    await clock.advance(50)
    await running
    await done
    expect(order).toEqual(['booked', 'closed'])
  })

  it('keeps the process alive until it has ended: nothing else may', async () => {
    const agent = { name: 'a', send: () => new Promise(() => {}) }
    const sidecar = createSidecar({ agent, use: [] })
    const running = failure(sidecar.send('x'))
    const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const done = sidecar.close({ drainMs: 20 })
    expect(timers()).toBe(before + 1)
    await done
    await running
    expect(timers()).toBe(before)
  })

  it('does not wait for a layer that hangs', async () => {
    const stuck = layer('stuck', () => new Promise(() => {}))
    const { sidecar, work, clock } = rig([stuck])
    void work().catch(() => {})
    await settled()
    const done = sidecar.close({ drainMs: 50 })
    await clock.advance(50)
    await clock.advance(1_000)
    await done
    expect(sidecar.state).toBe('dismissed')
  })

  it('closes all layers, though one fails, and says so', async () => {
    const bug = new Error('disk')
    const closed = jest.fn(async () => {})
    const { sidecar } = rig([
      layer('a', undefined, { close: closed }),
      layer('b', undefined, {
        close: async () => {
          throw bug
        },
      }),
    ])
    expect(await failure(sidecar.close())).toBe(bug)
    expect(closed).toHaveBeenCalledTimes(1)
    expect(await failure(rig([]).sidecar.close({ drainMs: Number.NaN }))).toBeInstanceOf(RangeError)
  })

  it('is the last word: what is reaped later stays dismissed', async () => {
    const { sidecar } = rig([])
    await sidecar.close()
    sidecar.reap('late')
    expect(sidecar.state).toBe('dismissed')
  })

  it('happens at the end of an `await using`', async () => {
    const { sidecar } = rig([])
    await sidecar[Symbol.asyncDispose]()
    expect(sidecar.state).toBe('dismissed')
  })
})

describe('what a sidecar tells', () => {
  it('goes to functions only', () => {
    expect(() => rig([]).sidecar.subscribe(5 as never)).toThrow('subscribe: the listener must be a function, got number')
  })

  it('is JSON all through in snapshot()', async () => {
    const { sidecar, work } = rig([
      layer('withA', undefined, { snapshot: () => ({ n: 1 }) }),
      layer(
        'withB',
        async () => {
          throw new Error('x')
        },
        { fail: 'open' },
      ),
    ])
    await work()
    const snapshot = sidecar.snapshot()
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
    expect(snapshot).toMatchObject({
      name: 'probe',
      state: 'summoned',
      inFlight: 0,
      layers: { withA: { n: 1 }, withB: null },
      degraded: { withB: 'withB failed: Error' },
    })
  })

  it('is the chain of each kind in explain()', () => {
    const { sidecar } = rig([
      layer('withA', undefined, { reenters: true, on: ['model'], options: { attempts: 3 } }),
      layer('withB', undefined, { commits: true, perAttempt: true, fail: 'open', expose: { one: 1, two: 2 } }),
    ])
    expect(sidecar.explain()).toBe(
      [
        'probe, outermost first',
        'send:',
        '  withB  [commits, perAttempt]  fails open  shows one, two',
        '  → agent',
        'model:',
        '  withA {"attempts":3}  [reenters]  fails closed',
        '  withB  [commits, perAttempt]  fails open  shows one, two',
        '  → model',
        'tool:',
        '  withB  [commits, perAttempt]  fails open  shows one, two',
        '  → tool',
        'spawn:',
        '  withB  [commits, perAttempt]  fails open  shows one, two',
        '  → spawn',
      ].join('\n'),
    )
  })

  it('is every event, in order, with labels inherited by what is nested', async () => {
    const events: SidecarEvent[] = []
    const labels: unknown[] = []
    const agent = { name: 'a', send: async (_: unknown, { tool }: any) => tool({ name: 't', run: () => 'r' }).run({}) }
    const { sidecar } = rig(
      [
        layer('withEye', async (ctx, next) => {
          labels.push([ctx.kind, ctx.labels, ctx.parent?.kind])
          await next()
        }),
      ],
      undefined,
      { agent },
    )
    sidecar.subscribe(event => events.push(event))
    await sidecar.send('x', { labels: { team: 'red' } })
    expect(labels).toEqual([
      ['send', { team: 'red' }, undefined],
      ['tool', { team: 'red' }, 'send'],
    ])
    expect(events.map(event => ('kind' in event ? `${event.type} ${event.kind}` : `${event.type} ${(event as any).to}`))).toEqual([
      'state working',
      'action.started send',
      'action.started tool',
      'attempt.ended tool',
      'action.ended tool',
      'attempt.ended send',
      'action.ended send',
      'state waitingForInput',
    ])
  })

  it('never fails an action because of a subscriber', async () => {
    const { sidecar } = rig([])
    sidecar.subscribe(() => {
      throw new Error('subscriber')
    })
    expect(await sidecar.send('x')).toBe('x')
  })

  it('is the state of its sends alone: a tool that runs on does not keep it working', async () => {
    const { sidecar, work } = rig([], () => new Promise(() => {}))
    void work().catch(() => {})
    await settled()
    await sidecar.send('x')
    expect(sidecar.state).toBe('waitingForInput')
    sidecar.reap('end of the test')
  })
})

describe('a failing sidecar', () => {
  it('refuses nested actions of the send that runs, too', async () => {
    const seen: unknown[] = []
    const agent = {
      name: 'a',
      send: async (_: unknown, { tool }: any) => {
        const t = tool({ name: 't', run: () => 'r' })
        seen.push(await failure(t.run({})), await failure(t.run({})))
      },
    }
    const { sidecar } = rig(
      [
        layer(
          'withBug',
          async (_, next) => {
            await next()
            throw new Error('late')
          },
          { on: ['tool'] },
        ),
      ],
      undefined,
      { agent },
    )
    await sidecar.send('x')
    expect(seen).toMatchObject([{ outcome: { status: 'done' } }, { outcome: undefined }])
    expect(seen[1]).toBeInstanceOf(LayerError)
  })
})

it('leaves no rejection unhandled when nobody looks at what it refused', async () => {
  const unhandled = watchUnhandled()
  const { sidecar } = rig([])
  sidecar.reap('over')
  sidecar.stream('x').reply.catch(() => {})
  await unhandled.stop()
  expect(unhandled.seen).toEqual([])
})
