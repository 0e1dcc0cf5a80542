import { readFileSync } from 'node:fs'
import { ConfigError } from '../../core/errors.js'
import { JsonSyntaxError, parseWithPlaces, placeOf } from '../../core/json-positions.js'
import { type Action, kinds } from '../../core/types.js'
import { responses } from '../../policy/types.js'

/** One case: an action, and what the policy is to say of it. */
export interface PolicyCase {
  readonly name: string
  readonly action: Action
  readonly expect: string
  /** Which rule is to say it. */
  readonly ruleId?: string
}

const known: ReadonlySet<string> = new Set(['name', 'command', 'action', 'expect', 'ruleId'])
const answers: readonly string[] = ['allow', ...responses]

/**
 * Reads a file of cases: `{ "cases": [{ "command": "rm -rf /", "expect": "deny" }] }`, where `action` takes any action and `command` is short for a
 * call of `Bash`.
 * @throws ConfigError that names file, line and column
 */
export function casesIn(path: string): readonly PolicyCase[] {
  const { value, at } = read(path)
  const cases = (value as { readonly cases?: unknown } | null)?.cases
  if (!Array.isArray(cases) || cases.length === 0)
    throw wrong(path, at(''), 'must be an object like { "cases": [{ "command": "ls", "expect": "allow" }] }')
  return cases.map((one, index) => {
    const made = caseOf(one, index)
    if (typeof made === 'string') throw wrong(path, at(`/cases/${index}`), made)
    return made
  })
}

interface Text {
  readonly value: unknown
  readonly at: (pointer: string) => { readonly line: number; readonly column: number }
}

function read(path: string): Text {
  const text = textOf(path)
  try {
    const { value, places } = parseWithPlaces(text)
    return { value, at: pointer => placeOf(text, places.get(pointer) ?? 0) }
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw wrong(path, placeOf(text, error.offset), `is not valid JSON: ${error.message}`)
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

const wrong = (path: string, { line, column }: ReturnType<Text['at']>, message: string): ConfigError =>
  new ConfigError(`${path}:${line}:${column} ${message}`)

function caseOf(one: unknown, index: number): PolicyCase | string {
  if (typeof one !== 'object' || one === null || Array.isArray(one)) return 'a case must be an object'
  const { name, command, action, expect, ruleId } = one as Record<string, unknown>
  const unknown = Object.keys(one).find(key => !known.has(key))
  if (unknown !== undefined) return `unknown key "${unknown}"; known are ${[...known].join(', ')}`
  if (!answers.includes(expect as string)) return `expect must be one of ${answers.join(', ')}`
  if ((command === undefined) === (action === undefined)) return 'a case has either command or action'
  if (command !== undefined && typeof command !== 'string') return 'command must be a text'
  if (action !== undefined && !isAction(action)) return `action must be an object whose kind is one of ${kinds.join(', ')}`
  if (ruleId !== undefined && typeof ruleId !== 'string') return 'ruleId must be a text'
  const judged = (action ?? { kind: 'tool', name: 'Bash', input: { command } }) as Action
  const title = typeof name === 'string' ? name : typeof command === 'string' ? command : `case ${index + 1}`
  return { name: title, action: judged, expect: expect as string, ...(ruleId !== undefined && { ruleId: ruleId as string }) }
}

const isAction = (value: unknown): boolean => kinds.includes(Object(value).kind)
