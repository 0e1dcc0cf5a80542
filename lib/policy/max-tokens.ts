import { wholeNumber } from './check-options.js'
import { always, defineRule, type RuleOptions } from './define-rule.js'
import type { Rule } from './types.js'

/**
 * A model request may ask for at most `n` output tokens (`max_tokens`). It is a cap on each request; a cap on all of them together is
 * the matter of `withBudget`. An opaque agent's `maxTokens` is judged likewise.
 * @param n - tokens, from 0
 * @throws TypeError or RangeError on a wrong option
 */
export function maxTokens(n: number, options: RuleOptions = {}): Rule {
  const most = wholeNumber('rules.maxTokens', 'n', n, 0)
  const found = (asked: number | undefined) =>
    asked === undefined || asked <= most ? undefined : { details: `max_tokens ${asked}, ${most} allowed` }
  return defineRule(
    {
      name: 'maxTokens',
      stages: ['action'],
      kinds: ['model', 'send'],
      facts: { n: most },
      begin: always(({ action }) => {
        if (action.kind === 'model') return found(action.maxTokens)
        return action.kind === 'send' ? found(action.opaque?.maxTokens) : undefined
      }),
    },
    options,
  )
}
