// The chain against the engine that it is made of: what guards, names and a context each cost.
import koaCompose from 'koa-compose'
import { systemClock } from '../../dist/esm/lib/core/clock.js'
import { compose } from '../../dist/esm/lib/core/compose.js'
import { defineMiddleware } from '../../dist/esm/lib/core/define.js'
import { Runtime } from '../../dist/esm/lib/core/runtime.js'
import { compare, row } from '../measure.mjs'

// The smallest layer as people write it.
const pass = async (_ctx, next) => {
  await next()
}
const done = async () => {}

export function guarded(count) {
  const layers = Array.from({ length: Number(count) }, (_, n) => defineMiddleware({ name: `layer${n}` }, pass))
  const runtime = new Runtime({ agent: { id: 'bench', name: 'bench', type: 'bench' }, clock: systemClock, layers, whenPaused: 'reject' })
  const chain = compose(layers, 'tool')
  const action = Object.freeze({ kind: 'tool', name: 'Read', input: Object.freeze({}) })
  return async () => {
    const ctx = runtime.context(action)
    ctx.core = done
    await chain.run(ctx)
    ctx.actionScope.end()
  }
}

export function raw(count) {
  const run = koaCompose([...Array.from({ length: Number(count) }, () => pass), done])
  return async () => {
    await run({})
  }
}

export async function chainRow() {
  const facts = {
    group: 'core',
    name: 'ten guarded no-op layers with a context each, against raw koa-compose',
    unit: 'µs an action',
    goal: '<= 2.5',
  }
  return row(
    facts,
    await compare({ module: import.meta.url, make: 'guarded', args: ['10'] }, { module: import.meta.url, make: 'raw', args: ['10'] }),
  )
}
