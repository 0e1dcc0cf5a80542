/** `outrigger/middleware`: the layers that ship. */
export { createRetryBudget, type RetryBudget, type RetryBudgetOptions } from './retry-budget.js'
export { type Budget, type BudgetMembers, withBudget, type WithBudgetOptions } from './with-budget.js'
export { type TotalMs, withDeadline, type WithDeadlineOptions } from './with-deadline.js'
export { type Metrics, type MetricsMembers, withMetrics } from './with-metrics.js'
export { withRetry, type WithRetryOptions } from './with-retry.js'
export { type SignedStatement, type SigningMembers, withSigning, type WithSigningOptions } from './with-signing.js'
export { type Violation, type ViolationsMembers, withViolations, type WithViolationsOptions } from './with-violations.js'
