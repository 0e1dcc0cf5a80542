import { serves } from './define.js'
import { StackOrderError } from './errors.js'
import { providerOf } from './slot.js'
import type { Layer, LayerMeta } from './types.js'
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

function checkNeeds(layer: Layer, layers: readonly Layer[]): void {
  for (const slot of layer.meta.needs ?? []) {
    if (layers.some(other => other.meta.provides?.some(({ name }) => name === slot.name))) continue
    const { name } = layer.meta
    const provider = providerOf(slot.name)
    throw new StackOrderError(
      `${name} needs the slot "${slot.name}", which no layer of this stack provides; add ${provider ?? 'the layer that does'}`,
      provider ? [name, provider] : [name],
    )
  }
}

function meet(a: Layer, b: Layer): boolean {
  return kinds.some(kind => serves(a, kind) && serves(b, kind))
}
