import type { LayerInput, SpawnAction } from '../core/types.js'
import { partOf } from '../ledger/account.js'
import { noList } from './options.js'
import type { SpawnSpec } from './types.js'

/** A spec whose types nobody knows any more. */
export type AnySpec = SpawnSpec<readonly LayerInput[], unknown, unknown, unknown>

const known = ['name', 'type', 'agent', 'use', 'task', 'budget', 'rules', 'id', 'whenPaused'] as const

/** A copy: what starts is what was judged, whatever the caller does to its own object meanwhile. @throws TypeError that says the value and the fix */
export function checkedSpawn(spec: object): AnySpec {
  checkSpawn(spec)
  const copy = Object.fromEntries(known.map(key => [key, spec[key]])) as unknown as AnySpec
  return { ...copy, ...(copy.rules ? { rules: [...copy.rules] } : {}) }
}

function checkSpawn(spec: object): asserts spec is AnySpec {
  if (typeof spec !== 'object' || spec === null) throw new TypeError('spawn needs an object: spawn({ agent, use: [] })')
  for (const key of Object.keys(spec))
    if (!(known as readonly string[]).includes(key)) throw new TypeError(`spawn: unknown option "${key}"; known are ${known.join(', ')}`)
  const { name, type, task, use, id, rules, whenPaused, agent } = spec as Partial<AnySpec>
  for (const [key, value] of Object.entries({ name, type, id }))
    if (value !== undefined && (typeof value !== 'string' || value.trim() === ''))
      throw new TypeError(`spawn: ${key} must be a non-empty string, got ${JSON.stringify(value)}`)
  if (task !== undefined && typeof task !== 'string') throw new TypeError(`spawn: task must be a string, got ${typeof task}`)
  if (!Array.isArray(use))
    throw new TypeError(
      `spawn: use must be a list of layers, outermost first${noList(use) || '; [] where the parent passes on all it needs'}`,
    )
  if (rules !== undefined && !(Array.isArray(rules) && rules.every(rule => typeof rule?.begin === 'function')))
    throw new TypeError("spawn: rules must be a list of rules; rules.* of 'outrigger/policy' make them")
  if (whenPaused !== undefined && whenPaused !== 'reject' && whenPaused !== 'wait')
    throw new TypeError(`spawn: whenPaused must be 'reject' or 'wait', got ${JSON.stringify(whenPaused)}`)
  if (typeof agent === 'function' && name === undefined)
    throw new TypeError('spawn: name the child; an agent that is made by a function is not there yet when the spawn is judged')
}

/** What the chain judges and records. */
export function spawnAction(spec: AnySpec, siblings: number): SpawnAction {
  const { agent, task, budget } = spec
  const made = typeof agent === 'function' ? undefined : agent
  return Object.freeze({
    kind: 'spawn',
    name: spec.name ?? made?.name ?? '',
    type: spec.type ?? made?.type ?? 'agent',
    siblings,
    ...(task === undefined ? {} : { task }),
    ...(budget === undefined ? {} : { budget: Object.freeze(partOf(budget)) }),
  })
}
