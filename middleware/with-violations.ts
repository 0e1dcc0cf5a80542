import { defineMiddleware, type Layer } from 'outrigger'
import { policyInForce } from 'outrigger/policy'
import { RuleGuard } from './violations/rule-guard.js'
import { RulesInForce } from './violations/rules-in-force.js'
import { selfTest } from './violations/self-test.js'
import { type Violation, ViolationBook, violationBook } from './violations/book.js'
import { violationSettings, type WithViolationsOptions } from './violations/options.js'

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
 * @throws TypeError or RangeError on a wrong, missing or unknown option; ConfigError, when the sidecar is created, where the file of `project` cannot be used
 */
export function withViolations(options: WithViolationsOptions): Layer<ViolationsMembers> {
  const settings = violationSettings(options)
  const { rules, shadow, keep, onViolation, past, project } = settings
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
      options: {
        rules: rules.map(({ id }) => id),
        ...(project && { project: project.where, allowLoosening: project.allowLoosening }),
        shadow,
        keep,
      },
      attach: host => {
        const inForce = Object.freeze(new RulesInForce(host, rules, project, (ctx, addresses) => guard.connect(ctx, addresses)))
        selfTest(inForce.rules)
        violationBook.set(host, book)
        guard = new RuleGuard(host, book, () => inForce.rules, inForce.mayChange)
        policyInForce.set(host, inForce)
      },
      inherit: () => withViolations({ rules: [], shadow, keep }),
      snapshot: () => ({ count: book.count, kept: book.list.map(violation => ({ ...violation })) }),
    },
    (ctx, next) => guard.pass(ctx, next),
  )
}
