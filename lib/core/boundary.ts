import type { ActionContext } from './context.js'
import { LayerError, type OutriggerError } from './errors.js'
import type { Layer } from './types.js'

/** How long an open layer may take before `next()`, in milliseconds, where it does not say. */
export const patience = 1000

const brand = Symbol.for('outrigger.v1.error')
const failures: ReadonlySet<string> = new Set(['ERR_LAYER', 'ERR_SIGNING', 'ERR_LEDGER', 'ERR_CONFIG', 'ERR_CTX_PARSE', 'ERR_STACK_ORDER'])

/** Made by this copy of the package or another. */
function isOurs(error: unknown): error is OutriggerError {
  return typeof error === 'object' && error !== null && brand in error
}

/** Is this error a verdict that a layer meant (a refusal, a deadline), rather than a failure of the layer? */
function isVerdict(error: unknown): boolean {
  return isOurs(error) && !failures.has(error.code)
}

function isAbort(ctx: ActionContext, error: unknown): boolean {
  return (ctx.scope.aborted && error === ctx.scope.reason) || (ctx.actionScope.aborted && error === ctx.actionScope.reason)
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
  const aborted = ctx.scope.aborted && own === ctx.scope.reason
  ctx.outcome ??= { status: aborted ? 'aborted' : 'refused', error: own, layer: layer.meta.name, sent: false }
  return own
}

/** A closed layer failed after the effect: a verdict is only thrown, a failure also stops the sidecar. */
export function failedAfter(layer: Layer, ctx: ActionContext, error: unknown): unknown {
  const own = ownError(layer, ctx, error, 'after the action')
  if (!isMeant(ctx, own)) ctx.home.fail(own instanceof LayerError ? own : afterwards(layer, ctx, own))
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

const ignore = (): void => {}

/**
 * What a step tells the step around it when it has ended, just before its promise settles: cheaper than a second `then` on every promise
 * of the chain.
 */
export interface Enclosing {
  innerGood(): void
  innerBad(error: unknown): void
}

/** One pass of an action through one ordinary layer: names it, refuses a second `next()`, applies `fail`. */
export class Passage implements Enclosing {
  private readonly layer: Layer
  private readonly at: number
  private readonly ctx: ActionContext
  private readonly next: () => Promise<void>
  private readonly up: Enclosing | undefined
  private readonly scope: ActionContext['scope']
  private inner: Promise<void> | undefined = undefined
  private state: 'before' | 'inside' | 'good' | 'bad' = 'before'
  private error: unknown = undefined
  /** The layer hung before `next()` and the composer went on without it. */
  private abandoned = false
  /** It called `next()` a second time, whatever it did with the error. */
  private misuse: LayerError | undefined = undefined
  private stopWaiting: (() => void) | undefined = undefined

  constructor(layer: Layer, at: number, ctx: ActionContext, next: () => Promise<void>) {
    this.layer = layer
    this.at = at
    this.ctx = ctx
    this.next = next
    this.up = ctx.passage
    this.scope = ctx.scope
    ctx.passage = this
  }

  go(): Promise<void> {
    this.ctx.at = this.at
    let own: Promise<void>
    try {
      own = this.layer(this.ctx, this.enter)
    } catch (error) {
      own = Promise.reject(error)
    }
    const ended = (own instanceof Promise ? own : Promise.resolve(own)).then(
      () => this.ended(),
      error => this.failed(error),
    )
    return this.state === 'before' && this.open ? this.patiently(ended) : ended
  }

  innerGood(): void {
    this.state = 'good'
    this.ctx.at = this.at
  }

  innerBad(error: unknown): void {
    this.state = 'bad'
    this.error = error
    this.ctx.at = this.at
    // A layer that has not awaited it yet must not bring the process down.
    this.inner?.catch(ignore)
  }

  private get open(): boolean {
    return this.layer.meta.fail === 'open'
  }

  readonly enter = (): Promise<void> => {
    if (this.state === 'before') return this.inward()
    if (this.abandoned) return this.inner!
    this.misuse ??= this.twice()
    return rejected(this.misuse)
  }

  private inward(): Promise<void> {
    this.state = 'inside'
    this.stopWaiting?.()
    const inner = this.next()
    this.inner = inner
    if ((this.state as string) === 'bad') inner.catch(ignore)
    return inner
  }

  /** The layer returned. All was well, mostly. */
  private ended(): Promise<void> | void {
    if (this.abandoned) return this.inner!
    if (this.state !== 'good' || this.misuse) return this.tell(() => (this.misuse ? this.threw(this.misuse, this.scope) : this.returned()))
    this.up?.innerGood()
  }

  private failed(error: unknown): Promise<void> {
    if (this.abandoned) return this.inner!
    return this.tell(() => this.threw(error, this.scope))
  }

  private async tell(end: () => Promise<void> | void): Promise<void> {
    try {
      await end()
    } catch (error) {
      this.up?.innerBad(error)
      throw error
    }
    this.up?.innerGood()
  }

  private returned(): Promise<void> | void {
    switch (this.state) {
      case 'good':
        return
      case 'bad':
        throw this.error
      case 'inside':
        return this.awaited()
      case 'before': {
        if (!this.open) throw shortCircuit(this.layer, this.ctx)
        this.note(shortCircuitText(this.layer))
        return this.inward()
      }
    }
  }

  private threw(error: unknown, scope: ActionContext['scope']): Promise<void> | void {
    if (this.state === 'inside') return this.threwInside(error, scope)
    if (this.state === 'bad' && error === this.error) throw error
    if (this.open && (this.state === 'bad' || !isMeant(this.ctx, error))) return this.forgive(error)
    if (this.state === 'good') throw failedAfter(this.layer, this.ctx, error)
    if (this.state === 'bad') throw ownError(this.layer, this.ctx, error, 'after the action failed')
    throw refused(this.layer, this.ctx, error)
  }

  private forgive(error: unknown): Promise<void> | void {
    if (!isMeant(this.ctx, error)) this.note(error)
    if (this.state === 'bad') throw this.error
    if (this.state === 'before') return this.inward()
  }

  private async threwInside(error: unknown, scope: ActionContext['scope']): Promise<void> {
    if (this.open && !isMeant(this.ctx, error)) {
      this.note(error)
      return this.inner!
    }
    const own = ownError(this.layer, this.ctx, error, 'during the action')
    scope.abort(own)
    await this.inner!.catch(() => {})
    throw own
  }

  private async awaited(): Promise<void> {
    await this.inner
    const error = floating(this.layer, this.ctx)
    if (!this.open) throw failedAfter(this.layer, this.ctx, error)
    this.note(error)
  }

  private patiently(ended: Promise<void>): Promise<void> {
    const ms = this.layer.meta.patienceMs ?? patience
    return new Promise((resolve, reject) => {
      this.stopWaiting = this.ctx.clock.after(ms, () => {
        if (this.state !== 'before') return
        this.abandoned = true
        this.note(hung(this.layer, ms))
        resolve(this.tell(() => this.inward()))
      })
      ended.then(resolve, reject).finally(this.stopWaiting)
    })
  }

  private note(error: unknown): void {
    this.ctx.home.degrade(this.layer.meta.name, error)
  }

  private twice(): LayerError {
    const { name } = this.layer.meta
    return new LayerError(`${name} called next() twice; only a layer declared with reenters may`, { layer: name })
  }
}

function shortCircuitText(layer: Layer): LayerError {
  return new LayerError(`${layer.meta.name} returned without calling next()`, { layer: layer.meta.name })
}
