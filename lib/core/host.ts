import type { ActionContext } from './context.js'
import { LayerError } from './errors.js'
import { OpenContext } from './open-context.js'
import type { Runtime } from './runtime.js'
import { type SlotMap, type SlotScope, slotsOf } from './slot.js'
import type { Context, Host, HostStatus, SidecarEvent, SidecarEventBody } from './types.js'

/** Where a sidecar comes from, when it was spawned. */
export interface Origin {
  readonly host: Host
  readonly spawn: Context
}

/** What one sidecar offers to its layers: a narrow view of its runtime. */
export class RuntimeHost implements Host {
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  get agent(): Host['agent'] {
    return this.#runtime.agent
  }

  get clock(): Host['clock'] {
    return this.#runtime.clock
  }

  get spans(): Host['spans'] {
    return this.#runtime.spans
  }

  get self(): Host['self'] {
    return this.#runtime.self
  }

  get status(): HostStatus {
    const { state, paused, reaped, failing, degraded, inFlight } = this.#runtime
    return { state, paused, reaped, failing: failing?.message, degraded, inFlight }
  }

  get parent(): Host | undefined {
    return this.#runtime.origin?.host
  }

  get spawnedBy(): Context | undefined {
    return this.#runtime.origin?.spawn
  }

  publish(event: SidecarEventBody & { action?: string }): void {
    this.#runtime.events.publish(event)
  }

  subscribe(listener: (event: SidecarEvent) => void): () => void {
    return this.#runtime.events.subscribe(listener)
  }

  pause(reason: string): void {
    this.#runtime.pause(reason)
  }

  reap(reason: string): void {
    this.#runtime.reap(reason)
  }

  degrade(layer: string, error: unknown): void {
    this.#runtime.degrade(layer, error)
  }

  fail(error: Error): void {
    const layer = (error as Partial<LayerError>).layer ?? 'a layer'
    this.#runtime.fail(error instanceof LayerError ? error : new LayerError(`${layer} failed; see cause`, { layer }, error))
  }

  gate(ctx: Context): Promise<void> | undefined {
    return this.#runtime.pass(ctx instanceof OpenContext ? ctx.ctx : (ctx as ActionContext))
  }

  whenShut(fn: () => void): () => void {
    return this.#runtime.whenShut(fn)
  }

  slotMap(): SlotMap {
    return this.#runtime.slots
  }
}

Object.defineProperty(RuntimeHost.prototype, slotsOf, {
  value(this: RuntimeHost, scope: SlotScope): SlotMap {
    if (scope !== 'agent')
      throw new LayerError(`a host has slots of scope agent alone, not ${scope}: read this one with a context`, { layer: 'host' })
    return this.slotMap()
  },
})
