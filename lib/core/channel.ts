import type { Clock } from './clock.js'

/** How many events wait for a slow consumer before the source is held back. */
const highWater = 16

type Item<T> = { readonly event: T } | { readonly error: unknown } | { readonly end: true }

/**
 * The pipe between a chain that pushes and a consumer that pulls. `push` resolves when there is room, so that a slow consumer holds the
 * source back; one that does not read at all is given up after `idleMs`.
 */
export class Channel<T> {
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #abandon: () => void
  readonly #items: Item<T>[] = []
  #waiting: (() => void)[] = []
  #stopIdle: (() => void) | undefined
  #reader: (() => void) | undefined
  #dropping = false
  #over = false

  /** @param abandon - called when the consumer has left, or has not read for `idleMs` */
  constructor(options: { clock: Clock; idleMs: number; abandon: () => void }) {
    this.#clock = options.clock
    this.#idleMs = options.idleMs
    this.#abandon = options.abandon
  }

  /** Adds an event. Resolves when there is room for another; at once when nobody reads any more. */
  push(event: T): void | Promise<void> {
    if (this.#dropping || this.#over) return
    this.#put({ event })
    if (this.#items.length < highWater) return
    this.#stopIdle ??= this.#clock.after(this.#idleMs, () => this.leave())
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  end(): void {
    this.#last({ end: true })
  }

  fail(error: unknown): void {
    this.#last({ error })
  }

  /** The next event, or `done`. Rejects with what `fail` was given, after all events before it. */
  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#items.length === 0) {
      if (this.#dropping) return { done: true, value: undefined }
      await this.#untilWoken()
    }
    return this.#take()
  }

  /** The consumer stops: what is pending is dropped and the source told. */
  leave(): void {
    if (this.#dropping) return
    this.drop()
    this.#abandon()
  }

  /** Nobody will read: events are dropped, the source goes on. */
  drop(): void {
    this.#dropping = true
    this.#items.length = 0
    this.#freeRoom()
    this.#wake()
  }

  /** What waits for room need not wait any more: nothing of it is read behind the end. */
  #last(item: Item<T>): void {
    if (this.#dropping || this.#over) return
    this.#over = true
    this.#put(item)
    this.#freeRoom()
  }

  /** Readers that wait at once all look again. */
  #untilWoken(): Promise<void> {
    const before = this.#reader
    return new Promise(resolve => {
      const wake = () => {
        before?.()
        resolve()
      }
      this.#reader = wake
    })
  }

  #put(item: Item<T>): void {
    this.#items.push(item)
    this.#wake()
  }

  #take(): IteratorResult<T, undefined> {
    const item = this.#items[0]!
    if ('event' in item) {
      this.#items.shift()
      this.#taken()
      return { done: false, value: item.event }
    }
    if ('error' in item) {
      this.#items[0] = { end: true }
      throw item.error
    }
    return { done: true, value: undefined }
  }

  /** The consumer reads: its patience begins anew. Where there is room all sources may go on: one that pushes nothing more must not keep the others. */
  #taken(): void {
    this.#stopIdle?.()
    this.#stopIdle = undefined
    if (this.#over || this.#items.length < highWater) this.#freeRoom()
    else this.#stopIdle = this.#clock.after(this.#idleMs, () => this.leave())
  }

  #freeRoom(): void {
    this.#stopIdle?.()
    this.#stopIdle = undefined
    for (const go of this.#waiting.splice(0)) go()
  }

  #wake(): void {
    this.#reader?.()
    this.#reader = undefined
  }
}
