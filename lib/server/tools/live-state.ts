import type { Runtime } from '../../core/runtime.js'
import type { SidecarEvent } from '../../core/types.js'

/**
 * The state of an agent that speaks for itself: working while a model or a tool is busy for it, and while it has been asked to go on; else
 * waiting for input. While somebody sends to it from here, the sidecar says its state itself.
 */
export class LiveState {
  readonly #runtime: Runtime
  readonly #running = { send: 0, model: 0, tool: 0, spawn: 0 }
  readonly #goesOn: () => boolean

  /** @param goesOn - has an answer asked for tools, so that another request is to be expected? */
  constructor(runtime: Runtime, goesOn: () => boolean) {
    this.#runtime = runtime
    this.#goesOn = goesOn
  }

  heard(event: SidecarEvent): void {
    if (event.type !== 'action.started' && event.type !== 'action.ended') return
    const { kind, type } = event
    this.#running[kind] = Math.max(0, this.#running[kind] + (type === 'action.started' ? 1 : -1))
    if (kind === 'model' || kind === 'tool') this.settle()
  }

  /** Says what is now. */
  settle(): void {
    const { send, model, tool } = this.#running
    if (send > 0) return
    if (model + tool > 0) this.#become('working', 'a request came')
    else if (!this.#goesOn()) this.#become('waitingForInput', 'its answer asked for nothing more')
  }

  #become(to: 'working' | 'waitingForInput', reason: string): void {
    const { state } = this.#runtime
    const isOver = state === 'failedReaped' || state === 'dismissed'
    const isFirst = to === 'waitingForInput' && state !== 'working'
    if (!isOver && !isFirst) this.#runtime.become(to, reason)
  }
}
