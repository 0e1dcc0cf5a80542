import type { Clock } from './clock.js'
import { SpanFold } from './spans.js'
import type { Attempt } from './types.js'

/** What one task (a root action and all below it) has come to. Its parts are made when they are needed. */
export class Task {
  readonly #clock: Clock
  readonly #root: { readonly id: string }
  #nested: string[] | undefined
  #fold: SpanFold | undefined
  #attempts: Attempt[] | undefined

  constructor(clock: Clock, root: { readonly id: string }) {
    this.#clock = clock
    this.#root = root
  }

  /** The spans of all its actions. */
  get fold(): SpanFold {
    this.#fold ??= new SpanFold(this.#clock)
    return this.#fold
  }

  /** The attempts that cost something, in the order in which they ended. */
  get attempts(): readonly Attempt[] {
    return this.#attempts ?? []
  }

  addAttempt(attempt: Attempt): void {
    this.#attempts ??= []
    this.#attempts.push(attempt)
  }

  addAction(action: { readonly id: string }): void {
    this.#nested ??= []
    this.#nested.push(action.id)
  }

  /** Is the action with this id part of it? */
  has(id: string): boolean {
    return id === this.#root.id || this.#nested?.includes(id) === true
  }
}
