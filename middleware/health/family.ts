import { type Host, type Slot, slot } from 'outrigger'

/** How the watch of a child tells that of its parent that it is at work. */
export interface Family {
  /** A child has a watch of its own from now on. */
  joined(id: string, isBusy: () => boolean): void
  left(id: string): void
  /** A child, or one of its own, has begun or ended an action. */
  worked(model: boolean): void
}

/** Set by `withHealth` on its sidecar, for the children of it. */
export const family: Slot<Family> = slot<Family>('health.family', { scope: 'agent' })

/** What is known of the children of an agent: while one works, its parent is not silent. */
export class Children implements Family {
  readonly #watched = new Map<string, () => boolean>()
  readonly #alive = new Set<string>()
  readonly #onWork: (model: boolean) => void

  constructor(onWork: (model: boolean) => void) {
    this.#onWork = onWork
  }

  /** Hears of children without a watch: nobody can say whether those work. */
  hear(host: Host): () => void {
    return host.subscribe(({ type, ...event }) => {
      if (type !== 'child.started' && type !== 'child.ended') return
      const { child } = event as { readonly child?: string }
      if (child === undefined) return
      if (type === 'child.started') this.#alive.add(child)
      else this.#forget(child)
    })
  }

  joined(id: string, isBusy: () => boolean): void {
    this.#watched.set(id, isBusy)
  }

  left(id: string): void {
    this.#watched.delete(id)
  }

  worked(model: boolean): void {
    this.#onWork(model)
  }

  /** May one of them be at work? */
  get busy(): boolean {
    return this.unwatched || [...this.#watched.values()].some(isBusy => isBusy())
  }

  /** Is there one without a watch? */
  get unwatched(): boolean {
    for (const id of this.#alive) if (!this.#watched.has(id)) return true
    return false
  }

  #forget(child: string): void {
    this.#alive.delete(child)
    this.#watched.delete(child)
  }
}
