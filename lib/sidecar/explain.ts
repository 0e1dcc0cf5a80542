import { serves } from '../core/define.js'
import type { Runtime } from '../core/runtime.js'
import { kinds, type Layer } from '../core/types.js'

/** The chain of each kind, in order, with each layer's options and the members it shows. */
export function explain(runtime: Runtime, name: string): string {
  const chains = kinds.map(kind => {
    const layers = runtime.layers.filter(layer => serves(layer, kind))
    return [`${kind}:`, ...layers.map(layer => `  ${line(layer)}`), `  → ${kind === 'send' ? 'agent' : kind}`].join('\n')
  })
  return [`${name}, outermost first`, ...chains].join('\n')
}

function line({ meta }: Layer): string {
  const traits = (['reenters', 'rewrites', 'revises', 'commits', 'perAttempt'] as const).filter(trait => meta[trait])
  const members = Object.keys(Object.getOwnPropertyDescriptors(meta.expose ?? {}))
  return [
    meta.options === undefined ? meta.name : `${meta.name} ${JSON.stringify(meta.options)}`,
    traits.length > 0 ? `[${traits.join(', ')}]` : '',
    `fails ${meta.fail ?? 'closed'}`,
    members.length > 0 ? `shows ${members.join(', ')}` : '',
  ]
    .filter(Boolean)
    .join('  ')
}
