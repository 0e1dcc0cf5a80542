// The chain against the engine that it is made of.
import koaCompose from 'koa-compose'
import { compose } from '../dist/esm/lib/core/compose.js'
import { defineMiddleware } from '../dist/esm/lib/core/define.js'
import { Runtime } from '../dist/esm/lib/core/runtime.js'
import { systemClock } from '../dist/esm/lib/core/clock.js'
import { compare, row } from './measure.mjs'

// The smallest layer as people write it: something before, something after.
const pass = async (_ctx, next) => {
  await next()
}
const done = async () => {}
const agent = { id: 'bench', name: 'bench', type: 'bench' }

/** Ten no-op layers with everything that guards them, a fresh context for each action. */
function guarded(count) {
  const layers = Array.from({ length: count }, (_, n) => defineMiddleware({ name: `layer${n}` }, pass))
  const runtime = new Runtime({ agent, clock: systemClock, layers, whenPaused: 'reject' })
  const chain = compose(layers, 'tool')
  const action = Object.freeze({ kind: 'tool', name: 'Read', input: Object.freeze({}) })
  return () => {
    const ctx = runtime.context(action)
    ctx.core = done
    return chain.run(ctx)
  }
}

function raw(count) {
  const run = koaCompose([...Array.from({ length: count }, () => pass), done])
  return () => run({})
}

/** @returns {Promise<import('./measure.mjs').Row[]>} */
export async function rows() {
  const facts = { group: 'core', name: 'ten guarded no-op layers against raw koa-compose', unit: 'µs an action', goal: '<= 3' }
  return [row(facts, await compare(guarded(10), raw(10)))]
}
