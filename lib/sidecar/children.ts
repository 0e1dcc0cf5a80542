import type { Runtime } from '../core/runtime.js'

/** What the parent does with a child's sidecar. */
export interface Child {
  readonly id: string
  reap(reason: string): void
  close(options?: { readonly drainMs?: number }): Promise<void>
}

/** The children of one sidecar: counted from the moment that one is asked for. */
export class Children<C extends Child> {
  readonly #runtime: Runtime
  readonly #alive = new Set<C>()
  /** Those that have ended: one may do so before its spawn has. */
  readonly #gone = new WeakMap<C, string>()
  #starting = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  get alive(): readonly C[] {
    return [...this.#alive]
  }

  /** Starts one. `start` is told how many there are already, those that are being started before this one included. */
  async start(start: (siblings: number) => Promise<C>): Promise<C> {
    const siblings = this.#alive.size + this.#starting++
    try {
      return this.#started(await start(siblings))
    } finally {
      this.#starting--
    }
  }

  ended(child: C, reason: string): void {
    this.#gone.set(child, reason)
    if (this.#alive.delete(child)) this.#tellEnd(child, reason)
  }

  #started(child: C): C {
    const gone = this.#gone.get(child)
    if (gone === undefined) this.#alive.add(child)
    this.#runtime.events.publish({ type: 'child.started', child: child.id })
    if (gone !== undefined) this.#tellEnd(child, gone)
    return child
  }

  #tellEnd({ id }: C, reason: string): void {
    this.#runtime.events.publish({ type: 'child.ended', child: id, reason })
  }

  /** Closes all of them side by side. @throws the first error, when all have closed */
  async close(drainMs: number): Promise<void> {
    const closed = await Promise.allSettled(this.alive.map(child => child.close({ drainMs })))
    const failed = closed.find(result => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
