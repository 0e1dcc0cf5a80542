import { type Json, type Kind, kinds as allKinds } from '../../core/types.js'
import { plainObject, shown, wholeNumber } from '../check-options.js'
import { always, defineRule, type RuleOptions } from '../define-rule.js'
import { personalIn } from './detectors/index.js'
import { secretIn } from './secrets.js'
import { textsOf, UnreadableError } from './texts.js'
import type { Finding, Rule, Stage, Subject } from '../types.js'

/** Options of `rules.content`. */
export interface ContentRuleOptions extends RuleOptions {
  /** What no text may hold: the words `secrets` and `personal`, any other string as it stands, letter for letter, or a regular expression of your own. */
  readonly deny: readonly (string | RegExp)[]
  /** What is looked at: what goes in (`action`), what comes out (`result`). Default: both. */
  readonly stages?: readonly Stage[]
  /** The kinds of action that are looked at. Default: all. */
  readonly kinds?: readonly Kind[]
  /** The longest text that a regular expression is tried on, in UTF-16 units; a longer one is refused. Default 1,000,000. */
  readonly maxChars?: number
}

type Test = (text: string) => string | undefined

const where = 'rules.content'
const known = ['deny', 'stages', 'kinds', 'maxChars']
const allStages: readonly Stage[] = ['action', 'result']

/**
 * What no message, tool input, result or reply may hold. A finding says which pattern it was, never the text.
 * @throws TypeError or RangeError on a wrong option
 */
export function content(options: ContentRuleOptions): Rule {
  const { deny, stages = allStages, kinds = allKinds, maxChars = 1_000_000 } = plainObject(where, 'options', options)
  const most = wholeNumber(where, 'maxChars', maxChars, 1)
  const patterns = checkedPatterns(deny)
  const tests = patterns.map((pattern, at) => testOf(pattern, at + 1, most))
  return defineRule(
    {
      name: 'content',
      stages: someOf('stages', stages, allStages),
      kinds: someOf('kinds', kinds, allKinds),
      facts: { deny: patterns.map(saidBy), maxChars: most },
      known,
      onResult: 'withhold',
      begin: always(subject => firstFinding(tests, subject)),
    },
    options,
  )
}

/** Copies, so that a flag or a place that the caller changes later counts for nothing. */
function checkedPatterns(deny: unknown): readonly (string | RegExp)[] {
  if (!Array.isArray(deny) || deny.length === 0) throw new TypeError(`${where}: deny must be a list like ['secrets', /\\bACME\\b/]`)
  return deny.map(pattern => {
    if (typeof pattern === 'string' && pattern !== '') return pattern
    if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
    throw new TypeError(`${where}: deny must list strings and regular expressions, got ${shown(pattern)}`)
  })
}

/** A text as it stands, and a pattern as no text can be. */
const saidBy = (pattern: string | RegExp): Json =>
  typeof pattern === 'string' ? pattern : { pattern: pattern.source, flags: pattern.flags }

function someOf<T extends string>(name: string, value: readonly T[], words: readonly T[]): readonly T[] {
  if (!Array.isArray(value) || value.length === 0 || value.some(word => !words.includes(word)))
    throw new TypeError(`${where}: ${name} must be a list of ${words.join(', ')}`)
  return value
}

function testOf(pattern: string | RegExp, n: number, maxChars: number): Test {
  if (pattern === 'secrets') return text => named('a secret', secretIn(text))
  if (pattern === 'personal') return text => named('personal data', personalIn(text))
  if (typeof pattern === 'string') return text => (text.includes(pattern) ? `pattern ${n} of deny` : undefined)
  return text => {
    if (text.length > maxChars) return `a text of ${text.length} characters is too long to be looked at`
    return pattern.test(text) ? `pattern ${n} of deny` : undefined
  }
}

const named = (what: string, name: string | undefined): string | undefined => name && `looks like ${what}: ${name}`

function firstFinding(tests: readonly Test[], subject: Subject): Finding | undefined {
  try {
    for (const text of textsOf(lookedAt(subject))) {
      for (const test of tests) {
        const details = test(text)
        if (details !== undefined) return { details }
      }
    }
  } catch (error) {
    if (error instanceof UnreadableError) return { details: error.message }
    throw error
  }
}

function lookedAt({ stage, action, result }: Subject): unknown {
  if (stage === 'result') return result
  if (action.kind === 'model') return action.request
  if (action.kind === 'tool') return action.input
  return action.kind === 'send' ? action.message : [action.name, action.type, action.task]
}
