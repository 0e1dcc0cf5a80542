import {
  type BudgetMembers,
  type HealthMembers,
  type MetricsMembers,
  type SigningMembers,
  type ViolationsMembers,
  withBudget,
  withDeadline,
  withHealth,
  withLimit,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
} from 'outrigger/middleware'
import type { Layer } from '../../core/types.js'
import type { Rule } from '../../policy/index.js'

/** What the full stack shows on a sidecar. */
export type StackMembers = HealthMembers & SigningMembers & ViolationsMembers & MetricsMembers & BudgetMembers

type FullStack = readonly [
  Layer<HealthMembers>,
  Layer<SigningMembers>,
  Layer<ViolationsMembers>,
  Layer,
  Layer,
  Layer,
  Layer<MetricsMembers>,
  Layer<BudgetMembers>,
]

/** Every layer that watches, judges, repeats, bounds and records, outermost first. */
export function fullStack({ dir, usd, rules }: { dir: string; usd: `${number}`; rules: readonly Rule[] }): FullStack {
  return [
    withHealth(),
    withSigning({ dir }),
    withViolations({ rules }),
    withRetry({ attempts: 3, baseDelayMs: 200 }),
    withLimit(),
    withDeadline({ idleMs: 60_000 }),
    withMetrics(),
    withBudget({ usd }),
  ]
}
