import type { Enclosing } from './boundary.js'
import type { ActionContext } from './context.js'
import { LayerError } from './errors.js'
import { OpenContext } from './open-context.js'
import { patience, patiently } from './patience.js'
import { Scope } from './scope.js'
import type { Layer } from './types.js'
import { failedAfter, floating, isMeant, ownError, refused, rejected, shortCircuit, thrown } from './verdict.js'

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
  #attemptScope: Scope | undefined
  /** The layer hung before `next()`: the attempt that was made without it. */
  #without: Promise<void> | undefined
  #stopWaiting: (() => void) | undefined
  #running: Promise<void> | undefined
  #stopGivingUp: (() => void) | undefined
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
    const up = ctx.passage
    ctx.at = this.#at
    try {
      await (this.#open ? this.#patiently() : this.#layer(ctx, this.#enter))
      if (this.#running || !this.#last?.good) await this.#afterReturn()
    } catch (error) {
      await this.#end(error, up)
    }
    if (this.#entered > 0) ctx.unmark(this.#from)
    up?.innerGood()
  }

  /** The layer threw: what the chain around it sees. Rejects, unless the layer may fail. */
  async #end(raw: unknown, up: Enclosing | undefined): Promise<void> {
    const ctx = this.#ctx
    const error = thrown(ctx, raw)
    try {
      if (!this.#open || isMeant(ctx, error)) throw await this.#errorOf(error)
      await this.#forgive(error)
    } catch (own) {
      if (this.#entered > 0) ctx.unmark(this.#from)
      up?.innerBad(own)
      throw own
    }
  }

  get #open(): boolean {
    return this.#layer.meta.fail === 'open'
  }

  readonly #enter = (): Promise<void> => {
    if (this.#without) return this.#without
    this.#stopWaiting?.()
    const wrong = this.#obstacle()
    if (wrong) return rejected(wrong.error)
    const held = this.#entered > 0 ? this.#gate() : undefined
    this.#running = held ? this.#afterwards(held) : this.#begin()
    return this.#running
  }

  /** Another attempt passes the gate as an action does: a pause in back-off lets nothing more out. */
  #gate(): Promise<void> | undefined {
    try {
      return this.#ctx.home.pass(this.#ctx, true)
    } catch (error) {
      return rejected(error)
    }
  }

  async #afterwards(held: Promise<void>): Promise<void> {
    try {
      await held
    } catch (error) {
      this.#running = undefined
      throw error
    }
    return this.#begin()
  }

  #begin(): Promise<void> {
    const ctx = this.#ctx
    if (this.#entered++ === 0) ctx.mark()
    else ctx.restore()
    this.#last = undefined
    return this.#attempt()
  }

  /** An attempt was aborted by itself. A layer in it that ignores the signal must hold no caller: soon after, the whole action is aborted. */
  readonly #giveUp = (reason: unknown): void => {
    const { actionScope, clock } = this.#ctx
    if (actionScope.aborted) return
    this.#stopGivingUp = clock.after(patience, () => actionScope.abort(reason), { awaited: true })
  }

  #obstacle(): { readonly error: unknown } | undefined {
    const { name } = this.#layer.meta
    if (this.#running)
      return { error: new LayerError(`${name} called next() while an attempt was running; await it first`, { layer: name }) }
    if (this.#scope.aborted) return { error: this.#scope.reason }
    if (this.#entered > 0 && this.#ctx.released) {
      return { error: this.#last?.error ?? new LayerError(`${name} called next() again after events had been released`, { layer: name }) }
    }
  }

  async #attempt(): Promise<void> {
    const ctx = this.#ctx
    const scope = new Scope(this.#scope)
    this.#attemptScope = scope
    scope.whenAborted = this.#giveUp
    ctx.scope = scope
    ctx.passage = undefined
    if (this.#innermost) ctx.startAttempt()
    try {
      await this.#inner(ctx)
      this.#last = { good: true }
    } catch (error) {
      this.#last = { good: false, error }
      ctx.revert()
      // The layer may look at it late, or never: then what it came to is found in #last.
      this.#running?.catch(() => {})
      throw error
    } finally {
      if (this.#innermost) ctx.endAttempt(this.#last?.error)
      scope.whenAborted = undefined
      this.#stopGivingUp?.()
      this.#stopGivingUp = undefined
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
      const error = floating(this.#layer, this.#ctx)
      throw this.#open ? error : failedAfter(this.#layer, this.#ctx, error)
    }
    if (!this.#last) throw shortCircuit(this.#layer, this.#ctx)
    if (!this.#last.good) throw this.#last.error
  }

  async #errorOf(error: unknown): Promise<unknown> {
    const running = this.#running
    if (running) {
      const own = ownError(this.#layer, this.#ctx, error, 'during the action')
      this.#attemptScope!.abort(own)
      await running.catch(() => {})
      return own
    }
    if (this.#last && !this.#last.good && Object.is(error, this.#last.error)) return error
    if (this.#entered === 0) return refused(this.#layer, this.#ctx, error)
    if (this.#last?.good) return failedAfter(this.#layer, this.#ctx, error)
    return ownError(this.#layer, this.#ctx, error, 'between attempts')
  }

  /** The action goes on without an open layer that failed. */
  async #forgive(error: unknown): Promise<void> {
    const last = this.#last
    if (!last || last.good || !Object.is(error, last.error)) this.#note(error)
    if (this.#running) return this.#running
    if (this.#entered === 0) return this.#enter()
    if (last && !last.good) throw last.error
  }

  #patiently(): Promise<void> {
    const view = new OpenContext(this.#ctx)
    const own = this.#own(view)
    if (this.#entered > 0) return own
    const { ended, stop } = patiently(this.#layer, this.#ctx, own, () => this.#goWithout(view))
    this.#stopWaiting = stop
    return ended
  }

  /** What the layer comes to; one that throws at once rejects like any other. */
  async #own(view: OpenContext): Promise<void> {
    return this.#layer(view, this.#enter)
  }

  #goWithout(view: OpenContext): Promise<void> {
    view.close()
    this.#without = this.#enter()
    return this.#without
  }

  #note(error: unknown): void {
    this.#ctx.home.degrade(this.#layer.meta.name, error)
  }
}
