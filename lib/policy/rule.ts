import { type Kind, kinds as allKinds } from '../core/types.js'
import { shown } from './check-options.js'
import { defineRule, type RuleOptions } from './define-rule.js'
import type { Checker, Rule, Stage } from './types.js'

const allStages: readonly Stage[] = ['action', 'connect', 'result']

/** Options of `rules.rule`. */
export interface OwnRuleOptions extends RuleOptions {
  /** Its name in judgements, records and the digest of the policy: change it when the check changes. */
  readonly id: string
  /** Returns `undefined` where the rule is kept, `{ details }` where it is broken. What it throws counts as broken. */
  readonly check: Checker
  /** When it judges. Default: `action`. */
  readonly stages?: readonly Stage[]
  /** The kinds of action that it looks at. Default: all. */
  readonly kinds?: readonly Kind[]
}

/**
 * A rule of your own. One function serves every agent that it is given to: keep no counters in it.
 * @throws TypeError on a wrong option
 */
export function rule(options: OwnRuleOptions): Rule {
  if (typeof options?.id !== 'string') throw new TypeError(`rules.rule: id must be a non-empty string, got ${shown(options?.id)}`)
  const { check, stages = ['action'], kinds = allKinds } = options
  if (typeof check !== 'function') throw new TypeError(`rules.rule: check must be a function, got ${shown(check)}`)
  words('stages', stages, allStages)
  words('kinds', kinds, allKinds)
  return defineRule({ name: 'rule', stages, kinds, facts: {}, known: ['check', 'stages', 'kinds'], begin: () => check }, options)
}

function words(name: string, value: unknown, known: readonly string[]): void {
  if (!Array.isArray(value) || value.length === 0) throw new TypeError(`rules.rule: ${name} must be a list of ${known.join(', ')}`)
  for (const item of value)
    if (!known.includes(item)) throw new TypeError(`rules.rule: ${name} must list ${known.join(', ')}; got ${shown(item)}`)
}
