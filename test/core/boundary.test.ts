import { setTimeout as sleep } from 'node:timers/promises'
import { BudgetExceededError, CircuitOpenError, DeadlineError, LayerError, ViolationError } from '../../lib/core/errors.js'
import { slot } from '../../lib/core/slot.js'
import type { Context, Outcome, SidecarEvent, ToolAction } from '../../lib/core/types.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { allowNoUnhandled, failure, gate, layer, repeating, rig, settled } from './rig.js'

allowNoUnhandled()

const bug = new Error('bug of the layer')
const effectError = new Error('bug of the effect')
const throwing = (error: unknown) => () => {
  throw error
}
const tool = { on: ['tool'] as const }
const open = { ...tool, fail: 'open' as const }

/** What the outermost layer sees of an action. */
function observed() {
  const seen: { outcome?: Outcome; error?: unknown } = {}
  const outer = layer('withEye', async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      seen.error = error
      throw error
    } finally {
      seen.outcome = ctx.outcome
    }
  })
  return { seen, outer }
}

describe('a layer that breaks its contract', () => {
  const twice = 'withLog called next() twice; only a layer declared with reenters may'
  it.each<[string, (ctx: Context, next: () => Promise<void>) => Promise<void>]>([
    [
      'awaits both',
      async (_, next) => {
        await next()
        await next()
      },
    ],
    [
      'awaits the first only',
      async (_, next) => {
        await next()
        next()
      },
    ],
    [
      'swallows the error',
      async (_, next) => {
        await next()
        await next().catch(() => {})
      },
    ],
    ['starts both at once', async (_, next) => void (await Promise.all([next(), next()]))],
    [
      'returns the first',
      (_, next) => {
        const first = next()
        next()
        return first
      },
    ],
  ])('is named when it calls next() twice and %s', async (_, fn) => {
    const { work, runs } = rig([layer('withLog', fn, tool)])
    const error = await failure(work())
    expect(error).toBeInstanceOf(LayerError)
    expect(error.message).toBe(twice)
    expect(runs).toHaveLength(1)
  })

  it('is named when it repeats a failed action, with the failure as the cause', async () => {
    const { work } = rig([layer('withLog', (_, next) => next().catch(next))], throwing(effectError))
    expect(await failure(work())).toMatchObject({ message: twice, cause: effectError })
  })

  it('is named when it does not await next(), after the inner side has ended', async () => {
    const wait = gate()
    const { work, runs } = rig([layer('withLog', async (_, next) => void next(), tool)], () => wait.promise)
    const ended = failure(work())
    await settled()
    wait.open()
    expect((await ended).message).toBe('withLog returned while its next() was still running; write await next()')
    expect((await ended).outcome).toMatchObject({ status: 'done', sent: true })
    expect(runs).toHaveLength(1)
  })

  it('does not hide the inner error when it does not await next()', async () => {
    const { work } = rig([layer('withLog', async (_, next) => void next(), tool)], async () => {
      await settled()
      throw effectError
    })
    expect(await failure(work())).toBe(effectError)
  })

  it('is refused as a short-circuit when it never goes inward', async () => {
    const { outer, seen } = observed()
    const { work, runs } = rig([outer, layer('withNothing', async () => {}, tool)])
    const error = await failure(work())
    expect(error.message).toBe('withNothing returned without calling next(); throw an error to refuse the action')
    expect(seen.outcome).toMatchObject({ status: 'short-circuit', layer: 'withNothing', sent: false })
    expect(runs).toHaveLength(0)
  })

  it('may return nothing at all, being no async function', async () => {
    const { work } = rig([layer('withSync', (() => {}) as never, tool)])
    expect((await failure(work())).code).toBe('ERR_LAYER')
  })
})

describe('a closed layer', () => {
  it('that throws before next() keeps the action from happening', async () => {
    const { outer, seen } = observed()
    const { work, runs, sidecar } = rig([outer, layer('withBug', throwing(bug), tool)])
    const error = await failure(work())
    expect(error).toMatchObject({ code: 'ERR_LAYER', layer: 'withBug', message: 'withBug failed before the action; see cause', cause: bug })
    expect(seen.outcome).toMatchObject({ status: 'refused', layer: 'withBug', sent: false })
    expect(runs).toHaveLength(0)
    expect(sidecar.snapshot().failing).toBeNull()
  })

  it('that throws after a good next() carries the outcome, and stops the sidecar until resume()', async () => {
    const { outer, seen } = observed()
    let broken = true
    const { work, runs, sidecar } = rig([
      outer,
      layer(
        'withBug',
        async (_, next) => {
          await next()
          if (broken) throw bug
        },
        tool,
      ),
    ])
    const error = await failure(work())
    expect(error).toMatchObject({ code: 'ERR_LAYER', cause: bug, outcome: { status: 'done', sent: true } })
    expect(seen.outcome).toMatchObject({ status: 'error', error, layer: 'withBug', sent: true })
    expect(sidecar.snapshot().failing).toBe('withBug failed after the action; see cause')
    const next = await failure(work())
    expect(next).toMatchObject({ code: 'ERR_LAYER', layer: 'withBug', cause: error, outcome: undefined })
    expect(next.message).toMatch(/probe is failing: withBug failed after the action.*call resume\(\)/)
    expect((await failure(sidecar.send('x'))).code).toBe('ERR_LAYER')
    expect(runs).toHaveLength(1)
    broken = false
    sidecar.resume()
    expect(await work()).toBe('in')
  })

  it('that means its error after a good next() does not stop the sidecar', async () => {
    const verdict = new ViolationError({ ruleId: 'content' })
    const { outer, seen } = observed()
    const { work, sidecar } = rig([
      outer,
      layer(
        'withRule',
        async (_, next) => {
          await next()
          throw verdict
        },
        tool,
      ),
    ])
    expect(await failure(work())).toBe(verdict)
    expect(seen.outcome).toMatchObject({ status: 'error', error: verdict, layer: 'withRule', sent: true })
    expect(sidecar.snapshot().failing).toBeNull()
  })

  it('that throws after an inner error replaces it, with its own as the cause', async () => {
    const { work } = rig(
      [
        layer(
          'withBug',
          async (_, next) => {
            await next().catch(throwing(bug))
          },
          tool,
        ),
      ],
      throwing(effectError),
    )
    expect(await failure(work())).toMatchObject({ code: 'ERR_LAYER', layer: 'withBug', cause: bug })
  })

  it('cannot swallow an inner error', async () => {
    const { work } = rig(
      [
        layer(
          'withHush',
          async (_, next) => {
            await next().catch(() => {})
          },
          tool,
        ),
      ],
      throwing(effectError),
    )
    expect(await failure(work())).toBe(effectError)
  })

  it('that throws with next() pending aborts, waits for the inner side and rejects', async () => {
    const order: string[] = []
    const closed = layer(
      'withTimer',
      async (_, next) => {
        await Promise.race([next(), Promise.reject(bug)])
      },
      tool,
    )
    const inner = layer(
      'withInner',
      async (ctx, next) => {
        await next().finally(async () => {
          await settled()
          order.push(`inner ended, aborted: ${ctx.signal.aborted}`)
        })
      },
      tool,
    )
    const { work } = rig([closed, inner], () => new Promise(() => {}))
    const error = await failure(work())
    order.push('caller')
    expect(error).toMatchObject({ code: 'ERR_LAYER', layer: 'withTimer', cause: bug })
    expect(order).toEqual(['inner ended, aborted: true', 'caller'])
  })

  it('passes a typed error of its own as the same object, whenever it is thrown', async () => {
    const budget = new BudgetExceededError({ unit: 'tokens', needed: 2, remaining: 1, allocated: 1, spent: 0, account: 'a' })
    const before = rig([layer('withBefore', throwing(budget), tool)])
    expect(await failure(before.work())).toBe(budget)
    const deadline = new DeadlineError({ deadline: 'total', ms: 5 })
    const during = rig(
      [
        layer(
          'withDuring',
          async (_, next) => {
            await Promise.race([next(), Promise.reject(deadline)])
          },
          tool,
        ),
      ],
      () => new Promise(() => {}),
    )
    expect(await failure(during.work())).toBe(deadline)
  })
})

describe('an abort that a layer wraps', () => {
  const reason = new Error('caller')
  const node = (ctx: Context) => sleep(60_000, undefined, { signal: ctx.signal })
  const again = { reenters: true }
  it.each<[string, (ctx: Context, next: () => Promise<void>) => Promise<void>, object?]>([
    ['before next(), by a wait of Node', (ctx, next) => node(ctx).then(next)],
    ['after next(), by a wait of Node', (ctx, next) => next().then(() => node(ctx))],
    ['around next(), as a cause', (_, next) => next().catch(cause => Promise.reject(new Error('wrapped', { cause })))],
    ['before an attempt', (ctx, next) => node(ctx).then(next), again],
    ['after an attempt', (ctx, next) => next().then(() => node(ctx)), again],
    ['in an open layer', (ctx, next) => node(ctx).then(next), { fail: 'open' }],
  ])('is the abort itself: %s', async (when, fn, meta = {}) => {
    const { seen, outer } = observed()
    const controller = new AbortController()
    const hang = () => (when.startsWith('around') ? new Promise(() => {}) : 1)
    const { sidecar, work } = rig([outer, layer('withWait', fn, meta)], hang)
    const done = failure(work('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await done).toBe(reason)
    expect(seen.outcome).toMatchObject({ status: 'aborted', error: reason })
    const { failing, degraded } = sidecar.snapshot()
    expect({ failing, degraded }).toEqual({ failing: null, degraded: {} })
  })

  it('keeps an error without it, and does not stop the sidecar for what came of an abort', async () => {
    const controller = new AbortController()
    const after = layer('withAfter', async (ctx, next) => {
      await next()
      await node(ctx).catch(throwing(bug))
    })
    const { sidecar, work } = rig([after])
    const done = failure(work('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await done).toMatchObject({ code: 'ERR_LAYER', cause: bug })
    expect(sidecar.snapshot().failing).toBeNull()
  })

  it('keeps a verdict that names it as its cause', async () => {
    const verdict = Object.assign(new ViolationError({ ruleId: 'r' }), { cause: reason })
    const controller = new AbortController()
    const judge = layer('withJudge', (ctx, next) => node(ctx).then(next, throwing(verdict)))
    const done = failure(rig([judge]).work('x', { signal: controller.signal }))
    await settled()
    controller.abort(reason)
    expect(await done).toBe(verdict)
  })
})

describe('an open layer', () => {
  const degraded = ({ sidecar }: ReturnType<typeof rig>) => sidecar.snapshot().degraded

  it('that throws before next() is passed over', async () => {
    const r = rig([layer('withBug', throwing(bug), open)])
    expect(await r.work()).toBe('in')
    expect(degraded(r)).toEqual({ withBug: 'withBug failed: Error' })
  })

  it('that throws after a good next() changes nothing, and is told as degraded', async () => {
    const events: SidecarEvent[] = []
    const r = rig([
      layer(
        'withBug',
        async (_, next) => {
          await next()
          throw bug
        },
        open,
      ),
    ])
    r.sidecar.subscribe(event => events.push(event))
    expect(await r.work()).toBe('in')
    expect(events.filter(({ type }) => type === 'layer.degraded')).toMatchObject([{ layer: 'withBug', error: 'withBug failed: Error' }])
    expect(r.sidecar.snapshot().failing).toBeNull()
  })

  it.each<[string, (next: () => Promise<void>) => Promise<void>]>([
    [
      'throw after',
      async next => {
        try {
          await next()
        } finally {
          throwing(bug)()
        }
      },
    ],
    [
      'replace',
      async next => {
        await next().catch(throwing(bug))
      },
    ],
    [
      'replace by a verdict',
      async next => {
        await next().catch(throwing(new ViolationError({ ruleId: 'r' })))
      },
    ],
    [
      'swallow',
      async next => {
        await next().catch(() => {})
      },
    ],
  ])('cannot %s an inner error', async (_, fn) => {
    const { work } = rig([layer('withBug', (__, next) => fn(next), open)], throwing(effectError))
    expect(await failure(work())).toBe(effectError)
  })

  it('that throws with next() pending does not disturb what runs', async () => {
    const wait = gate<string>()
    const r = rig(
      [
        layer(
          'withBug',
          async (_, next) => {
            next()
            throw bug
          },
          open,
        ),
      ],
      () => wait.promise,
    )
    const done = r.work()
    await settled()
    wait.open('out')
    expect(await done).toBe('out')
    expect(degraded(r)).toEqual({ withBug: 'withBug failed: Error' })
  })

  it('that hangs before next() is passed over after patienceMs', async () => {
    const r = rig([layer('withHang', () => new Promise(() => {}), { ...open, patienceMs: 250 })])
    let reply: unknown
    void r.work().then(value => {
      reply = value
    })
    await r.clock.advance(249)
    expect(r.runs).toHaveLength(0)
    await r.clock.advance(1)
    expect(reply).toBe('in')
    expect(degraded(r)).toEqual({ withHang: 'withHang did not call next() within 250 ms' })
    expect(r.clock.pending).toBe(0)
  })

  it('gets 1,000 ms where it does not say, and changes nothing when it comes back late', async () => {
    const late = gate()
    const r = rig([
      layer(
        'withLate',
        async (_, next) => {
          await late.promise
          await next()
          throw bug
        },
        open,
      ),
    ])
    const done = r.work()
    await r.clock.advance(999)
    expect(r.runs).toHaveLength(0)
    await r.clock.advance(1)
    expect(await done).toBe('in')
    late.open()
    await settled()
    expect(r.runs).toHaveLength(1)
  })

  it.each([
    ['an ordinary one', {}],
    ['a re-entering one', { reenters: true }],
  ])('that was given up changes nothing when it comes back late: %s', async (_, meta) => {
    const mark = slot<string>('boundary.late', { scope: 'agent' })
    const seen: unknown[] = []
    const late = async (ctx: Context, next: () => Promise<void>) => {
      await new Promise<void>(resolve => void ctx.clock.after(1500, resolve))
      ctx.tap({ event: throwing(bug) })
      ctx.narrow({ maxTokens: 1 })
      ctx.rewrite(ctx.action)
      mark.set(ctx, 'late')
      await ctx.emit('late')
      seen.push(await ctx.during('throttle', async () => 'ran'), mark.peek(ctx))
      await next()
    }
    const clock = new VirtualClock()
    const agent = {
      name: 'slow',
      async *stream() {
        for (let n = 0; n < 3; n++) {
          await new Promise<void>(resolve => void clock.after(1000, resolve))
          yield n
        }
      },
    }
    const { sidecar } = rig([layer('withLate', late, { fail: 'open', ...meta })], undefined, { agent, clock } as never)
    const got: unknown[] = []
    const read = async () => {
      for await (const event of sidecar.stream('x')) got.push(event)
    }
    const ended = read()
    await clock.advance(5000)
    await ended
    expect(got).toEqual([0, 1, 2])
    expect(seen).toEqual(['ran', undefined])
    expect(sidecar.snapshot().degraded).toEqual({ withLate: 'withLate did not call next() within 1000 ms' })
  })

  it('sees and does through its context what any layer does', async () => {
    const size = slot<number>('boundary.size')
    const facts = ({ id, kind, agent, parent, signal, action, attempt, attempts, outcome, usage, clock, labels, released }: Context) =>
      ({ id, kind, agent, parent, signal, action, attempt, attempts, outcome, usage, clock, labels, released }) as const
    const seen: object[] = []
    const eye = (name: string, meta: object) =>
      layer(
        name,
        async (ctx, next) => {
          if (name === 'withOpen') ctx.rewrite({ ...(ctx.action as ToolAction), input: 'other' })
          size.set(ctx, 1 + (size.peek(ctx) ?? 0))
          await ctx.during('throttle', next)
          seen.push({ ...facts(ctx), size: size.get(ctx) })
        },
        meta,
      )
    const { work } = rig([eye('withOpen', { fail: 'open', rewrites: true }), eye('withClosed', {})])
    expect(await work()).toBe('other')
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]).toMatchObject({ kind: 'tool', size: 2, outcome: { status: 'done' } })
  })

  it('that returns without next() is passed over', async () => {
    const r = rig([layer('withNothing', async () => {}, open)])
    expect(await r.work()).toBe('in')
    expect(degraded(r)).toEqual({ withNothing: 'withNothing returned without calling next()' })
  })

  it('that calls next() twice or forgets to await it is noted', async () => {
    const r = rig(
      [
        layer(
          'withTwo',
          async (_, next) => {
            await next()
            next()
          },
          open,
        ),
        layer('withFloat', async (_, next) => void next(), open),
      ],
      () => settled().then(() => 'out'),
    )
    expect(await r.work()).toBe('out')
    expect(Object.keys(degraded(r) as object).sort()).toEqual(['withFloat', 'withTwo'])
    expect(r.runs).toHaveLength(1)
  })

  it('refuses by a verdict like any layer: only its failures are passed over', async () => {
    const verdict = new CircuitOpenError({ retryAfterMs: 5 })
    const r = rig([layer('withBreaker', throwing(verdict), open)])
    expect(await failure(r.work())).toBe(verdict)
    expect(r.runs).toHaveLength(0)
    expect(degraded(r)).toEqual({})
  })

  it('is not degraded by an abort of its action', async () => {
    const controller = new AbortController()
    const waiting = layer(
      'withWait',
      async (ctx, next) => {
        await new Promise((_, reject) => {
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
        })
        await next()
      },
      open,
    )
    const r = rig([waiting])
    const ended = failure(r.work('in', { signal: controller.signal }))
    await settled()
    const reason = new Error('stop')
    controller.abort(reason)
    expect(await ended).toBe(reason)
    expect(degraded(r)).toEqual({})
    expect(r.clock.pending).toBe(0)
  })
})

describe('errors of the agent', () => {
  it.each([
    ['layers', []],
    ['a re-entering layer', [repeating('withAgain', 2)]],
  ])('pass %s as they are, NaN too', async (_, more) => {
    const seen: unknown[] = []
    const open = layer('withOpen', undefined, { fail: 'open' })
    const { work, sidecar } = rig([open, ...more, layer('withPlain')], throwing(Number.NaN))
    sidecar.subscribe(event => event.type === 'action.ended' && seen.push(event.outcome))
    expect(await failure(work())).toBeNaN()
    expect(seen).toEqual([{ status: 'error', error: Number.NaN, sent: true }])
    expect(sidecar.snapshot().degraded).toEqual({})
  })

  it.each([new Error('mine'), 'a string', undefined, 0, Object.freeze({ odd: true })])(
    'pass through all layers as they are: %p',
    async thrown => {
      const layers = [
        layer('a'),
        layer('b', async (_, next) => {
          await next()
        }),
        layer(
          'c',
          async (_, next) => {
            try {
              await next()
            } finally {
              await settled()
            }
          },
          { fail: 'open' },
        ),
      ]
      const { sidecar } = rig(layers, undefined, {
        agent: {
          name: 'bad',
          send: async () => {
            throw thrown
          },
        },
      })
      const seen = await sidecar.send('x').then(
        () => 'resolved',
        error => ({ error }),
      )
      expect(seen).toEqual({ error: thrown })
      expect((seen as { error: unknown }).error).toBe(thrown)
    },
  )
})
