import { violationBook } from '../../middleware/violations/book.js'
import type { Base } from '../sidecar/types.js'
import type { Seat } from './desk.js'
import { cutText } from './cut-text.js'
import type { AgentSnapshot, BudgetAmounts, ServerSnapshot, ViolationLine } from './types.js'

/** What layers show of themselves, where they are in the stack. */
type Shown = Base<never, unknown, never> & {
  readonly budget?: { readonly nanoUsd: BudgetAmounts | 'unlimited'; readonly tokens: BudgetAmounts | 'unlimited' }
  readonly metrics?: { readonly calls: number; readonly attempts: number }
  readonly utilization?: number
  readonly saturation?: number
  readonly violations?: readonly ViolationLine[]
  health?(): { readonly status: string; readonly reasons: readonly string[] }
}

const mostReasons = 10

/** These agents, now. `at`: milliseconds since 1970. */
export function serverSnapshot(seats: readonly Seat[], at: number): ServerSnapshot {
  return { at, agents: seats.map(agentSnapshot) }
}

/** One agent, now. Of bounded size, whatever the agent did; a member that throws is shown as that of a layer that is not there. */
export function agentSnapshot(seat: Seat): AgentSnapshot {
  const { name, sidecar, about, open, seam } = seat
  const shown = sidecar as Shown
  const { calls = 0, attempts = 0 } = whatever(() => shown.metrics) ?? {}
  const { nanoUsd = null, tokens = null } = whatever(() => shown.budget) ?? {}
  const { paused } = seam.runtime
  return {
    name,
    id: sidecar.id,
    type: sidecar.type,
    preset: about.preset ?? null,
    record: about.record ?? null,
    state: sidecar.state,
    paused: paused === undefined ? null : cutText(paused),
    health: healthIn(shown),
    calls,
    attempts,
    open,
    tokenUsage: sidecar.tokenUsage,
    nanoUsd: amounts(nanoUsd),
    tokens: amounts(tokens),
    utilization: whatever(() => shown.utilization) ?? null,
    saturation: whatever(() => shown.saturation) ?? null,
    ...violationsIn(seat, shown),
  }
}

/** A layer that only shows something fails open: it must not take the other agents out of sight. */
function whatever<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function healthIn(shown: Shown): AgentSnapshot['health'] {
  const health = whatever(() => shown.health?.())
  return health ? { status: cutText(health.status), reasons: health.reasons.slice(0, mostReasons).map(cutText) } : null
}

function amounts(given: BudgetAmounts | 'unlimited' | null): BudgetAmounts | 'unlimited' | null {
  if (given === null || given === 'unlimited') return given
  const { allocated, spent, held, delegated, remaining } = given
  return { allocated, spent, held, delegated, remaining }
}

/** The list keeps the newest alone; the book of `withViolations` has counted all. */
function violationsIn({ seam }: Seat, shown: Shown): Pick<AgentSnapshot, 'violations' | 'lastViolation'> {
  const violations = whatever(() => shown.violations) ?? []
  return { violations: violationBook.peek(seam.runtime.host)?.count ?? violations.length, lastViolation: line(violations.at(-1)) }
}

function line(violation: ViolationLine | undefined): ViolationLine | null {
  if (!violation) return null
  const { ruleId, response, details, shadow, at } = violation
  return { ruleId: cutText(ruleId), response, details: cutText(details), shadow, at }
}
