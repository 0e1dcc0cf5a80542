import { type Rule, rules as makers } from 'outrigger/policy'
import type { PastViolations, Violation } from './book.js'

/** Options of {@link withViolations}. */
export interface WithViolationsOptions {
  /** Made by `rules.*` of `outrigger/policy`. An empty list is allowed: what the parent forbids, and changing one's own rules, stay forbidden. */
  readonly rules: readonly Rule[]
  /** These rules judge and are recorded, and change nothing. Rules of the parent are not touched by it. Default false. */
  readonly shadow?: boolean
  /** How many violations `violations` shows: the newest. All are counted. Default 1,000. */
  readonly keep?: number
  /** Hears every violation at once. Nothing waits for it, and what it throws changes nothing. */
  readonly onViolation?: (violation: Violation) => void | Promise<void>
  /**
   * What an earlier process had noted: `sidecar.snapshot().layers.withViolations` of its last moment. `violations` and the count go on from there; nobody is
   * told again, and the counters of the rules begin anew. Default: nothing.
   */
  readonly past?: PastViolations
}

/** The options as they take effect. */
export interface ViolationSettings {
  /** Those that are built in, then those of the option. */
  readonly rules: readonly Rule[]
  readonly shadow: boolean
  readonly keep: number
  readonly onViolation: WithViolationsOptions['onViolation']
  readonly past: PastViolations
}

/** Stands before the rules of every stack: no agent may touch what binds it. */
const selfModification: Rule = makers.selfModification()
/** And no model may call what it was not offered. */
const offeredTools: Rule = makers.offeredTools()

const nothing: PastViolations = Object.freeze({ count: 0, kept: Object.freeze([]) })
const known = new Set(['rules', 'shadow', 'keep', 'onViolation', 'past'])

/** @throws TypeError or RangeError that says the value and the fix */
export function violationSettings(options: WithViolationsOptions): ViolationSettings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('withViolations: options must be an object like { rules: [rules.commands({ deny: ["rm"] })] }')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`withViolations: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { rules, shadow = false, keep = 1000, onViolation, past = nothing } = options
  if (!Array.isArray(rules)) throw new TypeError('withViolations: rules must be a list of what rules.* made; it may be empty')
  const own = [selfModification, offeredTools, ...rules.map(checkedRule)]
  if (typeof shadow !== 'boolean') throw new TypeError(`withViolations: shadow must be true or false, got ${typeof shadow}`)
  if (!(Number.isSafeInteger(keep) && keep >= 0)) throw new RangeError(`withViolations: keep must be a whole number from 0, got ${keep}`)
  if (onViolation !== undefined && typeof onViolation !== 'function') throw new TypeError('withViolations: onViolation must be a function')
  return { rules: Object.freeze(shadow ? own.map(inShadow) : own), shadow, keep, onViolation, past: checkedPast(past) }
}

function checkedPast(past: PastViolations): PastViolations {
  const { count, kept } = (past ?? {}) as Partial<PastViolations>
  if (!Array.isArray(kept) || !kept.every(isViolation))
    throw new TypeError('withViolations: past must be what snapshot() said of withViolations: { count, kept: [violations] }')
  if (!(Number.isSafeInteger(count) && count! >= kept.length))
    throw new RangeError(`withViolations: past.count must be a whole number from ${kept.length}, which are kept; got ${String(count)}`)
  return { count: count!, kept: kept.map(violation => Object.freeze({ ...violation })) }
}

function isViolation(value: unknown): value is Violation {
  const { ruleId, response, at } = Object(value) as Partial<Violation>
  return typeof ruleId === 'string' && typeof response === 'string' && typeof at === 'number'
}

/** The rule, which nobody can change any more. @throws TypeError where it is none */
export function checkedRule(rule: Rule, at: number): Rule {
  const { id, begin, stages, kinds } = (rule ?? {}) as Partial<Rule>
  const whole = typeof id === 'string' && typeof begin === 'function' && Array.isArray(stages) && Array.isArray(kinds)
  if (!whole) throw new TypeError(`withViolations: rules[${at}] is no rule; call what makes it, like rules.network({ allow: ['public'] })`)
  return Object.isFrozen(rule) ? rule : Object.freeze({ ...rule })
}

function inShadow(rule: Rule): Rule {
  return Object.freeze({ ...rule, shadow: true })
}
