import { ConfigError } from '../core/errors.js'
import type { Host, Layer } from '../core/types.js'

/**
 * Shows on the sidecar what its layers expose. Property descriptors are copied, so that getters stay live.
 * @throws ConfigError when a name is taken
 */
export function showMembers(sidecar: object, layers: readonly Layer[]): void {
  const owners = new Map<string, string>()
  for (const { meta } of layers) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(meta.expose ?? {}))) {
      const owner = owners.get(name) ?? (name in sidecar || name === 'then' ? 'the sidecar' : undefined)
      if (owner) throw new ConfigError(`${meta.name} exposes "${name}", which ${owner} has already; rename it`)
      owners.set(name, meta.name)
      const fixed = 'value' in descriptor ? { writable: false } : {}
      Object.defineProperty(sidecar, name, { ...descriptor, ...fixed, enumerable: true, configurable: false })
    }
  }
}

const mounted = new WeakSet<Layer>()

/**
 * Mounts the layers that want to know their sidecar: all or none.
 * @throws ConfigError when one of them belongs to another sidecar
 */
export function mount(layers: readonly Layer[], host: Host): void {
  const curious = layers.filter(layer => layer.meta.attach)
  const taken = curious.find(layer => mounted.has(layer))
  if (taken) throw new ConfigError(`this ${taken.meta.name} belongs to another sidecar already; make a fresh one for each`)
  for (const layer of curious) mounted.add(layer)
  const attached: Layer[] = []
  try {
    for (const layer of curious) {
      layer.meta.attach!(host)
      attached.push(layer)
    }
  } catch (error) {
    for (const layer of curious) mounted.delete(layer)
    // What they opened is given back: nobody will ever close a sidecar that does not come to be.
    for (const { meta } of attached.reverse()) void meta.close?.().catch(() => {})
    throw error
  }
}
