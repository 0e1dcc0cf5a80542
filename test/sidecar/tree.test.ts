import { createSidecar } from '../../lib/index.js'
import { withBudget } from '../../middleware/index.js'
import type { Context, Outcome } from '../../lib/core/types.js'
import { VirtualClock } from '../../lib/testing/index.js'
import { allowNoUnhandled, failure, gate, layer, repeating, rig, settled } from '../core/rig.js'

allowNoUnhandled()

const reason = new Error('caller stops')
const agentOf = (send: (message: any, call: any) => unknown) => ({
  agent: { name: 'a', send: async (message: unknown, call: unknown) => send(message, call) },
})
const never = { name: 'never', run: () => new Promise(() => {}) }

describe('abort', () => {
  it("of a send runs down to what is nested, with the caller's own reason, and leaves no listener on his signal", async () => {
    const controller = new AbortController()
    const remove = jest.spyOn(controller.signal, 'removeEventListener')
    const reasons: unknown[] = []
    const { sidecar } = rig(
      [],
      undefined,
      agentOf(async (_, { tool, signal }) => {
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        await tool(never)
          .run({})
          .catch((error: unknown) => {
            reasons.push(error)
            throw error
          })
      }),
    )
    const sent = failure(sidecar.send('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await sent).toBe(reason)
    await settled()
    expect(reasons).toEqual([reason, reason])
    expect(remove).toHaveBeenCalled()
  })

  it.each([
    ['by the handles of its call', false],
    ['by handles that find their send', true],
  ])('of one attempt refuses what its agent starts later %s, while the next one runs and after it', async (_, byFactory) => {
    const clock = new VirtualClock()
    const wait = (ms: number) => new Promise<void>(resolve => void clock.after(ms, resolve))
    const limit = layer(
      'withLimit',
      async (ctx, next) => {
        if (ctx.attempt > 1) return next()
        await Promise.race([next(), wait(50).then(() => Promise.reject(reason))])
      },
      { on: ['send'], perAttempt: true },
    )
    const seen: unknown[] = []
    const ran: number[] = []
    let sends = 0
    const make = (io: any) => ({
      name: 'zombie',
      send: async (_message: unknown, call: any) => {
        const me = ++sends
        const tool = (byFactory ? io : call).tool({ name: 't', run: async () => ran.push(me) })
        await wait(100)
        if (me === 2) return tool.run({})
        for (const ms of [150, 0]) {
          await tool.run({}).catch((error: unknown) => seen.push(error, call.signal.reason))
          await wait(ms)
        }
      },
    })
    const agent = byFactory ? make : make(undefined)
    const { sidecar } = rig([repeating('withAgain', 2, { on: ['send'] }), limit], undefined, { agent, clock } as never)
    const sent = sidecar.send('x')
    await clock.advance(300)
    expect(await sent).toBe(1)
    expect(ran).toEqual([2])
    expect(seen).toHaveLength(4)
    expect(new Set(seen).size).toBe(1)
  })

  it('before the start refuses the send', async () => {
    const { sidecar } = rig([])
    expect(await failure(sidecar.send('x', { signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  it('does not wait for an agent that ignores it: the action is detached until the agent ends', async () => {
    const controller = new AbortController()
    const wait = gate()
    const outcomes: Outcome[] = []
    const eye = layer(
      'withEye',
      async (ctx, next) => {
        await next().finally(() => outcomes.push(ctx.outcome!))
      },
      { on: ['send'] },
    )
    const { sidecar } = rig(
      [eye],
      undefined,
      agentOf(() => wait.promise),
    )
    const sent = failure(sidecar.send('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await sent).toBe(reason)
    expect(outcomes).toMatchObject([{ status: 'aborted', sent: true }])
    let ended = false
    void outcomes[0]!.detached!.then(() => {
      ended = true
    })
    await settled()
    expect(ended).toBe(false)
    wait.open()
    await settled()
    expect(ended).toBe(true)
  })

  it('does not wait for a generator that ignores it either', async () => {
    const controller = new AbortController()
    const wait = gate()
    let outcome: Outcome | undefined
    const eye = layer('withEye', async (ctx, next) => {
      await next().finally(() => {
        outcome = ctx.outcome
      })
    })
    const seen: unknown[] = []
    const agent = {
      name: 'a',
      async *stream() {
        await wait.promise
        yield 'too late'
        seen.push('resumed')
      },
    }
    const { sidecar } = rig([eye], undefined, { agent } as never)
    const sent = failure(sidecar.send('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await sent).toBe(reason)
    let ended = false
    void outcome!.detached!.then(() => {
      ended = true
    })
    await settled()
    expect(ended).toBe(false)
    wait.open()
    await settled()
    expect([ended, seen]).toEqual([true, []])
  })

  it('leaves the action detached until the generator has cleaned up', async () => {
    const controller = new AbortController()
    const cleaning = gate()
    let outcome: Outcome | undefined
    const eye = layer('withEye', async (ctx, next) => {
      await next().finally(() => {
        outcome = ctx.outcome
      })
    })
    const agent = {
      name: 'a',
      async *stream(_: unknown, { signal }: any) {
        try {
          await new Promise((_, reject) => signal.addEventListener('abort', () => setImmediate(() => reject(signal.reason))))
          yield 1
        } finally {
          await cleaning.promise
        }
      },
    }
    const { sidecar } = rig([eye], undefined, { agent } as never)
    const sent = failure(sidecar.send('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await sent).toBe(reason)
    let ended = false
    void outcome!.detached!.then(() => {
      ended = true
    })
    await settled()
    await settled()
    expect(ended).toBe(false)
    cleaning.open()
    await settled()
    expect(ended).toBe(true)
  })

  it('does not wait for a tool that ignores it, nor for its late error', async () => {
    const controller = new AbortController()
    const wait = gate()
    const { work } = rig([], () => wait.promise)
    const ran = failure(work('in', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await ran).toBe(reason)
    wait.fail(new Error('late'))
    await settled()
  })

  it('refuses what a detached agent still tries', async () => {
    const controller = new AbortController()
    const wait = gate()
    const late = gate<unknown>()
    const run = jest.fn()
    const { sidecar } = rig(
      [],
      undefined,
      agentOf(async (_, { tool }) => {
        await wait.promise
        late.open(await failure(tool({ name: 't', run }).run({})))
      }),
    )
    const sent = failure(sidecar.send('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    await sent
    wait.open()
    expect(await late.promise).toBe(reason)
    expect(run).not.toHaveBeenCalled()
  })
})

describe('an action that outlives its send', () => {
  it("is not aborted by a later abort of that send's signal, and ends with the sidecar", async () => {
    const controller = new AbortController()
    let late!: Promise<unknown>
    const { sidecar } = rig(
      [],
      undefined,
      agentOf((_, { tool }) => {
        late = failure(tool(never).run({}))
        return 'reply'
      }),
    )
    expect(await sidecar.send('x', { signal: controller.signal })).toBe('reply')
    controller.abort(reason)
    let ended = false
    void late.then(() => {
      ended = true
    })
    await settled()
    expect(ended).toBe(false)
    sidecar.reap('over')
    expect(await late).toMatchObject({ code: 'ERR_REAPED' })
  })

  it('hangs on the sidecar when it begins after the end, with no parent', async () => {
    const parents: unknown[] = []
    let late!: () => Promise<unknown>
    const eye = layer('withEye', async (ctx: Context, next) => {
      parents.push([ctx.kind, ctx.parent?.kind])
      await next()
    })
    const { sidecar } = rig(
      [eye],
      undefined,
      agentOf((_, { tool }) => {
        late = () => tool({ name: 't', run: () => 'late' }).run({})
      }),
    )
    await sidecar.send('x')
    expect(await late()).toBe('late')
    expect(parents).toEqual([
      ['send', undefined],
      ['tool', undefined],
    ])
  })
})

describe('what is judged is what runs', () => {
  const slow = layer('withSlow', async (_, next) => {
    await settled()
    await next()
  })

  it('whatever the caller does to his message, before or while the agent runs', async () => {
    const message = { text: 'good', list: [1] }
    const given: unknown[] = []
    const { sidecar } = rig(
      [slow],
      undefined,
      agentOf(async m => {
        await settled()
        given.push({ ...m })
        m.text = 'mine to change'
      }),
    )
    const sent = sidecar.send(message)
    message.text = 'evil'
    message.list.push(2)
    await sent
    expect(given).toEqual([{ text: 'good', list: [1] }])
    expect(message).toEqual({ text: 'evil', list: [1, 2] })
    expect(Object.isFrozen(message)).toBe(false)
  })

  it('whatever happens to the input of a tool, or to a URL', async () => {
    const input = { command: 'ls' }
    const { work, runs } = rig([slow])
    const done = work(input)
    input.command = 'rm'
    expect(await done).toEqual({ command: 'ls' })
    expect(runs).toEqual([{ command: 'ls' }])
    const real = globalThis.fetch
    const fetched: unknown[] = []
    globalThis.fetch = (async (...args: unknown[]) => {
      fetched.push(args[0])
      return new Response('ok')
    }) as never
    try {
      const url = new URL('https://good.example/a')
      const { sidecar } = rig([slow])
      const answer = sidecar.fetch(url)
      url.host = 'evil.example'
      expect(await (await answer).text()).toBe('ok')
      expect(fetched).toEqual(['https://good.example/a'])
    } finally {
      globalThis.fetch = real
    }
  })

  it('and a tool may write to its input without a change of what is recorded', async () => {
    let recorded: unknown
    const eye = layer('withEye', async (ctx, next) => {
      await next()
      recorded = (ctx.action as any).input
    })
    const { work } = rig([eye], input => Object.assign(input, { done: true }))
    expect(await work({ n: 1 })).toEqual({ n: 1, done: true })
    expect(recorded).toEqual({ n: 1 })
  })

  it('after a rewrite, too', async () => {
    const swap = layer(
      'withSwap',
      async (ctx, next) => {
        ctx.rewrite({ ...(ctx.action as any), input: { command: 'safe' } })
        await next()
      },
      { rewrites: true, on: ['tool'] },
    )
    expect(await rig([swap]).work({ command: 'unsafe' })).toEqual({ command: 'safe' })
  })

  it('and no layer can change it in place', async () => {
    const thief = layer('withThief', async (ctx, next) => {
      ;(ctx.action as any).input.command = 'rm'
      await next()
    })
    expect((await failure(rig([thief]).work({ command: 'ls' }))).cause).toBeInstanceOf(TypeError)
  })

  it('passes class instances as they are', async () => {
    const made = new (class Own {
      n = 1
    })()
    expect(await rig([]).sidecar.send(made)).toBe(made)
  })
})

describe('a guarded tool', () => {
  it('is the same tool with another run: fields, symbols and prototype stay', async () => {
    const mark = Symbol('mark')
    class Base {
      inherited() {
        return 'base'
      }
    }
    const definition = Object.assign(new Base(), {
      name: 't',
      description: 'd',
      [mark]: 1,
      secret: 41,
      run(this: any, n: number) {
        return this.secret + n
      },
    })
    const guarded = rig([]).sidecar.tool(definition)
    expect([guarded.name, guarded.description, (guarded as any)[mark], guarded.inherited()]).toEqual(['t', 'd', 1, 'base'])
    expect(await guarded.run(1)).toBe(42)
    expect(guarded).not.toBe(definition)
  })

  it.each([undefined, null, {}, { name: 't' }, { name: '', run() {} }, { run() {} }])('refuses %p', definition => {
    expect(() => rig([]).sidecar.tool(definition as never)).toThrow(/needs a name and run\(input\)/)
  })

  it('keeps the error of its run as it is', async () => {
    const error = new Error('mine')
    expect(
      await failure(
        rig([], () => {
          throw error
        }).work(),
      ),
    ).toBe(error)
  })
})

describe('a factory', () => {
  it('gets handles that find their send, by an AsyncLocalStorage entered only for it', async () => {
    const key = Symbol.for('outrigger.v1')
    delete (globalThis as any)[key]
    const parents: unknown[] = []
    const eye = layer('withEye', async (ctx, next) => {
      if (ctx.kind === 'tool') parents.push(ctx.parent?.kind)
      await next()
    })
    const plain = rig(
      [eye],
      undefined,
      agentOf((_, { tool }) => tool({ name: 't', run: () => 1 }).run({})),
    )
    await plain.sidecar.send('x')
    expect((globalThis as any)[key]).toBeUndefined()
    const made = rig([eye], undefined, {
      agent: (io: any) => {
        const tool = io.tool({ name: 't', run: () => 2 })
        return {
          name: 'made',
          send: async () => {
            await settled()
            return tool.run({})
          },
        }
      },
    } as never)
    expect(await made.sidecar.send('x')).toBe(2)
    expect((globalThis as any)[key]).toBeDefined()
    expect(parents).toEqual(['send', 'send'])
  })
})

describe('an opaque agent', () => {
  const opaque = { model: 'claude-haiku-4-5', maxTokens: 100 }
  it('is charged at the send, estimated, or by what its reply reports', async () => {
    const { sidecar } = rig([], undefined, { agent: { name: 'a', opaque, send: async (message: any) => message } as never })
    const first = await sidecar.call('some words to count')
    expect(first.usage).toMatchObject({ certainty: 'estimated' })
    expect(first.usage.input).toBeGreaterThan(0)
    expect(first.attempts).toHaveLength(1)
    const second = await sidecar.call({ usage: { input_tokens: 7, output_tokens: 3 } })
    expect(second.usage).toMatchObject({ input: 7, output: 3, certainty: 'measured' })
  })

  it('is charged for the message that was judged, whatever it does to its own copy', async () => {
    const message = { messages: ['word '.repeat(1000)] }
    const charged = async (send: (message: any) => Promise<unknown>) => {
      const { sidecar } = rig([], undefined, { agent: { name: 'a', opaque, send } as never })
      await sidecar.send(message)
      return sidecar.tokenUsage
    }
    const emptying = async (own: any) => {
      own.messages.length = 0
      return 'ok'
    }
    expect(await charged(emptying)).toEqual(await charged(async () => 'ok'))
  })

  it('is charged its declared maximum when it fails', async () => {
    const { sidecar } = rig([], undefined, {
      agent: {
        name: 'a',
        opaque,
        send: async () => {
          throw reason
        },
      } as never,
    })
    expect(await failure(sidecar.send('x'))).toBe(reason)
    expect(sidecar.tokenUsage).toMatchObject({ output: 100, certainty: 'estimated' })
  })
})

describe('the spend of an opaque agent', () => {
  const opaque = { model: 'claude-haiku-4-5', maxTokens: 1000 }
  const cycle = (): object => {
    const self: { self?: object } = {}
    self.self = self
    return self
  }
  let deep: unknown = 'x'
  for (let level = 0; level < 50_000; level++) deep = [deep]
  const unreadable = {
    get usage() {
      throw new Error('not now')
    },
  }

  it('is charged, and its reply given, whatever the reply is', async () => {
    for (const reply of [cycle(), deep, unreadable]) {
      const sidecar = createSidecar({ agent: { name: 'q', opaque, send: async () => reply }, use: [withBudget({ usd: 1 })] })
      expect((await sidecar.send('x')) === reply).toBe(true)
      const { spent, held } = sidecar.budget.nanoUsd as { spent: number; held: number }
      expect({ held, charged: spent > 0 }).toEqual({ held: 0, charged: true })
    }
  })

  it('can be estimated of a message that contains itself', async () => {
    const sidecar = createSidecar({ agent: { name: 'q', opaque, send: async (_: object) => 'done' }, use: [withBudget({ usd: 1 })] })
    expect(await sidecar.send(cycle())).toBe('done')
  })

  it('is unknown, not zero, while the agent ignores its abort', async () => {
    const { promise, open } = gate()
    const sidecar = createSidecar({ agent: { name: 'q', opaque, send: () => promise }, use: [] })
    const controller = new AbortController()
    const sent = failure(sidecar.send('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await sent).toBe(reason)
    expect(sidecar.tokenUsage.certainty).toBe('unknown')
    open()
  })
})
