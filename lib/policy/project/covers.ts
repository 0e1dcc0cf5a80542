import type { Json } from '../../core/types.js'
import { canonical } from '../canonical.js'
import { type Rule, responses, severities } from '../types.js'

type Facts = Readonly<Record<string, Json | undefined>>
/** Is what a fact says after at least as strict as what it said before? */
type Stricter = (before: Json | undefined, after: Json | undefined, facts: { readonly before: Facts; readonly after: Facts }) => boolean

const same: Stricter = (before, after) => canonical(before) === canonical(after)
const atMost: Stricter = (before, after) => typeof before === 'number' && typeof after === 'number' && after <= before
const offOrSame: Stricter = (before, after) => after === false || same(before, after, { before: {}, after: {} })

/** A list of what is refused: left out, it refuses nothing. */
const grows: Stricter = (before, after) => before === undefined || isSubset(before, after ?? [])
/** A list of what is allowed: left out, it allows everything. */
const shrinks: Stricter = (before, after) => before === undefined || (after !== undefined && isSubset(after, before))
/** More tools are judged, each by the field that it was. */
const judgesMore: Stricter = (before, after) => holdsAll(mapOf(after), mapOf(before), (a, b) => a === b)

function isSubset(part: Json, whole: Json): boolean {
  if (!Array.isArray(part) || !Array.isArray(whole)) return false
  const known = new Set(whole.map(item => canonical(item)))
  return part.every(item => known.has(canonical(item)))
}

const mapOf = (value: Json | undefined): Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Facts) : {}

/** Has `whole` every entry of `part`, and does each hold beside it? */
function holdsAll(whole: Facts, part: Facts, holds: (whole: Json, part: Json) => boolean): boolean {
  return Object.keys(part).every(key => Object.hasOwn(whole, key) && holds(whole[key]!, part[key]!))
}

/**
 * Commands that may be run. An entry lets its program do more than run: it counts as known, and its words decide what else may stand beside them; the first that
 * fits counts. So only a program as a whole may go; a list where there was none is no tightening.
 */
const dropsPrograms: Stricter = (before, after) => {
  if (before === undefined || after === undefined) return before === after
  if (!isTexts(before) || !isTexts(after)) return canonical(before) === canonical(after)
  const left = new Set(after.map(programOf))
  return canonical(before.filter(entry => left.has(programOf(entry)))) === canonical(after)
}

const isTexts = (value: Json): value is readonly string[] => Array.isArray(value) && value.every(item => typeof item === 'string')
const programOf = (entry: string): string => entry.trim().split(/\s+/)[0]!

/** Folders: where either list is given, what the other leaves out is nothing. */
function folders(use: 'read' | 'write'): Stricter {
  const allowed = (facts: Facts): Json | undefined =>
    facts.read === undefined && facts.write === undefined ? undefined : (facts[use] ?? [])
  return (_before, _after, { before, after }) => shrinks(allowed(before), allowed(after), { before, after })
}

/** `'none'` allows nothing. */
const hosts: Stricter = (before, after, facts) => canonical(after) === '["none"]' || shrinks(before, after, facts)

/** One of some words, from the freest to the strictest; a word that is not known is as strict as none. */
function downThe(words: readonly Json[]): Stricter {
  return (before, after) => {
    const [was, is] = [words.indexOf(before ?? null), words.indexOf(after ?? null)]
    return was >= 0 && is >= was
  }
}

/** A list of what is let pass besides: left out, it is empty. */
const without: Stricter = (before, after) => isSubset(after ?? [], before ?? [])

const schemas: Stricter = (before, after) => holdsAll(mapOf(after), mapOf(before), (a, b) => a === b)
const pins: Stricter = (before, after) =>
  before === undefined || (after !== undefined && holdsAll(mapOf(before), mapOf(after), (a, b) => a === b))
const quotas: Stricter = (before, after) => holdsAll(mapOf(after), mapOf(before), (a, b) => (a as number) <= (b as number))

/** By rule and fact: which change makes it no weaker. A fact that is not listed must not change. */
const stricter: Readonly<Record<string, Readonly<Record<string, Stricter>>>> = {
  commands: {
    allow: dropsPrograms,
    deny: grows,
    redirections: offOrSame,
    scripts: downThe([null, 'any', 'usual', 'none']),
    names: judgesMore,
  },
  files: { read: folders('read'), write: folders('write'), deny: grows },
  network: { allow: hosts, private: without, names: judgesMore, maxBytes: atMost, headersMs: atMost, idleMs: atMost, maxMs: atMost },
  tools: { allow: shrinks, deny: grows, schema: schemas, pin: pins, quota: quotas },
  content: { deny: grows, maxChars: atMost },
  maxTokens: { n: atMost },
  maxChildren: { n: atMost },
  selfModification: { paths: grows },
}

/**
 * Does `after` refuse, at least as strictly, everything that `before` refuses? It is said only where it is certain by what the rules say of
 * themselves.
 */
export function covers(before: Rule, after: Rule): boolean {
  return asStrict(before, after) && factsCover(mapOf(before.facts), mapOf(after.facts))
}

/** In how it answers, and in what it looks at. */
function asStrict(before: Rule, after: Rule): boolean {
  return (
    responses.indexOf(after.response) >= responses.indexOf(before.response) &&
    severities.indexOf(after.severity) >= severities.indexOf(before.severity) &&
    (before.shadow || !after.shadow) &&
    (after.onResult === 'withhold' || before.onResult === 'release') &&
    before.stages.every(stage => after.stages.includes(stage)) &&
    before.kinds.every(kind => after.kinds.includes(kind))
  )
}

function factsCover(before: Facts, after: Facts): boolean {
  if (canonical(before) === canonical(after)) return before.rule !== 'rule'
  if (before.rule !== after.rule || typeof before.rule !== 'string') return false
  const table = Object.hasOwn(stricter, before.rule) ? stricter[before.rule]! : {}
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].every(name => (table[name] ?? same)(before[name], after[name], { before, after }))
}
