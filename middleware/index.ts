/** `outrigger/middleware`: the layers that ship. */
export {
  type Circuit,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitVerdict,
  createCircuitBreaker,
} from './circuit-breaker.js'
export { createLimit, type CreateLimitOptions, type Limit, type Turn } from './limit.js'
export type { Logger, LogLevel } from './logging/writer.js'
export { createRetryBudget, type RetryBudget, type RetryBudgetOptions } from './retry-budget.js'
export {
  type ApprovalAnswer,
  type ApprovalDecision,
  type ApprovalMembers,
  type ApprovalRequest,
  type Approvals,
  type ApprovalWhen,
  type ApprovedAction,
  type AskAnswer,
  withApproval,
  type WithApprovalOptions,
} from './with-approval.js'
export { type Budget, type BudgetMembers, type BudgetWindow, type ToolQuota, withBudget, type WithBudgetOptions } from './with-budget.js'
export { withCircuitBreaker, type WithCircuitBreakerOptions } from './with-circuit-breaker.js'
export { type TotalMs, withDeadline, type WithDeadlineOptions } from './with-deadline.js'
export {
  type CheckAnswer,
  type CheckedText,
  type CheckResponse,
  type GuardrailCheck,
  type GuardrailHold,
  type OwnCheck,
  withGuardrails,
  type WithGuardrailsOptions,
} from './with-guardrails.js'
export {
  type Health,
  type HealthMembers,
  type HealthPhases,
  type HealthStatus,
  type PastHealth,
  withHealth,
  type WithHealthOptions,
} from './with-health.js'
export { withLimit, type WithLimitOptions } from './with-limit.js'
export { withLogging, type WithLoggingOptions } from './with-logging.js'
export { type Metrics, type MetricsMembers, withMetrics } from './with-metrics.js'
export { withRetry, type WithRetryOptions } from './with-retry.js'
export { type SignedStatement, type SigningMembers, withSigning, type WithSigningOptions } from './with-signing.js'
export { type Landing, type SoftLandingMembers, withSoftLanding, type WithSoftLandingOptions } from './with-soft-landing.js'
export {
  type PastViolations,
  type Violation,
  type ViolationsMembers,
  withViolations,
  type WithViolationsOptions,
} from './with-violations.js'
