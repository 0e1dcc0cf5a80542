import { isOurs } from './brand.js'
import type { ActionContext } from './context.js'
import { LayerError } from './errors.js'
import type { Layer } from './types.js'

const failures: ReadonlySet<string> = new Set([
  'ERR_LAYER',
  'ERR_SIGNING',
  'ERR_LEDGER',
  'ERR_CONFIG',
  'ERR_CTX_PARSE',
  'ERR_CTX_UNSUPPORTED',
  'ERR_STACK_ORDER',
])

/** Is this error a verdict that a layer meant (a refusal, a deadline), rather than a failure of the layer? */
function isVerdict(error: unknown): boolean {
  return isOurs(error) && !failures.has(error.code)
}

function isAbort(ctx: ActionContext, error: unknown): boolean {
  return ctx.scope.gave(error) || ctx.actionScope.gave(error)
}

/**
 * What a layer threw: the very reason of an abort, where that is its cause. Node's own waits wrap the reason of a signal into an
 * `AbortError`, and a layer may wrap what came out of `next()`. A verdict is meant, whatever brought it about.
 */
export function thrown(ctx: ActionContext, error: unknown): unknown {
  const { scope } = ctx
  return scope.aborted && !isVerdict(error) && holds(error, scope.reason) ? scope.reason : error
}

function holds(error: unknown, reason: unknown): boolean {
  const seen = new Set<unknown>()
  for (let at = error; !seen.has(at); at = (at as { cause?: unknown }).cause) {
    if (Object.is(at, reason)) return true
    if (typeof at !== 'object' || at === null || !('cause' in at)) return false
    seen.add(at)
  }
  return false
}

/** Did the layer mean what it threw? An open layer's verdict counts like any other; only its failures are passed over. */
export function isMeant(ctx: ActionContext, error: unknown): boolean {
  return isVerdict(error) || isAbort(ctx, error)
}

/** A layer's own failure as callers see it: ours stay what they are, anything else is named after the layer. */
export function ownError(layer: Layer, ctx: ActionContext, error: unknown, when: string): unknown {
  if (isOurs(error) || isAbort(ctx, error)) return error
  return new LayerError(`${layer.meta.name} failed ${when}; see cause`, { layer: layer.meta.name, outcome: ctx.outcome }, error)
}

/** The layer said no before anything happened. */
export function refused(layer: Layer, ctx: ActionContext, error: unknown): unknown {
  const own = ownError(layer, ctx, error, 'before the action')
  const aborted = ctx.scope.gave(own)
  ctx.outcome ??= { status: aborted ? 'aborted' : 'refused', error: own, layer: layer.meta.name, sent: false }
  return own
}

/** A closed layer failed after the effect: a verdict is only thrown, a failure also stops the sidecar, unless an abort had brought it about. */
export function failedAfter(layer: Layer, ctx: ActionContext, error: unknown): unknown {
  const own = ownError(layer, ctx, error, 'after the action')
  if (!isMeant(ctx, own) && !ctx.scope.aborted) ctx.home.fail(own instanceof LayerError ? own : afterwards(layer, ctx, own))
  ctx.outcome = { sent: true, ...ctx.outcome, status: isAbort(ctx, own) ? 'aborted' : 'error', error: own, layer: layer.meta.name }
  return own
}

function afterwards(layer: Layer, ctx: ActionContext, cause: unknown): LayerError {
  return new LayerError(`${layer.meta.name} failed after the action; see cause`, { layer: layer.meta.name, outcome: ctx.outcome }, cause)
}

/** `next()` was still running when the layer returned. */
export function floating(layer: Layer, ctx: ActionContext): LayerError {
  const { name } = layer.meta
  return new LayerError(`${name} returned while its next() was still running; write await next()`, { layer: name, outcome: ctx.outcome })
}

/** An open layer did not go inward in time. */
export function hung(layer: Layer, ms: number): LayerError {
  const { name } = layer.meta
  return new LayerError(`${name} did not call next() within ${ms} ms`, { layer: name })
}

/** A promise that is rejected and never reported as unhandled: what breaks the contract may also forget to await. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}

/** The layer returned and never went inward: nothing could have made a reply. */
export function shortCircuit(layer: Layer, ctx: ActionContext): LayerError {
  const error = new LayerError(`${layer.meta.name} returned without calling next(); throw an error to refuse the action`, {
    layer: layer.meta.name,
  })
  ctx.outcome ??= { status: 'short-circuit', error, layer: layer.meta.name, sent: false }
  return error
}
