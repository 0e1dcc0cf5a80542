import type { Context, Host } from 'outrigger'
import { type Account, budgetAccount, formatUsd, type Shortfall } from 'outrigger/ledger'
import type { QuotaShortfall } from './tool-quotas.js'

type Unit = 'nanoUsd' | 'tokens'

/** Reports an agent that has used up its budget to the nearest ancestor that has anything left: it decides. */
export function tellAbove(host: Host, account: Account, unit: Unit): void {
  const { agent } = host
  nearestWithRoom(host, unit)?.publish({
    type: 'decision',
    child: agent.id,
    reason: `budgetExceeded: ${agent.name} ${spentOf(account, unit)}`,
  })
}

/** A threshold that was passed: told to the agent's own subscribers, and to the nearest ancestor that has anything left. */
export function tellThreshold(host: Host, passed: { threshold: number; unit: Unit; allocated: number; spent: number }): void {
  host.publish({ type: 'budget.threshold', ...passed })
  nearestWithRoom(host, passed.unit)?.publish({ type: 'budget.threshold', ...passed, child: host.agent.id })
}

/** What is charged to an agent may count above it too. */
export function chargedBelow({ parent }: Host): void {
  for (let up = parent; up; up = up.parent) budgetAccount.peek(up)?.spentBelow?.()
}

/** Tells an agent's own sidecar, and every ancestor, of a call that went over a cap that does not stop it. */
export function tellOverCap(
  host: Host,
  { unit, needed, remaining }: Pick<Shortfall | QuotaShortfall, 'unit' | 'needed' | 'remaining'>,
  { id, kind }: Context,
): void {
  const details = `${needed} ${unit} needed, ${remaining} left`
  const violation = {
    type: 'violation',
    ruleId: 'budget',
    severity: 'error',
    response: 'warn',
    kind,
    details,
    shadow: false,
    action: id,
  } as const
  host.publish(violation)
  for (let up = host.parent; up; up = up.parent) up.publish({ ...violation, child: host.agent.id })
}

function nearestWithRoom({ parent }: Host, unit: Unit): Host | undefined {
  let up = parent
  while (up && !hasLeft(up, unit)) up = up.parent
  return up
}

function hasLeft(host: Host, unit: Unit): boolean {
  const left = budgetAccount.peek(host)?.account.available()[unit]
  return left === 'unlimited' || (left !== undefined && left > 0)
}

function spentOf(account: Account, unit: Unit): string {
  const amounts = account.amounts()[unit]
  if (amounts === 'unlimited') return 'has used up what its parent has'
  const shown = (n: number) => (unit === 'nanoUsd' ? `$${formatUsd(n)}` : `${n} tokens`)
  return `has spent ${shown(amounts.spent)} of ${shown(amounts.allocated)}`
}
