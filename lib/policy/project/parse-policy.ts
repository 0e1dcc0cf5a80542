import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { ConfigError } from '../../core/errors.js'
import { JsonSyntaxError, parseWithPlaces, placeOf } from '../../core/json-positions.js'
import type { Rule } from '../types.js'
import { ruleFromJson } from './rule-from-json.js'

/** A file of rules that has been read. */
export interface PolicyFile {
  /** Absolute. */
  readonly path: string
  /** SHA-256 of its bytes as text, hex: which state of the file it was. */
  readonly digest: string
  readonly rules: readonly Rule[]
}

/** One thing that is wrong in a file of rules. Line and column count from 1. */
export interface PolicyProblem {
  /** JSON pointer of the value or key: `/rules/0/commands/deny`. */
  readonly pointer: string
  readonly message: string
  readonly line?: number
  readonly column?: number
}

/** The text with where everything stands in it. */
export interface PolicyJson {
  readonly value: unknown
  /** Puts the place to a problem: its own, or that of what it is in. */
  readonly placed: (problem: PolicyProblem) => PolicyProblem
}

/** @throws ConfigError where it is no JSON, with the place */
export function policyJson(path: string, text: string): PolicyJson {
  const plain = text.replace(/^\uFEFF/, '')
  try {
    const { value, places } = parseWithPlaces(plain)
    return { value, placed: problem => ({ ...problem, ...placeOf(plain, offsetOf(places, problem.pointer)) }) }
  } catch (error) {
    const place = error instanceof JsonSyntaxError ? placeOf(plain, error.offset) : {}
    const message = error instanceof JsonSyntaxError ? error.message : 'it nests too deep'
    throw refused(path, [{ pointer: '', message: `is not valid JSON: ${message}; correct it there`, ...place }])
  }
}

function offsetOf(places: ReadonlyMap<string, number>, pointer: string): number {
  return places.get(pointer) ?? (pointer === '' ? 0 : offsetOf(places, pointer.slice(0, pointer.lastIndexOf('/'))))
}

/** The rules of a file, all of them sound. @throws ConfigError that names each place where one is not */
export function parsePolicy(path: string, text: string): PolicyFile {
  const { value, placed } = policyJson(path, text)
  const problems: PolicyProblem[] = []
  const rules = rulesIn(value, dirname(path), problem => problems.push(placed(problem)))
  if (problems.length > 0) throw refused(path, problems)
  return Object.freeze({ path, digest: textDigest(text), rules: Object.freeze(rules) })
}

/** SHA-256 of a file's text, hex. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** @throws ConfigError with a line for each problem: `outrigger.policy.json:4:12 …` */
export function refused(path: string, problems: readonly PolicyProblem[]): ConfigError {
  const lines = problems.map(
    ({ message, line, column }) => `${[path, line, column].filter(part => part !== undefined).join(':')} ${message}`,
  )
  return new ConfigError(lines.join('\n'), { file: path, findings: problems })
}

type Tell = (problem: PolicyProblem) => void

function rulesIn(value: unknown, folder: string, tell: Tell): Rule[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    tell({ pointer: '', message: 'the policy must be an object with rules' })
    return []
  }
  for (const key of Object.keys(value))
    if (key !== 'rules' && key !== '$schema')
      tell({ pointer: `/${escaped(key)}`, message: `unknown key "${key}"; known are $schema, rules` })
  const { rules } = value as { readonly rules?: unknown }
  if (Array.isArray(rules)) return rules.flatMap((entry, at) => ruleIn(entry, at, folder, tell))
  tell({ pointer: '/rules', message: '"rules" must be a list of rules' })
  return []
}

function ruleIn(entry: unknown, at: number, folder: string, tell: Tell): readonly Rule[] {
  try {
    return [ruleFromJson(entry, folder)]
  } catch (error) {
    const { message } = error as Error
    tell({ pointer: `/rules/${at}${pointerIn(entry, message)}`, message })
    return []
  }
}

/** The option that a message of `rules.*` is about. */
function pointerIn(entry: unknown, message: string): string {
  const [, rule, unknown, option] = /^rules\.(\w+): (?:names: )?(?:unknown option "(.*?)"|(\w+))/.exec(message) ?? []
  const other = /^unknown rule "(.*?)"/.exec(message)?.[1]
  if (rule === undefined) return other === undefined ? '' : `/${escaped(other)}`
  const options = (entry as Record<string, unknown>)[rule]
  const named = unknown ?? option!
  return typeof options === 'object' && options !== null && Object.hasOwn(options, named) ? `/${rule}/${escaped(named)}` : `/${rule}`
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
