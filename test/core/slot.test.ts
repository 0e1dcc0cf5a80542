import { LayerError } from '../../lib/core/errors.js'
import { slot } from '../../lib/core/slot.js'
import { failure, layer, repeating, rig } from './rig.js'

describe('slot', () => {
  it('lives as long as its scope: attempt, action, sidecar', async () => {
    const scopes = (['attempt', 'action', 'agent'] as const).map(scope => slot<number>(`slot.${scope}`, { scope }))
    const seen: unknown[] = []
    const count = layer('withCount', async (ctx, next) => {
      seen.push(scopes.map(s => s.peek(ctx)))
      for (const s of scopes) s.set(ctx, (s.peek(ctx) ?? 0) + 1)
      await next()
    })
    let n = 0
    const { work } = rig([repeating('withAgain', 2), count], () => {
      if (++n === 1) throw new Error('first')
    })
    await work()
    await work()
    expect(seen).toEqual([
      [undefined, undefined, undefined],
      [undefined, 1, 1],
      [undefined, undefined, 2],
    ])
  })

  it('flows outwards, and a nested action has slots of its own', async () => {
    const size = slot<number>('slot.size')
    const seen: unknown[] = []
    const outer = layer('withOuter', async (ctx, next) => {
      await next()
      seen.push([ctx.kind, size.peek(ctx)])
    })
    const inner = layer(
      'withInner',
      async (ctx, next) => {
        if (ctx.kind === 'tool') size.set(ctx, 7)
        await next()
      },
      { provides: [size] },
    )
    const agent = { name: 'a', send: async (_: unknown, call: any) => call.tool({ name: 't', run: () => 1 }).run({}) }
    await rig([outer, inner], undefined, { agent }).sidecar.send('x')
    expect(seen).toEqual([
      ['tool', 7],
      ['send', undefined],
    ])
  })

  it('says which layer would provide it', async () => {
    const bare = slot<number>('slot.bare')
    const known = slot<number>('slot.known')
    layer('withKnown', undefined, { provides: [known] })
    const reading = (s: typeof bare) =>
      failure(
        rig([
          layer('withRead', async (ctx, next) => {
            s.get(ctx)
            await next()
          }),
        ]).work(),
      )
    expect((await reading(known)).message).toBe('slot "slot.known" is empty; withKnown would provide it: add it to the stack')
    const error = await reading(bare)
    expect(error).toBeInstanceOf(LayerError)
    expect(error.message).toBe('slot "slot.bare" is empty; no layer provides it')
  })

  it('holds undefined, too, once it was set', async () => {
    const maybe = slot<undefined>('slot.maybe')
    await rig([
      layer('withSet', async (ctx, next) => {
        maybe.set(ctx, undefined)
        expect(maybe.get(ctx)).toBeUndefined()
        await next()
      }),
    ]).work()
  })
})
