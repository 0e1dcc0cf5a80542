import type { Base } from '../sidecar/types.js'
import type { Seat } from './desk.js'
import type { AgentSnapshot, BudgetAmounts, ViolationLine } from './types.js'

/** What layers show of themselves, where they are in the stack. */
type Shown = Base<never, unknown, never> & {
  readonly budget?: { readonly nanoUsd: BudgetAmounts | 'unlimited'; readonly tokens: BudgetAmounts | 'unlimited' }
  readonly metrics?: { readonly calls: number; readonly attempts: number }
  readonly utilization?: number
  readonly saturation?: number
  readonly violations?: readonly ViolationLine[]
  health?(): { readonly status: string; readonly reasons: readonly string[] }
}

/** One agent, now. */
export function agentSnapshot({ name, sidecar, about, open }: Seat): AgentSnapshot {
  const shown = sidecar as Shown
  const { budget, metrics, violations = [] } = shown
  const snapshot = sidecar.snapshot() as { readonly paused?: string | null }
  return {
    name,
    id: sidecar.id,
    type: sidecar.type,
    preset: about.preset ?? null,
    record: about.record ?? null,
    state: sidecar.state,
    paused: snapshot.paused ?? null,
    health: shown.health?.() ?? null,
    calls: metrics?.calls ?? 0,
    attempts: metrics?.attempts ?? 0,
    open,
    tokenUsage: sidecar.tokenUsage,
    nanoUsd: budget?.nanoUsd ?? null,
    tokens: budget?.tokens ?? null,
    utilization: shown.utilization ?? null,
    saturation: shown.saturation ?? null,
    violations: violations.length,
    lastViolation: line(violations.at(-1)),
  }
}

function line(violation: ViolationLine | undefined): ViolationLine | null {
  if (!violation) return null
  const { ruleId, response, details, shadow, at } = violation
  return { ruleId, response, details, shadow, at }
}
