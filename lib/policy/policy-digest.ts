import { digestOf } from './canonical.js'
import type { Rule } from './types.js'

/**
 * What a record names a policy by: SHA-256, hex, of what the rules say, in canonical JSON. The order of the rules does not count, as it
 * does not when they judge. A `rules.rule` is known by its id: its function has no text that could be compared.
 */
export function policyDigest(rules: readonly Rule[]): string {
  return digestOf(rules.map(rule => digestOf(saidBy(rule))).sort())
}

/** What counts of a rule. */
export function saidBy({ id, response, severity, shadow, onResult, stages, kinds, facts }: Rule): unknown {
  return { id, response, severity, shadow, onResult, stages, kinds, facts }
}
