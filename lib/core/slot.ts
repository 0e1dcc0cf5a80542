import { LayerError } from './errors.js'
import type { Context, Host } from './types.js'

/** How long a slot's value lives: as long as the sidecar, the action, or one attempt. */
export type SlotScope = 'agent' | 'action' | 'attempt'

/** What has slots: the context of an action, and the host of a sidecar (those of scope `agent` alone). */
export type SlotHolder = Context | Host

/** A typed place for state between layers: usage and cost flow outwards, where chained generics cannot follow. */
export interface Slot<T = unknown> {
  readonly name: string
  readonly scope: SlotScope
  /** The value. @throws LayerError that names the layer which would provide it. */
  get(holder: SlotHolder): T
  /** The value, or `undefined` where nobody has set it. */
  peek(holder: SlotHolder): T | undefined
  set(holder: SlotHolder, value: T): void
}

/** Where a context keeps its slots. A registered symbol, so that ESM and CommonJS copies of this package meet. */
export const slotsOf: unique symbol = Symbol.for('outrigger.v1.slots')

/** The slots of one scope, by name. */
export type SlotMap = Map<string, unknown>

type Holder = { [key: symbol]: (scope: SlotScope) => SlotMap }

const providers = new Map<string, string>()

/** Remembers which layer provides a slot, for the message of `get`. */
export function noteProvider(slotName: string, layer: string): void {
  providers.set(slotName, layer)
}

/** The layer that declared to provide a slot, where one did. */
export function providerOf(slotName: string): string | undefined {
  return providers.get(slotName)
}

function missing(name: string): LayerError {
  const layer = providerOf(name)
  return new LayerError(`slot "${name}" is empty; ${layer ? `${layer} would provide it: add it to the stack` : 'no layer provides it'}`, {
    layer: layer ?? name,
  })
}

/**
 * Makes a slot. Two slots of one name are the same place.
 * @param name - unique, by convention `layer.thing`
 * @param options - `scope`: `action` (default) lives through all attempts, `attempt` goes back to its mark before another attempt
 */
export function slot<T>(name: string, options: { readonly scope?: SlotScope } = {}): Slot<T> {
  const scope = options.scope ?? 'action'
  const mapOf = (holder: SlotHolder) => (holder as unknown as Holder)[slotsOf]!.call(holder, scope)
  return Object.freeze({
    name,
    scope,
    peek: (holder: SlotHolder) => mapOf(holder).get(name) as T | undefined,
    get(holder: SlotHolder): T {
      const map = mapOf(holder)
      if (!map.has(name)) throw missing(name)
      return map.get(name) as T
    },
    set: (holder: SlotHolder, value: T) => void mapOf(holder).set(name, value),
  })
}

/** What an attempt cost, integer nano-USD: set by the Claude seam from its price table, overwritten by `withBudget` with its own. */
export const cost: Slot<number> = slot<number>('cost.nanoUsd', { scope: 'attempt' })
