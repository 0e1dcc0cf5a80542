import { digestOf } from '../canonical.js'
import { saidBy } from '../policy-digest.js'
import type { Rule } from '../types.js'
import { covers } from './covers.js'

/** What it means to go from one list of rules to another. */
export interface RuleComparison {
  /** `loosened`: something that was refused may pass, or nobody can be certain that it does not. */
  readonly change: 'none' | 'tightened' | 'loosened'
  /** The rules of before, that no rule of after is certain to be as strict as. */
  readonly loosened: readonly Rule[]
}

/**
 * Compares two lists of rules by what they say of themselves. When in doubt, it is a loosening: a rule removed, an allow list that grew, a deny list that
 * shrank, a weaker response, a rule of your own that is another object.
 */
export function compareRules(before: readonly Rule[], after: readonly Rule[]): RuleComparison {
  const loosened = before.filter(rule => !after.includes(rule) && !after.some(other => covers(rule, other)))
  const change = loosened.length > 0 ? 'loosened' : isSame(before, after) ? 'none' : 'tightened'
  return Object.freeze({ change, loosened: Object.freeze(loosened) })
}

/** What a rule says, as one text: two rules that say the same judge alike, those of your own excepted. */
export function saying(rule: Rule): string {
  return digestOf(saidBy(rule))
}

function isSame(before: readonly Rule[], after: readonly Rule[]): boolean {
  const said = (rules: readonly Rule[]) => [...new Set(rules.map(saying))].sort().join()
  return said(before) === said(after)
}
