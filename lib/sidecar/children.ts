import { ConfigError } from '../core/errors.js'
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
  readonly #ids = new Set<string>()
  #starting = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  get alive(): readonly C[] {
    return [...this.#alive]
  }

  /**
   * Starts one. `start` is told how many there are already, those that are being started before this one included.
   * @param id - of the caller's choice: two children of one id would share one account, and one would close that of the other
   * @throws ConfigError where one of that id is alive or being started
   */
  async start(id: string | undefined, start: (siblings: number) => Promise<C>): Promise<C> {
    this.#claim(id)
    const siblings = this.#alive.size + this.#starting++
    try {
      return this.#started(await start(siblings))
    } finally {
      this.#starting--
      if (id !== undefined) this.#ids.delete(id)
    }
  }

  #claim(id: string | undefined): void {
    if (id === undefined) return
    if (this.#ids.has(id) || this.alive.some(child => child.id === id))
      throw new ConfigError(`spawn: there is a child of the id "${id}" already; choose another, or leave it out`)
    this.#ids.add(id)
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
