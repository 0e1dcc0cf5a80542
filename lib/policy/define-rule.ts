import { frozenCopy } from '../core/freeze.js'
import type { Json, Kind } from '../core/types.js'
import { checkKnown, choice, flag, shown } from './check-options.js'
import { type Checker, type FileChecker, type Response, type Rule, responses, type Severity, type Stage, severities } from './types.js'
import type { FetchLimits } from './network/fetch-limits.js'

/** What every rule takes. */
export interface RuleOptions {
  /** Its name in judgements and records. Default: the name of its kind, like `commands`. */
  readonly id?: string
  /** What a broken rule brings about. Default `deny`. */
  readonly response?: Response
  /** Default `error`. */
  readonly severity?: Severity
  /** It judges and is recorded, and changes nothing. Default: false. */
  readonly shadow?: boolean
  /** What happens to a result that breaks it. Default: `withhold` for `content`, `release` for the others. */
  readonly onResult?: 'withhold' | 'release'
}

/** The names of the options that every rule takes. */
export const commonOptions: readonly string[] = ['id', 'response', 'severity', 'shadow', 'onResult']

/** What a kind of rule is, apart from what every rule takes. */
export interface RuleKind {
  /** The function that makes it: `commands`. */
  readonly name: string
  readonly stages: readonly Stage[]
  readonly kinds: readonly Kind[]
  /** What it says, as JSON. */
  readonly facts: { readonly [key: string]: Json | undefined }
  /** Options of its own, by name: any other is refused. */
  readonly known?: readonly string[]
  readonly severity?: Severity
  readonly onResult?: 'withhold' | 'release'
  readonly fetch?: FetchLimits
  begin(before?: readonly Checker[]): Checker
  readonly file?: FileChecker
}

/** Makes a frozen rule. @throws TypeError on a wrong or unknown option */
export function defineRule(kind: RuleKind, options: RuleOptions): Rule {
  const where = `rules.${kind.name}`
  checkKnown(where, options, [...(kind.known ?? []), ...commonOptions])
  const id = ruleId(where, options.id ?? kind.name)
  const response = choice(where, 'response', options.response, responses, 'deny')
  const severity = choice(where, 'severity', options.severity, severities, kind.severity ?? 'error')
  const shadow = flag(where, 'shadow', options.shadow, false)
  const onResult = choice(where, 'onResult', options.onResult, ['withhold', 'release'], kind.onResult ?? 'release')
  return Object.freeze({
    id,
    response,
    severity,
    shadow,
    onResult,
    stages: Object.freeze([...kind.stages]),
    kinds: Object.freeze([...kind.kinds]),
    facts: factsOf(kind.name, kind.facts),
    ...(kind.fetch ? { fetch: kind.fetch } : {}),
    begin: kind.begin,
    ...(kind.file ? { file: Object.freeze(kind.file) } : {}),
  })
}

function ruleId(where: string, id: unknown): string {
  if (typeof id !== 'string' || !/^\S(.*\S)?$/.test(id)) throw new TypeError(`${where}: id must be a non-empty string, got ${shown(id)}`)
  return id
}

function factsOf(name: string, facts: RuleKind['facts']): Json {
  const given = Object.entries(facts).filter((entry): entry is [string, Json] => entry[1] !== undefined)
  return frozenCopy({ rule: name, ...Object.fromEntries(given) })
}

/** A checker without a memory, shared by all agents. */
export function always(check: Checker): () => Checker {
  return () => check
}
