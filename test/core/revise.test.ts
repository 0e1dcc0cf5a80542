import { createSidecar, defineMiddleware, type Layer, LayerError, type LayerMeta, type Middleware } from 'outrigger'
import { OpenContext } from '../../lib/core/open-context.js'
import { failure } from '../seam/mounts.js'

const layer = (name: string, meta: Partial<LayerMeta>, fn: Middleware): Layer => defineMiddleware({ name, ...meta }, fn)

const shouting = (meta: Partial<LayerMeta> = { revises: true }) =>
  layer('withShout', meta, async (ctx, next) => {
    await next()
    ctx.revise(String(ctx.result).toUpperCase())
  })

const talker = {
  name: 'talker',
  async *stream(text: string) {
    yield text
    return text
  },
}

describe('ctx.revise', () => {
  it('replaces what the caller gets, and what the layers outside see', async () => {
    const seen: unknown[] = []
    const outer = layer('withEye', {}, async (ctx, next) => {
      await next()
      seen.push(ctx.result)
    })
    const sidecar = createSidecar({ agent: { name: 'echo', send: async (text: string) => text }, use: [outer, shouting()] })
    expect(await sidecar.send('hi')).toBe('HI')
    const tool = sidecar.tool({ name: 'look', run: () => 'fish' })
    expect(await (tool.run as unknown as (input: unknown) => Promise<unknown>)({})).toBe('FISH')
    expect(seen).toEqual(['HI', 'FISH'])
  })

  it('at the end of a tap counts for the taps outside of it, and for the reply', async () => {
    const seen: unknown[] = []
    const outer = layer('withEye', {}, async (ctx, next) => {
      ctx.tap({ end: () => void seen.push(ctx.result) })
      await next()
    })
    const inner = layer('withShout', { revises: true }, async (ctx, next) => {
      ctx.tap({ end: () => ctx.revise(String(ctx.result).toUpperCase()) })
      await next()
    })
    const stream = createSidecar({ agent: talker, use: [outer, inner] }).stream('hi')
    for await (const _ of stream);
    expect(await stream.reply).toBe('HI')
    expect(seen).toEqual(['HI'])
  })

  it('is for layers that declare it', async () => {
    const sidecar = createSidecar({ agent: { name: 'echo', send: async (text: string) => text }, use: [shouting({})] })
    const error = await failure(sidecar.send('hi'))
    expect(error).toBeInstanceOf(LayerError)
    expect(error.message).toContain('only a layer that declares revises may')
    expect(sidecar.explain()).not.toContain('revises')
    expect(createSidecar({ agent: talker, use: [shouting()] }).explain()).toContain('withShout  [revises]')
  })

  it('is for their taps, too', async () => {
    const bad = layer('withTap', {}, async (ctx, next) => {
      ctx.tap({ end: () => ctx.revise('x') })
      await next()
    })
    const stream = createSidecar({ agent: talker, use: [bad] }).stream('hi')
    expect((await failure(stream.reply)).message).toContain('only a layer that declares revises may')
  })

  it('of an open layer that was given up changes nothing', () => {
    const given: unknown[] = []
    const view = new OpenContext({ revise: (result: unknown) => void given.push(result) } as never)
    view.revise('in time')
    view.close()
    view.revise('late')
    expect(given).toEqual(['in time'])
  })
})
