import { DeadlineError, LayerError, ViolationError } from '../../lib/core/errors.js'
import { slot } from '../../lib/core/slot.js'
import type { Action, Attempt, Context, SidecarEvent, ToolAction } from '../../lib/core/types.js'
import { allowNoUnhandled, failure, gate, layer, repeating, rig, settled } from './rig.js'

allowNoUnhandled()

/** Fails until call `good`. */
const failingUntil = (good: number) => {
  let n = 0
  return () => {
    if (++n < good) throw new Error(`call ${n}`)
    return `call ${n}`
  }
}

/** Hands the context of the outermost layer out. */
function eye() {
  const box: { ctx?: Context } = {}
  return {
    box,
    outer: layer('withEye', async (ctx, next) => {
      box.ctx = ctx
      await next()
    }),
  }
}

describe('attempts', () => {
  it('are archived with their own outcome, error and times', async () => {
    const { outer, box } = eye()
    const events: SidecarEvent[] = []
    const { work, sidecar } = rig([outer, repeating('withAgain', 3)], failingUntil(3))
    sidecar.subscribe(event => events.push(event))
    expect(await work()).toBe('call 3')
    expect(box.ctx!.attempts.map(({ n, outcome }) => [n, outcome.status, (outcome.error as Error)?.message])).toEqual([
      [1, 'error', 'call 1'],
      [2, 'error', 'call 2'],
      [3, 'done', undefined],
    ])
    expect(events.filter(({ type }) => type === 'attempt.ended')).toHaveLength(3)
    expect(Object.isFrozen(box.ctx!.attempts[0])).toBe(true)
  })

  it('carry their own usage; outside the re-entering layer it is the total', async () => {
    const usages: number[] = []
    const outer = layer('withEye', async (ctx, next) => {
      await next()
      usages.push(ctx.usage.input)
    })
    const inner = layer('withInner', async (ctx, next) => {
      ;(ctx as any).report({ ...ctx.usage, input: 10 * ctx.attempt })
      try {
        await next()
      } finally {
        usages.push(ctx.usage.input)
      }
    })
    const { work, sidecar } = rig([outer, repeating('withAgain', 3), inner], failingUntil(3))
    await work()
    expect(usages).toEqual([10, 20, 30, 60])
    expect(sidecar.tokenUsage.input).toBe(60)
  })

  it('that a layer fails after a good answer are no good attempts', async () => {
    const { outer, box } = eye()
    const verdict = new ViolationError({ ruleId: 'r' })
    const inner = layer('withRule', async (ctx, next) => {
      await next()
      if (ctx.attempt === 1) throw verdict
    })
    const { work } = rig([outer, repeating('withAgain', 2), inner])
    await work()
    expect(box.ctx!.attempts.map(({ outcome }) => outcome)).toMatchObject([
      { status: 'error', error: verdict, layer: 'withRule', sent: true },
      { status: 'done' },
    ])
  })

  it('run one after the other: a second that overlaps is refused and the first ends before the caller hears', async () => {
    const both = layer('withBoth', async (_, next) => void (await Promise.all([next(), next()])), { reenters: true })
    const { work, runs } = rig([both], () => new Promise(() => {}))
    expect((await failure(work())).message).toBe('withBoth called next() while an attempt was running; await it first')
    expect(runs).toHaveLength(1)
  })

  it('may be a thousand', async () => {
    const { outer, box } = eye()
    const { work } = rig([outer, repeating('withAgain', 1000), layer('withInner')], failingUntil(1000))
    expect(await work()).toBe('call 1000')
    expect(box.ctx!.attempts).toHaveLength(1000)
    expect(box.ctx!.attempts.at(-1)!.n).toBe(1000)
  })

  it('none follows the abort of the action: next() rejects with the reason', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const { work, runs } = rig([repeating('withAgain', 5)], () => {
      controller.abort(reason)
      throw new Error('after')
    })
    expect(await failure(work('in', { signal: controller.signal }))).toBe(reason)
    expect(runs).toHaveLength(1)
  })
})

describe('a re-entering layer', () => {
  it('may go inward once, or give up with the last error untouched', async () => {
    expect(await rig([repeating('withAgain', 3)]).work()).toBe('in')
    const error = new Error('always')
    expect(
      await failure(
        rig([repeating('withAgain', 3)], () => {
          throw error
        }).work(),
      ),
    ).toBe(error)
  })

  it('that swallows the last error does not swallow it', async () => {
    const error = new Error('always')
    const hush = layer(
      'withHush',
      async (_, next) => {
        await next().catch(() => {})
      },
      { reenters: true },
    )
    expect(
      await failure(
        rig([hush], () => {
          throw error
        }).work(),
      ),
    ).toBe(error)
  })

  it('that never goes inward is a short-circuit; that throws before is a refusal', async () => {
    const { outer, box } = eye()
    const none = rig([outer, layer('withNone', async () => {}, { reenters: true })])
    expect((await failure(none.work())).message).toMatch(/withNone returned without calling next\(\)/)
    expect(box.ctx!.outcome).toMatchObject({ status: 'short-circuit', sent: false })
    const bug = rig([
      layer(
        'withBug',
        async () => {
          throw new Error('bug')
        },
        { reenters: true },
      ),
    ])
    expect((await failure(bug.work())).message).toBe('withBug failed before the action; see cause')
  })

  it('that forgets to await is named, whether the inner side is running or has failed', async () => {
    const wait = gate()
    const running = rig([layer('withFloat', async (_, next) => void next(), { reenters: true })], () => wait.promise)
    const ended = failure(running.work())
    await settled()
    wait.open()
    expect((await ended).message).toMatch(/withFloat returned while its next\(\) was still running/)
    const error = new Error('inner')
    const failed = rig(
      [
        layer(
          'withFloat',
          async (_, next) => {
            next()
            await settled()
          },
          { reenters: true },
        ),
      ],
      () => {
        throw error
      },
    )
    expect(await failure(failed.work())).toBe(error)
  })

  it('that throws while an attempt runs aborts that attempt and all below it, and waits', async () => {
    const seen: string[] = []
    const deadline = new DeadlineError({ deadline: 'all', ms: 1 })
    const timer = layer(
      'withTimer',
      async (_, next) => {
        await Promise.race([next(), Promise.reject(deadline)])
      },
      { reenters: true },
    )
    const watch = layer('withWatch', async (ctx, next) => {
      await next().finally(() => seen.push(`attempt ${ctx.attempt} ended`))
    })
    const { work, runs } = rig([timer, repeating('withAgain', 9), watch], () => new Promise(() => {}))
    expect(await failure(work())).toBe(deadline)
    expect(seen).toEqual(['attempt 1 ended'])
    expect(runs).toHaveLength(1)
  })

  it('that is open and fails is passed over, also when it hangs', async () => {
    const open = { reenters: true, fail: 'open' as const }
    const bug = () => {
      throw new Error('bug')
    }
    expect(await rig([layer('withBug', bug, open)]).work()).toBe('in')
    expect(await rig([layer('withNone', async () => {}, open)]).work()).toBe('in')
    expect(
      await rig([
        layer(
          'withAfter',
          async (_, next) => {
            await next()
            bug()
          },
          open,
        ),
      ]).work(),
    ).toBe('in')
    const error = new Error('inner')
    expect(
      await failure(
        rig(
          [
            layer(
              'withMask',
              async (_, next) => {
                await next().catch(bug)
              },
              open,
            ),
          ],
          () => {
            throw error
          },
        ).work(),
      ),
    ).toBe(error)
    const hang = rig([
      layer(
        'withHang',
        async (_, next) => {
          await new Promise(resolve => setImmediate(resolve))
          await new Promise(() => {})
          await next()
        },
        open,
      ),
    ])
    const done = hang.work()
    await hang.clock.advance(1000)
    expect(await done).toBe('in')
    expect(hang.sidecar.snapshot().degraded).toEqual({ withHang: 'withHang did not call next() within 1000 ms' })
  })

  it('that is open and refuses at once, without a promise, refuses for good: no timer is left, and nothing runs later', async () => {
    const verdict = new ViolationError({ ruleId: 'no' })
    const refuse = () => {
      throw verdict
    }
    const { work, runs, clock } = rig([layer('withGate', refuse, { reenters: true, fail: 'open' })])
    expect(await failure(work())).toBe(verdict)
    expect(clock.pending).toBe(0)
    await clock.advance(1000)
    expect(runs).toEqual([])
  })

  it("cannot go inward again after something was released: next() rejects with the attempt's own error", async () => {
    const error = new Error('cut')
    const again: unknown[] = []
    const agent = {
      name: 'streamer',
      async *stream() {
        yield 1
        throw error
      },
    }
    const retry = layer(
      'withAgain',
      async (_, next) => {
        await next().catch(async () => {
          await next().catch(e => again.push(e))
        })
      },
      { reenters: true },
    )
    const { sidecar } = rig([retry], undefined, { agent } as never)
    const got: unknown[] = []
    const read = async () => {
      for await (const event of sidecar.stream('x')) got.push(event)
    }
    expect(await failure(read())).toBe(error)
    expect(again).toEqual([error])
    expect(got).toEqual([1])
  })
})

describe('the mark', () => {
  const outerSlot = slot<string>('reentry.outer', { scope: 'attempt' })
  const innerSlot = slot<string>('reentry.inner', { scope: 'attempt' })
  const actionSlot = slot<number>('reentry.action')

  it('keeps slots of outer layers, renews those of inner ones', async () => {
    const seen: unknown[] = []
    const outer = layer('withOuter', async (ctx, next) => {
      outerSlot.set(ctx, 'outer')
      await next()
    })
    const inner = layer('withInner', async (ctx, next) => {
      seen.push([outerSlot.peek(ctx), innerSlot.peek(ctx), actionSlot.peek(ctx)])
      innerSlot.set(ctx, 'old')
      outerSlot.set(ctx, 'changed inside')
      actionSlot.set(ctx, ctx.attempt)
      await next()
    })
    await rig([outer, repeating('withAgain', 3), inner], failingUntil(3)).work()
    expect(seen).toEqual([
      ['outer', undefined, undefined],
      ['outer', undefined, 1],
      ['outer', undefined, 2],
    ])
  })

  it('keeps taps of outer layers, renews those of inner ones', async () => {
    const tapped = (name: string) =>
      layer(name, async (ctx, next) => {
        ctx.tap({ event: (event, push) => push(`${event}<${name}`) })
        await next()
      })
    let n = 0
    const agent = {
      name: 'streamer',
      async *stream() {
        if (++n < 3) throw new Error('early')
        yield 'e'
      },
    }
    const { sidecar } = rig([tapped('outer'), repeating('withAgain', 3), tapped('inner')], undefined, { agent } as never)
    const got: unknown[] = []
    for await (const event of sidecar.stream('x')) got.push(event)
    expect(got).toEqual(['e<inner<outer'])
  })

  it('gives each attempt a scope of its own: a deadline inside does not end the repetition', async () => {
    const signals: AbortSignal[] = []
    const deadline = layer(
      'withLimit',
      async (ctx, next) => {
        signals.push(ctx.signal)
        await Promise.race([
          next(),
          new Promise((_, reject) => void ctx.clock.after(10, () => reject(new DeadlineError({ deadline: 'total', ms: 10 })))),
        ])
      },
      { perAttempt: true },
    )
    let n = 0
    const { work, clock } = rig([repeating('withAgain', 2), deadline], () => (++n === 1 ? new Promise(() => {}) : 'second'))
    const done = work()
    await clock.advance(10)
    expect(await done).toBe('second')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  it('starts every attempt from the action as it stood outside', async () => {
    const seen: unknown[] = []
    const named = (action: Action, suffix: string) => ({ ...(action as ToolAction), input: `${(action as ToolAction).input}${suffix}` })
    const fall = layer(
      'withFall',
      async (ctx, next) => {
        await next().catch(async () => {
          ctx.rewrite(named(ctx.action, '+fall'))
          await next()
        })
      },
      { reenters: true, rewrites: true },
    )
    const inner = layer(
      'withInner',
      async (ctx, next) => {
        ctx.rewrite(named(ctx.action, '+inner'))
        await next()
      },
      { rewrites: true },
    )
    const last = layer('withLast', async (ctx, next) => {
      seen.push((ctx.action as ToolAction).input)
      await next()
    })
    const { work, runs } = rig([fall, repeating('withAgain', 2), inner, last], failingUntil(4))
    await work()
    expect(seen).toEqual(['in+inner', 'in+inner', 'in+fall+inner', 'in+fall+inner'])
    expect(runs).toEqual(seen)
  })
})

describe('a fallback outside a retry', () => {
  it('counts attempts through, and each layer sees the usage of its side', async () => {
    const totals: Record<string, number[]> = { outside: [], fall: [], between: [] }
    const fall = layer(
      'withFall',
      async (ctx, next) => {
        await next().catch(() => next())
        totals.fall!.push(ctx.usage.input)
      },
      { reenters: true },
    )
    const between = layer('withBetween', async (ctx, next) => {
      totals.between!.push(ctx.usage.input)
      try {
        await next()
      } finally {
        totals.between!.push(ctx.usage.input)
      }
    })
    const inner = layer('withInner', async (ctx, next) => {
      ;(ctx as any).report({ ...ctx.usage, input: 1 })
      await next()
    })
    const attempts: readonly Attempt[][] = [[]]
    const outer = layer('withEye', async (ctx, next) => {
      await next()
      attempts[0]!.push(...ctx.attempts)
      totals.outside!.push(ctx.usage.input)
    })
    const { work } = rig([outer, fall, between, repeating('withAgain', 2), inner], failingUntil(4))
    await work()
    expect(attempts[0]!.map(({ n }) => n)).toEqual([1, 2, 3, 4])
    expect(totals).toEqual({ outside: [4], fall: [2], between: [0, 2, 0, 2] })
  })
})

describe('ctx.rewrite and ctx.narrow', () => {
  const model: Action = {
    kind: 'model',
    model: 'a',
    maxTokens: 100,
    minTokens: 10,
    stream: false,
    betas: [],
    request: { model: 'a', max_tokens: 100, messages: [] },
  }
  const { Runtime } = require('../../lib/core/runtime.js') as typeof import('../../lib/core/runtime.js')
  const { VirtualClock } = require('../../lib/testing/virtual-clock.js') as typeof import('../../lib/testing/virtual-clock.js')

  const runModel = async (layers: ReturnType<typeof layer>[], core: (ctx: any) => Promise<void> = async () => {}) => {
    const agent = { id: 'a', name: 'a', type: 'agent' }
    const runtime = new Runtime({ agent, clock: new VirtualClock(), layers, whenPaused: 'reject' })
    const ctx = runtime.context(model)
    await runtime.run(ctx, core)
    return ctx
  }

  it('narrows max_tokens, in the action and in its request, for this attempt only', async () => {
    const seen: unknown[] = []
    let n = 0
    const budget = layer('withPurse', async (ctx, next) => {
      seen.push((ctx.action as any).maxTokens)
      ctx.narrow({ maxTokens: 100 - 10 * ctx.attempt })
      await next()
    })
    const ctx = await runModel([repeating('withAgain', 2), budget], async c => {
      seen.push(c.action.request.max_tokens)
      if (++n < 2) throw new Error('x')
    })
    expect(seen).toEqual([100, 90, 100, 80])
    expect(Object.isFrozen(ctx.action)).toBe(true)
    expect(model).toMatchObject({ maxTokens: 100, request: { max_tokens: 100 } })
  })

  it.each([101, 9, 50.5, Number.NaN, Number.POSITIVE_INFINITY, -1])('refuses to narrow to %p', async maxTokens => {
    let error: unknown
    await runModel([
      layer('withPurse', async (ctx, next) => {
        try {
          ctx.narrow({ maxTokens })
        } catch (e) {
          error = e
        }
        await next()
      }),
    ])
    expect(error).toBeInstanceOf(RangeError)
    expect((error as Error).message).toBe(`narrow: max_tokens can go from 100 down to 10, got ${maxTokens}`)
  })

  it('narrows down to the least that is valid', async () => {
    const ctx = await runModel([
      layer('withPurse', async (c, next) => {
        c.narrow({ maxTokens: 10 })
        await next()
      }),
    ])
    expect(ctx.action).toMatchObject({ maxTokens: 10, request: { max_tokens: 10 } })
  })

  it('refuses to rewrite from a layer that does not declare it, or into something that does not agree with itself', async () => {
    const rewriting = (to: unknown, meta: object = { rewrites: true }) =>
      failure(
        runModel([
          layer(
            'withSwap',
            async (ctx, next) => {
              ctx.rewrite(to as Action)
              await next()
            },
            meta,
          ),
        ]),
      )
    expect((await rewriting(model, {})).message).toBe('withSwap called ctx.rewrite(); only a layer that declares rewrites may')
    expect((await rewriting({ kind: 'tool', name: 't', input: 1 })).message).toMatch(
      /an action of kind model cannot become one of kind tool/,
    )
    expect((await rewriting({ ...model, model: 'cheap' })).message).toMatch(/must equal model, max_tokens and stream of its request/)
    expect((await rewriting({ ...model, maxTokens: 1 })).message).toMatch(/must equal/)
    expect((await rewriting({ ...model, stream: true })).message).toMatch(/must equal/)
  })

  it("freezes what it is rewritten to, and leaves the layer's own object alone", async () => {
    const to = { ...model, model: 'b', request: { model: 'b', max_tokens: 100, messages: [{ role: 'user', content: 'x' }] } }
    const ctx = await runModel([
      layer(
        'withSwap',
        async (c, next) => {
          c.rewrite(to)
          await next()
        },
        { rewrites: true },
      ),
    ])
    expect(ctx.action).toEqual(to)
    expect(Object.isFrozen((ctx.action as any).request.messages[0])).toBe(true)
    expect(Object.isFrozen(to.request)).toBe(false)
  })

  it('cannot be gone round by assignment', async () => {
    const error = await failure(
      runModel([
        layer('withThief', async (ctx, next) => {
          ;(ctx as any).action = { ...model, model: 'b' }
          await next()
        }),
      ]),
    )
    expect(error).toBeInstanceOf(LayerError)
    expect(error.cause).toBeInstanceOf(TypeError)
  })
})
