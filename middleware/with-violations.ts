import { defineMiddleware, type Host, type Layer } from 'outrigger'
import { policyDigest, type PolicyInForce, policyInForce, type Rule, spawnRules } from 'outrigger/policy'
import { RuleGuard } from './violations/rule-guard.js'
import { selfTest } from './violations/self-test.js'
import { type Violation, ViolationBook, violationBook } from './violations/book.js'
import { checkedRule, violationSettings, type WithViolationsOptions } from './violations/options.js'

export type { PastViolations, Violation } from './violations/book.js'
export type { WithViolationsOptions } from './violations/options.js'

/** The member that `withViolations` shows. */
export interface ViolationsMembers {
  /** The newest rules that were broken, blocked or not, oldest first. */
  readonly violations: readonly Violation[]
}

/**
 * Judges every action by rules before its effect, and what it gave before anybody has it: the strictest response of all rules that were
 * broken wins. A child is judged by its parent's rules too. Fails closed. State: the counters of the rules and the violations of one sidecar.
 * @throws TypeError or RangeError on a wrong, missing or unknown option
 */
export function withViolations(options: WithViolationsOptions): Layer<ViolationsMembers> {
  const settings = violationSettings(options)
  const { rules, shadow, keep, onViolation, past } = settings
  const book = new ViolationBook(keep, onViolation, past)
  let guard: RuleGuard

  return defineMiddleware(
    {
      name: 'withViolations',
      commits: true,
      provides: [policyInForce, violationBook],
      expose: {
        get violations() {
          return book.list
        },
      },
      options: { rules: rules.map(({ id }) => id), shadow, keep },
      attach: host => {
        const all = rulesFor(host, rules)
        selfTest(all)
        violationBook.set(host, book)
        guard = new RuleGuard(host, book, all)
        const connect: PolicyInForce['connect'] = (ctx, addresses) => guard.connect(ctx, addresses)
        policyInForce.set(host, Object.freeze({ digest: policyDigest(all), rules: all, connect }))
      },
      inherit: () => withViolations({ rules: [], shadow, keep }),
      snapshot: () => ({ count: book.count, kept: book.list.map(violation => ({ ...violation })) }),
    },
    (ctx, next) => guard.pass(ctx, next),
  )
}

/** Rules of a child come on top of its parent's: none of those can be taken away. */
function rulesFor(host: Host, own: readonly Rule[]): readonly Rule[] {
  const given = spawnRules.peek(host)?.map(checkedRule) ?? []
  const above = (host.parent && policyInForce.peek(host.parent)?.rules) ?? []
  return Object.freeze([...new Set([...own, ...given, ...above])])
}
