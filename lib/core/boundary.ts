import type { ActionContext } from './context.js'
import { LayerError } from './errors.js'
import { OpenContext } from './open-context.js'
import { patiently } from './patience.js'
import type { Layer } from './types.js'
import { failedAfter, floating, isMeant, ownError, refused, rejected, shortCircuit, thrown } from './verdict.js'

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
  /** What an open layer is given for the context. */
  private view: OpenContext | undefined = undefined

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
      own = this.layer(this.open ? this.ownView() : this.ctx, this.enter)
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
    if (this.state !== 'good' || this.misuse) return this.tell(() => (this.misuse ? this.threw(this.misuse) : this.returned()))
    this.up?.innerGood()
  }

  private failed(error: unknown): Promise<void> {
    if (this.abandoned) return this.inner!
    return this.tell(() => this.threw(thrown(this.ctx, error)))
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
    if (this.state === 'bad') throw this.error
    if (this.state === 'inside') return this.awaited()
    if (!this.open) throw shortCircuit(this.layer, this.ctx)
    const { name } = this.layer.meta
    this.note(new LayerError(`${name} returned without calling next()`, { layer: name }))
    return this.inward()
  }

  private threw(error: unknown): Promise<void> | void {
    if (this.state === 'inside') return this.threwInside(error)
    if (this.state === 'bad' && Object.is(error, this.error)) throw error
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

  private async threwInside(error: unknown): Promise<void> {
    if (this.open && !isMeant(this.ctx, error)) {
      this.note(error)
      return this.inner!
    }
    const own = ownError(this.layer, this.ctx, error, 'during the action')
    this.scope.abort(own)
    await this.inner!.catch(() => {})
    throw own
  }

  private async awaited(): Promise<void> {
    await this.inner
    const error = floating(this.layer, this.ctx)
    if (!this.open) throw failedAfter(this.layer, this.ctx, error)
    this.note(error)
  }

  private patiently(own: Promise<void>): Promise<void> {
    const { ended, stop } = patiently(this.layer, this.ctx, own, () => this.goWithout())
    this.stopWaiting = stop
    return ended
  }

  private ownView(): OpenContext {
    this.view = new OpenContext(this.ctx)
    return this.view
  }

  private goWithout(): Promise<void> {
    this.abandoned = true
    this.view!.close()
    return this.tell(() => this.inward())
  }

  private note(error: unknown): void {
    this.ctx.home.degrade(this.layer.meta.name, error)
  }

  private twice(): LayerError {
    const { name } = this.layer.meta
    return new LayerError(`${name} called next() twice; only a layer declared with reenters may`, { layer: name }, this.error)
  }
}
