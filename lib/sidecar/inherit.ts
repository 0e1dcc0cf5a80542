import { keepsOrder } from '../core/order.js'
import type { Layer } from '../core/types.js'

/**
 * The stack of a child: its own layers, and those of the parent that declare `inherit` and that it lacks, each at the place that it has in the
 * parent's stack.
 */
export function inherited(parent: readonly Layer[], own: readonly Layer[]): readonly Layer[] {
  const stack = [...own]
  for (const [at, layer] of parent.entries()) {
    if (stack.some(({ meta }) => meta.name === layer.meta.name)) continue
    const passedOn = layer.meta.inherit?.(layer)
    if (passedOn) stack.splice(placeOf(passedOn, wishOf(passedOn, at, parent, stack), stack), 0, passedOn)
  }
  return stack
}

/** Before the next layer that both have, else behind the last; with no neighbour at the end where its traits belong. */
function wishOf({ meta }: Layer, at: number, parent: readonly Layer[], stack: readonly Layer[]): number {
  const indexOf = (other: Layer) => stack.findIndex(({ meta }) => meta.name === other.meta.name)
  const next = parent
    .slice(at + 1)
    .map(indexOf)
    .find(index => index >= 0)
  const before = parent
    .slice(0, at)
    .map(indexOf)
    .findLast(index => index >= 0)
  return next ?? (before === undefined ? (meta.perAttempt ? stack.length : 0) : before + 1)
}

/** The nearest place to the wished one that is not against the order. Where there is none, the check of the stack says why. */
function placeOf(layer: Layer, wish: number, stack: readonly Layer[]): number {
  const places = [...stack.keys(), stack.length].sort((a, b) => Math.abs(a - wish) - Math.abs(b - wish))
  return places.find(place => keepsOrder([...stack.slice(0, place), layer, ...stack.slice(place)])) ?? wish
}
