import type { Clock } from './clock.js'
import type { SidecarEvent, SidecarEventBody } from './types.js'

type Listener = (event: SidecarEvent) => void

/** The events of one sidecar, to every listener in one order. A listener that throws or rejects is not heard again: it can never fail an action. */
export class Events {
  readonly #clock: Clock
  readonly #agent: { readonly id: string }
  #listeners: Set<Listener> | undefined
  #waiting: SidecarEvent[] | undefined

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
    // What a listener publishes comes after the event that it is hearing, for all of them.
    if (this.#waiting) return void this.#waiting.push(event)
    const waiting = [event]
    this.#waiting = waiting
    for (let next = waiting.shift(); next; next = waiting.shift()) for (const listener of [...this.#listeners!]) this.#tell(listener, next)
    this.#waiting = undefined
  }

  subscribe(listener: Listener): () => void {
    this.#listeners ??= new Set()
    const own: Listener = event => listener(event)
    this.#listeners.add(own)
    return () => void this.#listeners?.delete(own)
  }

  #tell(listener: Listener, event: SidecarEvent): void {
    // Another listener may have stopped it meanwhile.
    if (!this.#listeners!.has(listener)) return
    const forget = () => void this.#listeners!.delete(listener)
    try {
      const heard: unknown = listener(event)
      if (heard instanceof Promise) heard.catch(forget)
    } catch {
      forget()
    }
  }
}
