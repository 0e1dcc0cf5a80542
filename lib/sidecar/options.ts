import { checkClaudeOptions } from '../claude/options.js'
import { isFactory, isLayer, isPreset } from '../core/define.js'
import type { LayerInput } from '../core/types.js'
import type { SendOptions, SidecarOptions } from './types.js'

const known = new Set(['agent', 'use', 'claude', 'whenPaused', 'id', 'clock', 'lookup'])

/** @throws TypeError, RangeError or ConfigError that says the value and the fix */
export function checkOptions(options: object): asserts options is SidecarOptions<readonly LayerInput[], unknown, unknown, unknown> {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('createSidecar needs an object: createSidecar({ agent, use: [] })')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`createSidecar: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { use, whenPaused, claude, id, clock, lookup } = options as Partial<
    SidecarOptions<readonly LayerInput[], unknown, unknown, unknown>
  >
  if (!Array.isArray(use)) throw new TypeError(`createSidecar: use must be a list of layers, outermost first${noList(use)}`)
  if (whenPaused !== undefined && whenPaused !== 'reject' && whenPaused !== 'wait')
    throw new TypeError(`createSidecar: whenPaused must be 'reject' or 'wait', got ${JSON.stringify(whenPaused)}`)
  if (id !== undefined && (typeof id !== 'string' || id === '')) throw new TypeError('createSidecar: id must be a non-empty string')
  if (clock !== undefined && typeof clock?.monotonic !== 'function')
    throw new TypeError('createSidecar: clock must have now(), monotonic() and after(ms, fn), as systemClock does')
  if (lookup !== undefined && typeof lookup !== 'function')
    throw new TypeError(`createSidecar: lookup must be a function from a host name to its addresses, got ${typeof lookup}`)
  if (claude !== undefined) checkClaudeOptions(claude)
}

/** What is wrong with what stands in the place of a list: a single layer, or a preset that was not called. */
export function noList(use: unknown): string {
  if (typeof use !== 'function') return ''
  if (isPreset(use)) return `; write ${use.name}(…)`
  if (isLayer(use)) return `; write [${use.meta.name}(…)]`
  return `; write [${use.name}${isFactory(use) ? '(…)' : ''}]`
}

/** @throws TypeError that says the value and the fix: a misspelt `signal` would never abort anything */
export function checkSendOptions(options: SendOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('send: options must be an object, like { signal }')
  for (const key of Object.keys(options))
    if (key !== 'signal' && key !== 'labels') throw new TypeError(`send: unknown option "${key}"; known are signal, labels`)
  const { signal, labels } = options
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw new TypeError(`send: signal must be an AbortSignal, got ${signal === null ? 'null' : typeof signal}`)
  for (const name of Object.keys(labels ?? {}))
    if (typeof labels![name] !== 'string') throw new TypeError(`send: label "${name}" must be a string, got ${typeof labels![name]}`)
}
