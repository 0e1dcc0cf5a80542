import type { ActionContext } from './context.js'
import { LayerError, OutriggerError } from './errors.js'
import type { Layer } from './types.js'

const patience = 1000

/** Is this error a verdict that a layer meant, rather than a failure of the layer? */
function isVerdict(error: unknown): boolean {
  return error instanceof OutriggerError && !['ERR_LAYER', 'ERR_SIGNING', 'ERR_LEDGER'].includes(error.code)
}

/** A layer's own failure as callers see it: ours stay what they are, anything else is named after the layer. */
export function ownError(layer: Layer, ctx: ActionContext, error: unknown, when: string): unknown {
  if (error instanceof OutriggerError || (ctx.scope.aborted && error === ctx.scope.reason) || (ctx.actionScope.aborted && error === ctx.actionScope.reason)) return error
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
  if (!isVerdict(own) && own instanceof OutriggerError) {
    ctx.home.fail(own instanceof LayerError ? own : new LayerError(`${layer.meta.name} failed after the action; see cause`, { layer: layer.meta.name, outcome: ctx.outcome }, own))
  }
  return own
}

/** The layer returned and never went inward: nothing could have made a reply. */
export function shortCircuit(layer: Layer, ctx: ActionContext): LayerError {
  const error = new LayerError(`${layer.meta.name} returned without calling next(); throw an error to refuse the action`, { layer: layer.meta.name })
  ctx.outcome ??= { status: 'short-circuit', error, layer: layer.meta.name, sent: false }
  return error
}

/** One pass of an action through one ordinary layer: names it, refuses a second `next()`, applies `fail`. */
export class Passage {
  readonly #layer: Layer
  readonly #at: number
  readonly #ctx: ActionContext
  readonly #next: () => Promise<void>
  #inner: Promise<void> | undefined
  #state: 'before' | 'inside' | 'good' | 'bad' = 'before'
  #error: unknown
  /** The layer hung before `next()` and the composer went on without it. */
  #abandoned = false
  #stopWaiting: (() => void) | undefined

  constructor(layer: Layer, at: number, ctx: ActionContext, next: () => Promise<void>) {
    this.#layer = layer
    this.#at = at
    this.#ctx = ctx
    this.#next = next
  }

  go(): Promise<void> {
    this.#ctx.at = this.#at
    const { scope } = this.#ctx
    let own: Promise<void>
    try {
      own = this.#layer(this.#ctx, this.#enter)
    } catch (error) {
      own = Promise.reject(error)
    }
    if (own === this.#inner && own !== undefined) return own
    const ended = Promise.resolve(own).then(
      () => this.#returned(),
      error => this.#threw(error, scope),
    )
    return this.#open && this.#state === 'before' ? this.#patiently(ended) : ended
  }

  get #open(): boolean {
    return this.#layer.meta.fail === 'open'
  }

  readonly #enter = (): Promise<void> => {
    if (this.#state !== 'before') return this.#abandoned ? this.#inner! : Promise.reject(this.#twice())
    return this.#inward()
  }

  #inward(): Promise<void> {
    this.#state = 'inside'
    this.#stopWaiting?.()
    const inner = this.#next()
    this.#inner = inner
    inner.then(
      () => {
        this.#state = 'good'
        this.#ctx.at = this.#at
      },
      error => {
        this.#state = 'bad'
        this.#error = error
        this.#ctx.at = this.#at
      },
    )
    return inner
  }

  #returned(): Promise<void> | void {
    switch (this.#state) {
      case 'good':
        return
      case 'bad':
        throw this.#error
      case 'inside':
        return this.#abandoned ? this.#inner! : this.#floating()
      case 'before': {
        if (!this.#open) throw shortCircuit(this.#layer, this.#ctx)
        this.#note(shortCircuitText(this.#layer))
        return this.#inward()
      }
    }
  }

  #threw(error: unknown, scope: ActionContext['scope']): Promise<void> | void {
    if (this.#state === 'inside') return this.#abandoned ? this.#inner! : this.#threwInside(error, scope)
    if (this.#state === 'bad' && error === this.#error) throw error
    if (this.#open) return this.#forgive(error)
    if (this.#state === 'good') throw failedAfter(this.#layer, this.#ctx, error)
    if (this.#state === 'bad') throw ownError(this.#layer, this.#ctx, error, 'after the action failed')
    throw refused(this.#layer, this.#ctx, error)
  }

  #forgive(error: unknown): Promise<void> | void {
    this.#note(error)
    if (this.#state === 'bad') throw this.#error
    if (this.#state === 'before') return this.#inward()
  }

  async #threwInside(error: unknown, scope: ActionContext['scope']): Promise<void> {
    scope.abort(error)
    await this.#inner!.catch(() => {})
    if (!this.#open) throw ownError(this.#layer, this.#ctx, error, 'during the action')
    this.#note(error)
    throw this.#error ?? ownError(this.#layer, this.#ctx, error, 'during the action')
  }

  async #floating(): Promise<void> {
    const { name } = this.#layer.meta
    const error = new LayerError(`${name} returned while its next() was still running; write await next()`, { layer: name })
    await this.#inner
    if (!this.#open) throw failedAfter(this.#layer, this.#ctx, error)
    this.#note(error)
  }

  #patiently(ended: Promise<void>): Promise<void> {
    const ms = this.#layer.meta.patienceMs ?? patience
    return new Promise((resolve, reject) => {
      this.#stopWaiting = this.#ctx.clock.after(ms, () => {
        if (this.#state !== 'before') return
        this.#abandoned = true
        this.#note(new LayerError(`${this.#layer.meta.name} did not call next() within ${ms} ms`, { layer: this.#layer.meta.name }))
        resolve(this.#inward())
      })
      ended.then(resolve, reject).finally(this.#stopWaiting)
    })
  }

  #note(error: unknown): void {
    this.#ctx.home.degrade(this.#layer.meta.name, error)
  }

  #twice(): LayerError {
    const { name } = this.#layer.meta
    return new LayerError(`${name} called next() twice; only a layer declared with reenters may`, { layer: name })
  }
}

function shortCircuitText(layer: Layer): LayerError {
  return new LayerError(`${layer.meta.name} returned without calling next()`, { layer: layer.meta.name })
}
