import type { ActionContext } from './context.js'
import { isMeant, ownError } from './verdict.js'
import { isOutriggerError } from './errors.js'
import type { Layer, Tap, ToolUse } from './types.js'

type Done = void | Promise<void>

interface Entry {
  tap: Tap
  readonly layer: Layer | undefined
}

/** The taps of one action. Events flow from the innermost layer's tap outwards, then to the consumer. */
export class Taps {
  readonly #ctx: ActionContext
  readonly #list: Entry[] = []

  constructor(ctx: ActionContext) {
    this.#ctx = ctx
  }

  get size(): number {
    return this.#list.length
  }

  add(tap: Tap, layer: Layer | undefined): void {
    this.#list.push({ tap, layer })
  }

  /** Forgets all but the outermost `size` taps. */
  cut(size: number): void {
    this.#list.length = size
  }

  /** Sends one event through all taps to the consumer. */
  pass(event: unknown): Done {
    return this.#from(this.#list.length - 1, event)
  }

  /** The source is being waited for, or no more. */
  waiting(on: boolean): void {
    for (const entry of this.#list) if (entry.tap.waiting) this.#tell(entry, tap => tap.waiting!(on))
  }

  /** An event has come from the source. */
  arrived(event: unknown): void {
    for (const entry of this.#list) if (entry.tap.arrived) this.#tell(entry, tap => tap.arrived!(event))
  }

  /** An open tap that throws is told no more. */
  #tell(entry: Entry, tell: (tap: Tap) => void): void {
    const { tap, layer } = entry
    try {
      tell(tap)
    } catch (error) {
      this.#bear(error, layer)
      const { event, end, release, toolUse } = tap
      entry.tap = { event: event?.bind(tap), end: end?.bind(tap), release: release?.bind(tap), toolUse: toolUse?.bind(tap) }
    }
  }

  /** The source has ended well: every tap, innermost first, releases what it holds. */
  async end(): Promise<void> {
    for (let at = this.#list.length - 1; at >= 0; at--) {
      const { tap, layer } = this.#list[at]!
      if (!tap.end) continue
      const out: unknown[] = []
      try {
        await tap.end(event => out.push(event))
      } catch (error) {
        this.#bear(error, layer)
        this.#letGo(tap, layer, out)
      }
      await this.#forward(at - 1, out)
    }
  }

  /** Does any tap judge tool calls? */
  get judges(): boolean {
    return this.#list.some(({ tap }) => tap.toolUse)
  }

  /** Does any tap see events? One that only judges tool calls does not. */
  get sees(): boolean {
    return this.#list.some(({ tap }) => tap.event || tap.end)
  }

  /** Asks every judge, innermost first. Rejects with the first refusal. */
  async judge(call: ToolUse): Promise<void> {
    for (let at = this.#list.length - 1; at >= 0; at--) {
      const { tap, layer } = this.#list[at]!
      try {
        await tap.toolUse?.(call)
      } catch (error) {
        if (isOutriggerError(error)) throw error
        this.#bear(error, layer)
      }
    }
  }

  #from(at: number, event: unknown): Done {
    const next = this.#nextWithEvent(at)
    if (next < 0) return this.#ctx.sink?.(event)
    const { tap } = this.#list[next]!
    const out: unknown[] = []
    try {
      const done = tap.event!(event, released => out.push(released))
      if (done instanceof Promise) return this.#after(done, next, event, out)
    } catch (error) {
      this.#passThrough(error, next, event, out)
    }
    return this.#forward(next - 1, out)
  }

  #nextWithEvent(at: number): number {
    while (at >= 0 && !this.#list[at]?.tap.event) at--
    return at
  }

  async #after(done: Promise<void>, at: number, event: unknown, out: unknown[]): Promise<void> {
    try {
      await done
    } catch (error) {
      this.#passThrough(error, at, event, out)
    }
    await this.#forward(at - 1, out)
  }

  #forward(at: number, events: readonly unknown[]): Done {
    if (events.length === 1) return this.#from(at, events[0])
    if (events.length > 1) return this.#inOrder(at, events)
  }

  async #inOrder(at: number, events: readonly unknown[]): Promise<void> {
    for (const event of events) await this.#from(at, event)
  }

  /** An open tap that threw sees no more of this action. */
  #passThrough(error: unknown, at: number, event: unknown, out: unknown[]): void {
    const entry = this.#list[at]!
    const { tap, layer } = entry
    this.#bear(error, layer)
    entry.tap = { toolUse: tap.toolUse?.bind(tap) }
    if (tap.release) this.#letGo(tap, layer, out)
    else out.length = 0
    if (!out.includes(event)) out.push(event)
  }

  #letGo(tap: Tap, layer: Layer | undefined, out: unknown[]): void {
    try {
      tap.release?.(event => out.push(event))
    } catch (error) {
      this.#bear(error, layer)
    }
  }

  #bear(error: unknown, layer: Layer | undefined): void {
    if (!layer) throw error
    if (layer.meta.fail !== 'open' || isMeant(this.#ctx, error)) throw ownError(layer, this.#ctx, error, 'on an event')
    this.#ctx.home.degrade(layer.meta.name, error)
  }
}
