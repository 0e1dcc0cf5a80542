import { resolve } from 'node:path'
import { killSwitchFile } from 'outrigger'
import { type PolicyReader, type Rule, rules as makers } from 'outrigger/policy'
import type { PastViolations, Violation } from './book.js'

/** Options of {@link withViolations}. */
export interface WithViolationsOptions {
  /** Made by `rules.*` of `outrigger/policy`. An empty list is allowed: what the parent forbids, and changing one's own rules, stay forbidden. */
  readonly rules: readonly Rule[]
  /**
   * The rules of the project, in force besides: the path of a JSON file, or `true`: every `outrigger.policy.json` from the working directory up to the root of the
   * project. Changes of the file take effect while the sidecar lives. Default: none.
   */
  readonly project?: string | true
  /** A change of that file that lets pass more than before takes effect too. Default false: only what is stricter does. */
  readonly allowLoosening?: boolean
  /** Reads that file. Default: from the disk, where nobody but its owner can have written it. */
  readonly readPolicy?: PolicyReader
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

/** Where the rules of the project are. */
export interface ProjectSettings {
  readonly where: string | true
  readonly cwd: string
  readonly allowLoosening: boolean
  readonly read: PolicyReader | undefined
}

/** The options as they take effect. */
export interface ViolationSettings {
  /** Those that are built in, then those of the option. */
  readonly rules: readonly Rule[]
  readonly shadow: boolean
  readonly keep: number
  readonly onViolation: WithViolationsOptions['onViolation']
  readonly past: PastViolations
  readonly project: ProjectSettings | undefined
}

/** Stands before the rules of every stack: no agent may touch what binds it. */
function selfModification(project: ProjectSettings | undefined): Rule {
  const switched = process.env.OUTRIGGER_KILL_SWITCH ? [killSwitchFile()] : []
  const policy = typeof project?.where === 'string' ? [resolve(project.cwd, project.where)] : []
  const paths = [...switched, ...policy]
  return makers.selfModification(paths.length > 0 ? { paths } : {})
}

/** And no model may call what it was not offered. */
const offeredTools: Rule = makers.offeredTools()

const nothing: PastViolations = Object.freeze({ count: 0, kept: Object.freeze([]) })
const known = new Set(['rules', 'project', 'allowLoosening', 'readPolicy', 'shadow', 'keep', 'onViolation', 'past'])

/** @throws TypeError or RangeError that says the value and the fix */
export function violationSettings(options: WithViolationsOptions): ViolationSettings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('withViolations: options must be an object like { rules: [rules.commands({ deny: ["rm"] })] }')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`withViolations: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { rules, shadow = false, keep = 1000, onViolation, past = nothing } = options
  if (!Array.isArray(rules)) throw new TypeError('withViolations: rules must be a list of what rules.* made; it may be empty')
  const project = projectSettings(options)
  const built = [selfModification(project), offeredTools]
  const own = rules.map(checkedRule)
  if (typeof shadow !== 'boolean') throw new TypeError(`withViolations: shadow must be true or false, got ${typeof shadow}`)
  if (!(Number.isSafeInteger(keep) && keep >= 0)) throw new RangeError(`withViolations: keep must be a whole number from 0, got ${keep}`)
  if (onViolation !== undefined && typeof onViolation !== 'function') throw new TypeError('withViolations: onViolation must be a function')
  // The project's rules are none of this layer's to put in shadow, and neither is what keeps its file from being written.
  const all = [...(shadow && !project ? built.map(inShadow) : built), ...(shadow ? own.map(inShadow) : own)]
  return { rules: Object.freeze(all), shadow, keep, onViolation, past: checkedPast(past), project }
}

function projectSettings({ project, allowLoosening = false, readPolicy }: WithViolationsOptions): ProjectSettings | undefined {
  if (typeof allowLoosening !== 'boolean')
    throw new TypeError(`withViolations: allowLoosening must be true or false, got ${typeof allowLoosening}`)
  if (readPolicy !== undefined && typeof readPolicy !== 'function') throw new TypeError('withViolations: readPolicy must be a function')
  if (project === undefined) return undefined
  if (project !== true && (typeof project !== 'string' || project === ''))
    throw new TypeError("withViolations: project must be true or the path of a file, like 'outrigger.policy.json'")
  return Object.freeze({ where: project, cwd: process.cwd(), allowLoosening, read: readPolicy })
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
