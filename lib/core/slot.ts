import { LayerError } from './errors.js'
import type { Context } from './types.js'

/** How long a slot's value lives: as long as the sidecar, the action, or one attempt. */
export type SlotScope = 'agent' | 'action' | 'attempt'

/** A typed place for state between layers: usage and cost flow outwards, where chained generics cannot follow. */
export interface Slot<T = unknown> {
  readonly name: string
  readonly scope: SlotScope
  /** The value. @throws LayerError that names the layer which would provide it. */
  get(ctx: Context): T
  /** The value, or `undefined` where nobody has set it. */
  peek(ctx: Context): T | undefined
  set(ctx: Context, value: T): void
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
  const mapOf = (ctx: Context) => (ctx as unknown as Holder)[slotsOf]!.call(ctx, scope)
  return Object.freeze({
    name,
    scope,
    peek: (ctx: Context) => mapOf(ctx).get(name) as T | undefined,
    get(ctx: Context): T {
      const map = mapOf(ctx)
      if (!map.has(name)) throw missing(name)
      return map.get(name) as T
    },
    set: (ctx: Context, value: T) => void mapOf(ctx).set(name, value),
  })
}

/** What an attempt cost, integer nano-USD: set by the Claude seam from its price table, overwritten by `withBudget` with its own. */
export const cost: Slot<number> = slot<number>('cost.nanoUsd', { scope: 'attempt' })
