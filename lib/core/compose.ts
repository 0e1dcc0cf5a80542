import koaCompose from 'koa-compose'
import { Passage } from './boundary.js'
import type { ActionContext } from './context.js'
import { serves } from './define.js'
import { Reentry } from './reentry.js'
import type { Kind, Layer, Outcome } from './types.js'

/** One step of a chain. */
export type Step = (ctx: ActionContext, next: () => Promise<void>) => Promise<void>

/** The layers of one kind, composed once. */
export interface Chain {
  /** Outermost first. */
  readonly layers: readonly Layer[]
  /** A layer of it makes the attempts; without one, the whole action is the only attempt. */
  readonly reenters: boolean
  run(ctx: ActionContext): Promise<void>
}

/** Composes the layers that serve `kind` around `ctx.core`. */
export function compose(all: readonly Layer[], kind: Kind): Chain {
  const layers = all.filter(layer => serves(layer, kind))
  const run = segments(layers, 0)
  return { layers, reenters: layers.some(layer => layer.meta.reenters), run: ctx => run(ctx) }
}

/** Runs of ordinary layers share one koa-compose call; a re-entering layer splits, and enters a fresh inner chain per call. */
function segments(layers: readonly Layer[], from: number): (ctx: ActionContext) => Promise<void> {
  const at = layers.findIndex((layer, place) => place >= from && layer.meta.reenters)
  if (at < 0) return koaCompose<ActionContext>([...layers.slice(from).map((layer, i) => boundary(layer, from + i)), runCore])
  const inner = segments(layers, at + 1)
  const innermost = !layers.slice(at + 1).some(layer => layer.meta.reenters)
  const outer = layers.slice(from, at).map((layer, i) => boundary(layer, from + i))
  return koaCompose<ActionContext>([...outer, ctx => new Reentry(layers[at]!, at, ctx, inner, innermost).go()])
}

function boundary(layer: Layer, at: number): Step {
  return (ctx, next) => new Passage(layer, at, ctx, next).go()
}

function runCore(ctx: ActionContext): Promise<void> {
  ctx.at = ctx.layers.length
  if (ctx.scope.aborted) return Promise.reject(failed(ctx, ctx.scope.reason))
  return ctx.core(ctx).then(
    () => {
      ctx.outcome ??= done
      ctx.passage?.innerGood()
    },
    error => {
      throw failed(ctx, error)
    },
  )
}

const done: Outcome = Object.freeze({ status: 'done', sent: true })

function failed(ctx: ActionContext, error: unknown): unknown {
  const { scope } = ctx
  ctx.outcome ??= { status: scope.gave(error) ? 'aborted' : 'error', error, sent: false }
  ctx.passage?.innerBad(error)
  return error
}
