import { checkClaudeOptions } from './claude/options.js'
import type { LayerInput } from './core/types.js'
import type { SidecarOptions } from './sidecar-types.js'

const known = new Set(['agent', 'use', 'claude', 'whenPaused', 'id', 'clock'])

/** @throws TypeError, RangeError or ConfigError that says the value and the fix */
export function checkOptions(options: object): asserts options is SidecarOptions<readonly LayerInput[], unknown, unknown, unknown> {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('createSidecar needs an object: createSidecar({ agent, use: [] })')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`createSidecar: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { use, whenPaused, claude, id } = options as Partial<SidecarOptions<readonly LayerInput[], unknown, unknown, unknown>>
  if (!Array.isArray(use)) throw new TypeError('createSidecar: use must be a list of layers, outermost first')
  if (whenPaused !== undefined && whenPaused !== 'reject' && whenPaused !== 'wait')
    throw new TypeError(`createSidecar: whenPaused must be 'reject' or 'wait', got ${JSON.stringify(whenPaused)}`)
  if (id !== undefined && (typeof id !== 'string' || id === '')) throw new TypeError('createSidecar: id must be a non-empty string')
  if (claude !== undefined) checkClaudeOptions(claude)
}
