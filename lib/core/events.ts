import type { Clock } from './clock.js'
import type { SidecarEvent, SidecarEventBody } from './types.js'

type Listener = (event: SidecarEvent) => void

/** The events of one sidecar. A listener that throws is not heard again: it can never fail an action. */
export class Events {
  readonly #clock: Clock
  readonly #agent: { readonly id: string }
  #listeners: Set<Listener> | undefined

  constructor(clock: Clock, agent: { readonly id: string }) {
    this.#clock = clock
    this.#agent = agent
  }

  /** Is anybody listening? Asked before an event is built on a hot path. */
  get heard(): boolean {
    return this.#listeners !== undefined && this.#listeners.size > 0
  }

  publish(body: SidecarEventBody & { action?: string }): void {
    if (!this.heard) return
    const event: SidecarEvent = Object.freeze({ at: this.#clock.now(), agent: this.#agent.id, ...body })
    for (const listener of [...this.#listeners!]) this.#tell(listener, event)
  }

  subscribe(listener: Listener): () => void {
    this.#listeners ??= new Set()
    const own: Listener = event => listener(event)
    this.#listeners.add(own)
    return () => void this.#listeners?.delete(own)
  }

  #tell(listener: Listener, event: SidecarEvent): void {
    try {
      listener(event)
    } catch {
      this.#listeners!.delete(listener)
    }
  }
}
