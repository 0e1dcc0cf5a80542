import { wholeNumber } from './check-options.js'
import { always, defineRule, type RuleOptions } from './define-rule.js'
import type { Rule } from './types.js'

/**
 * At most `n` children of this agent at a time, those that are being started included. A spawn that does not say how many there are is
 * refused.
 * @param n - children, from 0
 * @throws TypeError or RangeError on a wrong option
 */
export function maxChildren(n: number, options: RuleOptions = {}): Rule {
  const most = wholeNumber('rules.maxChildren', 'n', n, 0)
  return defineRule(
    {
      name: 'maxChildren',
      stages: ['action'],
      kinds: ['spawn'],
      facts: { n: most },
      begin: always(({ action }) => {
        const { siblings } = action as { readonly siblings?: number }
        if (siblings === undefined) return { details: 'the spawn does not say how many children there are' }
        return siblings + 1 <= most ? undefined : { details: `${siblings + 1} children, ${most} allowed` }
      }),
    },
    options,
  )
}
