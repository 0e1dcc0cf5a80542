import { serves } from './define.js'
import { StackOrderError } from './errors.js'
import { providerOf } from './slot.js'
import type { Kind, Layer, LayerMeta } from './types.js'
import { kinds } from './types.js'

/**
 * Checks a stack, outermost first, against what its layers declare.
 * @throws StackOrderError that names both layers and says the fix
 */
export function checkOrder(layers: readonly Layer[]): void {
  checkNames(layers)
  for (const [place, layer] of layers.entries()) {
    for (const outer of layers.slice(0, place)) checkPair(outer, layer)
    checkNeeds(layer, layers)
  }
}

/** Does every layer stand where the others let it? */
export function keepsOrder(layers: readonly Layer[]): boolean {
  try {
    for (const [place, layer] of layers.entries()) for (const outer of layers.slice(0, place)) checkPair(outer, layer)
    return true
  } catch {
    return false
  }
}

function checkNames(layers: readonly Layer[]): void {
  const seen = new Set<string>()
  for (const { meta } of layers) {
    if (seen.has(meta.name))
      throw new StackOrderError(`${meta.name} stands in the stack twice; remove one, or give one another name`, [meta.name])
    seen.add(meta.name)
  }
}

function checkPair(outer: Layer, inner: Layer): void {
  const [a, b] = [outer.meta, inner.meta]
  if (!meet(outer, inner)) return
  if (a.commits && b.rewrites) throw wrong(b, a, `${b.name} may replace the request after ${a.name} has decided on it`)
  if (a.perAttempt && b.reenters) throw wrong(b, a, `${b.name} would repeat attempts that ${a.name} must see one by one`)
  if (a.inside?.includes(b.name)) throw wrong(b, a, `${a.name} must be inside ${b.name}`)
  if (b.outside?.includes(a.name)) throw wrong(b, a, `${b.name} must be outside ${a.name}`)
}

function wrong(shouldBeOuter: LayerMeta, shouldBeInner: LayerMeta, why: string): StackOrderError {
  const [outer, inner] = [shouldBeOuter.name, shouldBeInner.name]
  return new StackOrderError(`wrong order: ${why}; put ${outer} before ${inner} in use (first = outermost)`, [outer, inner])
}

/** Not by place: what an inner layer provides is there after `next()`. */
function checkNeeds(layer: Layer, layers: readonly Layer[]): void {
  for (const slot of layer.meta.needs ?? []) {
    const givers = layers.filter(other => other !== layer && other.meta.provides?.some(({ name }) => name === slot.name))
    if (givers.length === 0) throw unprovided(layer, slot.name)
    if (slot.scope === 'agent') continue
    const bare = kinds.filter(kind => serves(layer, kind) && !givers.some(giver => serves(giver, kind)))
    if (bare.length > 0) throw elsewhere(layer, slot.name, givers[0]!, bare)
  }
}

function unprovided({ meta: { name } }: Layer, slotName: string): StackOrderError {
  const known = providerOf(slotName)
  const provider = known === name ? undefined : known
  return new StackOrderError(
    `${name} needs the slot "${slotName}", which no other layer of this stack provides; add ${provider ?? 'the layer that does'}`,
    provider ? [name, provider] : [name],
  )
}

function elsewhere({ meta: { name } }: Layer, slotName: string, { meta: giver }: Layer, bare: readonly Kind[]): StackOrderError {
  return new StackOrderError(
    `${name} needs the slot "${slotName}" on ${bare.join(', ')}, which ${giver.name} does not serve; leave ${bare.join(', ')} out of on of ${name}`,
    [name, giver.name],
  )
}

function meet(a: Layer, b: Layer): boolean {
  return kinds.some(kind => serves(a, kind) && serves(b, kind))
}
