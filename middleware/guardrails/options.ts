import type { Kind } from 'outrigger'
import { type Detector, type DetectorWord, detectors, type Severity, severities, type Stage } from 'outrigger/policy'
import type { Check, GuardrailHold, OwnCheck, Seeker, CheckResponse } from './checks.js'
import { longestMatch } from './longest-match.js'

/** One thing that texts are checked for, and what is done about it: exactly one of `find`, `words` and `check`. */
export interface GuardrailCheck {
  /** Detectors by name, and regular expressions of your own. */
  readonly find?: DetectorWord | RegExp | readonly (DetectorWord | RegExp)[]
  /** Texts as they stand, letter for letter. */
  readonly words?: readonly string[]
  /** A check of your own: sees whole texts, under `hold: 'sentence'` whole sentences. */
  readonly check?: OwnCheck
  /**
   * `deny`: the action does not happen, or what it gave is withheld. `redact`: what was found is replaced in results; where nothing may be replaced, it is
   * denied. `warn`: it is recorded.
   */
  readonly response: CheckResponse
  /** Its name in records, after `guardrails.`. Default: the only word of `find`, else `check 1` by its place in the list. */
  readonly id?: string
  /** Default `error`; `warning` with `response: 'warn'`. */
  readonly severity?: Severity
  /** Kinds of action that are looked at. Default: all three. */
  readonly kinds?: readonly ('send' | 'model' | 'tool')[]
  /** What goes in (`action`), what comes out (`result`). Default: both; with `redact` what comes out. */
  readonly stages?: readonly Stage[]
  /** The longest match of an expression that has no bound of its own, in UTF-16 units. */
  readonly longest?: number
  /** What stands in the place of what was found. Default: its name in brackets, like `[email]`. */
  readonly replaceWith?: string
}

/** Options of {@link withGuardrails}. */
export interface WithGuardrailsOptions {
  /** May be empty: what a parent checks is checked all the same. */
  readonly checks: readonly GuardrailCheck[]
  /** How much of a stream is held until it has been judged. Default `block`. */
  readonly hold?: GuardrailHold
  /** The longest text that expressions and checks of your own look at, in UTF-16 units: a longer one counts as found. Default 1,000,000. */
  readonly maxChars?: number
}

/** The options as they take effect. */
export interface GuardrailSettings {
  readonly checks: readonly Check[]
  readonly hold: GuardrailHold
  readonly maxChars: number
}

const where = 'withGuardrails'
const known = ['checks', 'hold', 'maxChars']
const knownOfCheck = ['find', 'words', 'check', 'response', 'id', 'severity', 'kinds', 'stages', 'longest', 'replaceWith']
const kinds: readonly Kind[] = ['send', 'model', 'tool']
const stages: readonly Stage[] = ['action', 'result']
const actions: readonly CheckResponse[] = ['deny', 'redact', 'warn']

/** @throws TypeError or RangeError that says the value and the fix */
export function guardrailSettings(options: WithGuardrailsOptions): GuardrailSettings {
  onlyKnown(where, options, known)
  const { checks, hold = 'block', maxChars = 1_000_000 } = options
  if (!Array.isArray(checks))
    throw new TypeError(`${where}: checks must be a list like [{ find: 'secrets', response: 'deny' }]; it may be empty`)
  const held = checkedHold(hold)
  const most = wholeNumber(`${where}: maxChars`, maxChars)
  const made = checks.map((check, at) => checkedCheck(check, at, held, most))
  const twice = made.find(({ ruleId }, at) => made.findIndex(other => other.ruleId === ruleId) < at)
  if (twice) throw new TypeError(`${where}: two checks have the id "${twice.ruleId.replace('guardrails.', '')}"; give one another id`)
  return Object.freeze({ checks: Object.freeze(made), hold: held, maxChars: most })
}

function checkedHold(hold: GuardrailHold): GuardrailHold {
  if (hold === 'full' || hold === 'block' || hold === 'sentence') return hold
  if (typeof hold !== 'object' || hold === null || Object.keys(hold).join() !== 'window')
    throw new TypeError(`${where}: hold must be 'full', 'block', 'sentence' or { window: characters }, got ${shown(hold)}`)
  return Object.freeze({ window: wholeNumber(`${where}: hold.window`, hold.window) })
}

function checkedCheck(given: GuardrailCheck, at: number, hold: GuardrailHold, maxChars: number): Check {
  const name = `${where}: checks[${at}]`
  onlyKnown(name, given, knownOfCheck)
  const { find, words, check, replaceWith } = given
  if ([find, words, check].filter(value => value !== undefined).length !== 1)
    throw new TypeError(`${name} must have exactly one of find, words and check`)
  if (check !== undefined && typeof check !== 'function')
    throw new TypeError(`${name}.check must be a function of a text, got ${shown(check)}`)
  if (replaceWith !== undefined && typeof replaceWith !== 'string')
    throw new TypeError(`${name}.replaceWith must be a string, got ${shown(replaceWith)}`)
  const response = oneOf(`${name}.response`, given.response, actions)
  const seekers = find === undefined ? wordSeekers(name, words) : findSeekers(name, find, given.longest)
  fits(name, seekers, check, hold)
  return Object.freeze({
    ruleId: `guardrails.${idOf(name, given, at)}`,
    response,
    severity:
      given.severity === undefined ? (response === 'warn' ? 'warning' : 'error') : oneOf(`${name}.severity`, given.severity, severities),
    kinds: listOf(`${name}.kinds`, given.kinds ?? kinds, kinds),
    stages: checkedStages(name, response, given.stages),
    replaceWith,
    seekers: Object.freeze(seekers),
    own: check,
    maxChars: check || seekers.some(({ run }) => !run) ? maxChars : Number.POSITIVE_INFINITY,
  })
}

/** What goes in is judged, signed and sent as it is: the layer that commits to it cannot be the one that changes it. */
function checkedStages(name: string, response: CheckResponse, given: readonly Stage[] | undefined): readonly Stage[] {
  const list = listOf(`${name}.stages`, given ?? (response === 'redact' ? ['result'] : stages), stages)
  if (response === 'redact' && list.includes('action'))
    throw new TypeError(
      `${name}: what goes in is never rewritten; leave 'action' out of stages, and add a check with response: 'deny' for it`,
    )
  return list
}

function idOf(name: string, { id, find }: GuardrailCheck, at: number): string {
  const words = (Array.isArray(find) ? find : [find]) as readonly unknown[]
  if (id === undefined) return words.length === 1 && typeof words[0] === 'string' ? words[0] : `check ${at + 1}`
  if (typeof id !== 'string' || !/^\S(.*\S)?$/.test(id)) throw new TypeError(`${name}.id must be a non-empty string, got ${shown(id)}`)
  return id
}

function findSeekers(name: string, find: NonNullable<GuardrailCheck['find']>, longest: number | undefined): Seeker[] {
  const list: readonly unknown[] = Array.isArray(find) ? find : [find]
  if (list.length === 0) throw new TypeError(`${name}.find is empty; name what is looked for`)
  if (longest !== undefined) wholeNumber(`${name}.longest`, longest)
  return list.flatMap((item, at) => (item instanceof RegExp ? [patternSeeker(item, at, longest)] : detectorSeekers(name, item)))
}

function detectorSeekers(name: string, word: unknown): Seeker[] {
  if (typeof word !== 'string' || !Object.hasOwn(detectors, word))
    throw new TypeError(
      `${name}.find must list ${Object.keys(detectors).join(', ')} or regular expressions, got ${shown(word)}; other texts go to words`,
    )
  return detectors[word as DetectorWord].flatMap(seekersOf)
}

function seekersOf({ name, shapes, counted, run, ahead = 0 }: Detector): Seeker[] {
  return shapes.map(expression => Object.freeze({ name, expression, counted, run, longest: Number.POSITIVE_INFINITY, ahead }))
}

function patternSeeker(given: RegExp, at: number, longest: number | undefined): Seeker {
  // A copy: a place or a flag that the caller changes later counts for nothing.
  const expression = new RegExp(given.source, `${given.flags.replace(/[gyd]/g, '')}g`)
  const bound = longestMatch(expression)
  return Object.freeze({
    name: `pattern ${at + 1}`,
    expression,
    longest: bound === Number.POSITIVE_INFINITY ? (longest ?? bound) : bound,
    ahead: 0,
  })
}

function wordSeekers(name: string, words: unknown): Seeker[] {
  if (words === undefined) return []
  if (!Array.isArray(words) || words.length === 0 || words.some(word => typeof word !== 'string' || word === ''))
    throw new TypeError(`${name}.words must be a list of non-empty strings, got ${shown(words)}`)
  return (words as readonly string[]).map((word, at) =>
    Object.freeze({ name: `word ${at + 1}`, expression: new RegExp(literal(word), 'g'), longest: word.length, ahead: 0 }),
  )
}

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** What is let go piece by piece must hold whole what is looked for. */
function fits(name: string, seekers: readonly Seeker[], own: OwnCheck | undefined, hold: GuardrailHold): void {
  if (hold === 'full' || hold === 'block') return
  if (own && hold !== 'sentence')
    throw new TypeError(`${name}: a check of your own needs whole texts; set hold to 'sentence', 'block' or 'full'`)
  for (const { name: what, run, longest } of seekers) {
    if (run) continue
    if (longest === Number.POSITIVE_INFINITY)
      throw new TypeError(`${name}: ${what} can match a text of any length; give longest, or set hold to 'block' or 'full'`)
    if (typeof hold === 'object' && longest > hold.window)
      throw new RangeError(`${name}: ${what} can match ${longest} characters, and hold.window is ${hold.window}; raise it to ${longest}`)
  }
}

function onlyKnown(name: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(
      `${name}: must be an object like { ${names === known ? "checks: [{ find: 'secrets', response: 'deny' }]" : "find: 'secrets', response: 'deny'"} }`,
    )
  for (const key of Object.keys(options))
    if (!names.includes(key)) throw new TypeError(`${name}: unknown option "${key}"; known are ${names.join(', ')}`)
}

function oneOf<T extends string>(name: string, value: T, words: readonly T[]): T {
  if (!words.includes(value)) throw new TypeError(`${name} must be one of ${words.join(', ')}; got ${shown(value)}`)
  return value
}

function listOf<T extends string>(name: string, value: readonly T[], words: readonly T[]): readonly T[] {
  if (!Array.isArray(value) || value.length === 0 || value.some(word => !words.includes(word)))
    throw new TypeError(`${name} must be a list of ${words.join(', ')}`)
  return Object.freeze([...value])
}

function wholeNumber(name: string, value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a whole number of characters, got ${shown(value)}`)
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1, got ${value}`)
  return value
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

const strictness = (hold: GuardrailHold): number => (typeof hold === 'object' ? 0 : ['sentence', 'block', 'full'].indexOf(hold) + 1)

/** The one that holds more. */
export function stricterHold(a: GuardrailHold, b: GuardrailHold): GuardrailHold {
  if (typeof a === 'object' && typeof b === 'object') return a.window >= b.window ? a : b
  return strictness(a) >= strictness(b) ? a : b
}
