import { type Context, defineMiddleware, holdText, type Layer, type LayerMeta, type Middleware } from 'outrigger'
import { testMiddleware, type TestMiddlewareOptions } from 'outrigger/testing'

interface WithOptions {
  readonly count?: number
  readonly list?: readonly number[]
}

const options: WithOptions = { count: 1, list: [1, 2] }

function known(given: WithOptions): WithOptions {
  for (const key of Object.keys(given)) if (!['count', 'list'].includes(key)) throw new TypeError(`unknown option ${key}`)
  return given
}

/** A factory with strict options, whose layer does `fn`. */
const factory =
  (fn: Middleware, meta: Partial<LayerMeta<object>> = {}) =>
  (given: WithOptions): Layer<object> => {
    known(given)
    return defineMiddleware({ name: 'withTrouble', ...meta }, fn)
  }

const honest: Middleware = (_, next) => next()
const turn = () => new Promise<void>(resolve => setImmediate(resolve))
const wait = (ctx: Context, ms: number) => new Promise<void>(resolve => void ctx.clock.after(ms, resolve))
const abortable = (ctx: Context, ms: number) =>
  new Promise<void>((resolve, reject) => {
    const stop = ctx.clock.after(ms, () => {
      ctx.signal.removeEventListener('abort', aborted)
      resolve()
    })
    const aborted = () => {
      stop()
      reject(ctx.signal.reason)
    }
    ctx.signal.addEventListener('abort', aborted, { once: true })
  })

let shared = 0

const broken: readonly (readonly [string, (given: WithOptions) => Layer<object>, string])[] = [
  ['has a name with blanks', factory(honest, { name: 'my layer!' }), 'is named like a file'],
  [
    'repeats a failed action without declaring it',
    factory((_, next) =>
      next().catch(async error => {
        await next().catch(() => {})
        throw error
      }),
    ),
    'calls next() once for each action',
  ],
  [
    'sleeps on its way in',
    factory(async (ctx, next) => {
      await wait(ctx, 50)
      await next()
    }),
    'ends at once when the caller aborts on its way in',
  ],
  [
    'sleeps after an abort',
    factory(
      async (ctx, next) => {
        try {
          await next()
        } catch (error) {
          if (ctx.outcome?.sent && ctx.signal.aborted) await wait(ctx, 500)
          throw error
        }
      },
      { on: ['model'] },
    ),
    'ends at once when the caller aborts while the inner side runs',
  ],
  [
    'sleeps on its way out',
    factory(async (ctx, next) => {
      await next()
      await wait(ctx, 50)
    }),
    'ends at once when the caller aborts on its way out',
  ],
  [
    'wraps errors',
    factory(async (_, next) => {
      await next().catch(error => {
        throw error.message === 'the caller aborts' ? error : new Error('wrapped', { cause: error })
      })
    }),
    'lets errors of the inner side pass as the same object',
  ],
  [
    'leaves a timer on the clock',
    factory(async (ctx, next) => {
      ctx.clock.after(1000, () => {})
      await next()
    }),
    'leaves no timer and no listener behind',
  ],
  [
    'leaves a real timer',
    factory(async (_, next) => {
      setTimeout(() => {}, 5).unref()
      await next()
    }),
    'leaves no timer and no listener behind',
  ],
  [
    'leaves an abort listener',
    factory(async (ctx, next) => {
      ctx.signal.addEventListener('abort', () => {})
      await next()
    }),
    'leaves no timer and no listener behind',
  ],
  [
    'keeps its figures in the module',
    given => {
      known(given)
      const members = {
        get seen() {
          return shared
        },
      }
      return defineMiddleware({ name: 'withShared', expose: members }, async (_, next) => {
        shared++
        await next()
      })
    },
    'shares nothing with another instance',
  ],
  [
    'treats a stream in another way',
    factory(async (ctx, next) => {
      if (ctx.action.kind === 'model' && ctx.action.stream)
        ctx.tap({ event: (event, push) => void ((event as { type: string }).type === 'content_block_delta' || push(event)) })
      await next()
    }),
    'does for a stream what it does for a send',
  ],
  [
    'forgets await, and the inner side is faster',
    factory(async (ctx, next) => {
      void next()
      while (!ctx.outcome) await turn()
      await turn()
    }),
    'awaits next()',
  ],
  [
    'writes to its options',
    given => {
      known(given)
      ;(given as { count: number }).count = 2
      return defineMiddleware({ name: 'withCount' }, honest)
    },
    'leaves its options as they are',
  ],
  [
    'writes to what is inside its options, later',
    given => {
      known(given)
      return defineMiddleware({ name: 'withList' }, async (_, next) => {
        ;(given.list as number[]).sort((a, b) => b - a)
        await next()
      })
    },
    'leaves its options as they are',
  ],
  ['takes every option', () => defineMiddleware({ name: 'withAnything' }, honest), 'refuses an option that it does not know'],
  [
    'refuses with a plain error',
    given => {
      if ('surelyUnknown' in given) throw new Error('no')
      return defineMiddleware({ name: 'withError' }, honest)
    },
    'refuses an option that it does not know',
  ],
]

async function failuresOf(make: (given: WithOptions) => Layer<object>, more: TestMiddlewareOptions = {}): Promise<Record<string, string>> {
  const failed: Record<string, string> = {}
  for (const { name, run } of testMiddleware(make, { options, patienceMs: 300, ...more })) {
    await run().catch((error: Error) => {
      failed[name] = error.message
    })
  }
  return failed
}

describe('testMiddleware', () => {
  it.each([
    ['passes everything on', factory(honest)],
    [
      'waits, and listens to the signal',
      factory(async (ctx, next) => {
        await abortable(ctx, 50)
        await next()
      }),
    ],
    ['tries twice, and declares it', factory((_, next) => next().catch(next), { reenters: true, on: ['model'] })],
    [
      'holds the text of an answer until its block is whole',
      factory(async (ctx, next) => {
        ctx.tap(holdText({ until: 'block', judge: () => {} }))
        await next()
      }),
    ],
  ])('passes a layer that %s', async (_, make) => {
    expect(await failuresOf(make)).toEqual({})
  })

  it.each(broken)('fails a layer that %s, by the case that is about it', async (_, make, name) => {
    const failed = await failuresOf(make)
    expect(failed).toEqual({ [name]: expect.stringMatching(/\S/) })
  })

  it.each([
    [
      'calls next() twice',
      factory(async (_, next) => {
        await next()
        await next().catch(() => {})
      }),
      /2 times|called next\(\) twice/,
    ],
    ['never calls next()', factory(async () => {}, { fail: 'open' }), /not called/],
  ])('fails a layer that %s, whatever else that breaks', async (_, make, message) => {
    const failed = await failuresOf(make)
    expect(failed['calls next() once for each action']).toMatch(message)
  })

  it('leaves the cases about options out where none are given', () => {
    const names = testMiddleware(() => defineMiddleware({ name: 'withNothing' }, honest)).map(({ name }) => name)
    expect(names).not.toContain('refuses an option that it does not know')
    expect(names).toContain('awaits next()')
  })

  it('tries a layer among the neighbours that it needs', async () => {
    const inner = () => defineMiddleware({ name: 'withInner' }, honest)
    const make = factory(honest, { outside: ['withInner'] })
    expect(await failuresOf(make, { around: layer => [layer, inner()] })).toEqual({})
    expect(Object.values(await failuresOf(make, { around: layer => [inner(), layer] })).join()).toMatch(/put withTrouble before withInner/)
  })

  it('fails a layer that lets nothing pass, and says why', async () => {
    const failed = await failuresOf(
      factory(async () => {
        throw new RangeError('never today')
      }),
    )
    expect(failed['calls next() once for each action']).toMatch(/a plain send failed: LayerError: withTrouble failed/)
  })

  it('refuses what is no factory', () => {
    expect(() => testMiddleware({} as never)).toThrow(TypeError)
    const layer = defineMiddleware({ name: 'withNothing' }, honest)
    expect(() => testMiddleware(layer as never)).toThrow('give the factory withNothing, not what withNothing() returned')
  })

  it('says that a factory of plain functions makes no layer', async () => {
    const failed = await failuresOf((() => honest) as never)
    expect(failed['calls next() once for each action']).toContain('must return what defineMiddleware() returned')
  })
})
