import type { ActionContext } from './context.js'
import { type SlotMap, type SlotScope, slotsOf } from './slot.js'
import type { Action, Context, Kind, SpanCategory, Tap } from './types.js'

/** The context as one pass through an open layer sees it. Once the layer is given up, what it still does changes nothing. */
export class OpenContext implements Context {
  /** What it is a view of. TypeScript's own fields, as in context.ts: it is made for every pass. */
  readonly ctx: ActionContext
  private over = false

  constructor(ctx: ActionContext) {
    this.ctx = ctx
  }

  /** The action goes on without the layer. */
  close(): void {
    this.over = true
  }

  get id(): string {
    return this.ctx.id
  }

  get kind(): Kind {
    return this.ctx.kind
  }

  get agent(): Context['agent'] {
    return this.ctx.agent
  }

  get parent(): Context['parent'] {
    return this.ctx.parent
  }

  get signal(): AbortSignal {
    return this.ctx.signal
  }

  get action(): Action {
    return this.ctx.action
  }

  get attempt(): number {
    return this.ctx.attempt
  }

  get attempts(): Context['attempts'] {
    return this.ctx.attempts
  }

  get outcome(): Context['outcome'] {
    return this.ctx.outcome
  }

  get usage(): Context['usage'] {
    return this.ctx.usage
  }

  get clock(): Context['clock'] {
    return this.ctx.clock
  }

  get labels(): Context['labels'] {
    return this.ctx.labels
  }

  get released(): boolean {
    return this.ctx.released
  }

  get result(): unknown {
    return this.ctx.result
  }

  get wireDigest(): string | undefined {
    return this.ctx.wireDigest
  }

  rewrite(action: Action): void {
    if (!this.over) this.ctx.rewrite(action)
  }

  revise(result: unknown): void {
    if (!this.over) this.ctx.revise(result)
  }

  narrow(to: { readonly maxTokens: number }): void {
    if (!this.over) this.ctx.narrow(to)
  }

  during<T>(category: SpanCategory, work: () => Promise<T>): Promise<T> {
    return this.over ? work() : this.ctx.during(category, work)
  }

  tap(tap: Tap): void {
    if (!this.over) this.ctx.tap(tap)
  }

  emit(event: unknown): Promise<void> {
    return this.over ? Promise.resolve() : this.ctx.emit(event)
  }

  /** The slots of a scope; of a layer that was given up, a copy. */
  slotMap(scope: SlotScope): SlotMap {
    const slots = this.ctx.slotMap(scope)
    return this.over ? new Map(slots) : slots
  }
}

Object.defineProperty(OpenContext.prototype, slotsOf, {
  value(this: OpenContext, scope: SlotScope): SlotMap {
    return this.slotMap(scope)
  },
})
