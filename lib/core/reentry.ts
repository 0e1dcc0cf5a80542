import { failedAfter, ownError, refused, shortCircuit } from './boundary.js'
import type { ActionContext } from './context.js'
import { LayerError } from './errors.js'
import { Scope } from './scope.js'
import type { Layer } from './types.js'

/**
 * One pass of an action through a re-entering layer: each `next()` runs a fresh inner chain in an attempt scope of its own, from the mark
 * that was set when it first went inward. Attempts never overlap, and none follows a released event.
 */
export class Reentry {
  readonly #layer: Layer
  readonly #at: number
  readonly #ctx: ActionContext
  readonly #inner: (ctx: ActionContext) => Promise<void>
  readonly #innermost: boolean
  readonly #scope: Scope
  readonly #from: number
  #entered = 0
  #running: Promise<void> | undefined
  #last: { readonly error?: unknown; readonly good: boolean } | undefined

  constructor(layer: Layer, at: number, ctx: ActionContext, inner: (ctx: ActionContext) => Promise<void>, innermost: boolean) {
    this.#layer = layer
    this.#at = at
    this.#ctx = ctx
    this.#inner = inner
    this.#innermost = innermost
    this.#scope = ctx.scope
    this.#from = ctx.attempts.length
  }

  async go(): Promise<void> {
    const ctx = this.#ctx
    ctx.at = this.#at
    try {
      await this.#layer(ctx, this.#enter)
      await this.#afterReturn()
    } catch (error) {
      throw await this.#errorOf(error)
    } finally {
      if (this.#entered > 0) ctx.unmark(this.#from)
    }
  }

  readonly #enter = (): Promise<void> => {
    const wrong = this.#obstacle()
    if (wrong) return Promise.reject(wrong.error)
    const ctx = this.#ctx
    if (this.#entered++ === 0) ctx.mark()
    else ctx.restore()
    this.#last = undefined
    this.#running = this.#attempt()
    return this.#running
  }

  #obstacle(): { readonly error: unknown } | undefined {
    const { name } = this.#layer.meta
    if (this.#running) return { error: new LayerError(`${name} called next() while an attempt was running; await it first`, { layer: name }) }
    if (this.#scope.aborted) return { error: this.#scope.reason }
    if (this.#entered > 0 && this.#ctx.released) {
      return { error: this.#last?.error ?? new LayerError(`${name} called next() again after events had been released`, { layer: name }) }
    }
  }

  async #attempt(): Promise<void> {
    const ctx = this.#ctx
    const scope = new Scope(this.#scope)
    ctx.scope = scope
    if (this.#innermost) ctx.startAttempt()
    try {
      await this.#inner(ctx)
      this.#last = { good: true }
    } catch (error) {
      this.#last = { good: false, error }
      throw error
    } finally {
      if (this.#innermost) ctx.endAttempt(this.#last?.error)
      scope.end()
      ctx.scope = this.#scope
      ctx.at = this.#at
      this.#running = undefined
    }
  }

  async #afterReturn(): Promise<void> {
    const running = this.#running
    if (running) {
      await running
      const { name } = this.#layer.meta
      throw failedAfter(this.#layer, this.#ctx, new LayerError(`${name} returned while its next() was still running; write await next()`, { layer: name }))
    }
    if (!this.#last) throw shortCircuit(this.#layer, this.#ctx)
    if (!this.#last.good) throw this.#last.error
  }

  async #errorOf(error: unknown): Promise<unknown> {
    if (this.#running) {
      this.#ctx.scope.abort(error)
      await this.#running.catch(() => {})
      return ownError(this.#layer, this.#ctx, error, 'during the action')
    }
    if (this.#last && !this.#last.good && error === this.#last.error) return error
    if (this.#entered === 0) return refused(this.#layer, this.#ctx, error)
    if (this.#last?.good) return failedAfter(this.#layer, this.#ctx, error)
    return ownError(this.#layer, this.#ctx, error, 'between attempts')
  }
}
