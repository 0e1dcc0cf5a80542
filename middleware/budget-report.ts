import type { Host } from 'outrigger'
import { type Account, budgetAccount, formatUsd } from 'outrigger/ledger'

type Unit = 'nanoUsd' | 'tokens'

/** Reports an agent that has used up its budget to the nearest ancestor that has anything left: it decides. */
export function tellAbove({ agent, parent }: Host, account: Account, unit: Unit): void {
  let up = parent
  while (up && !hasLeft(up, unit)) up = up.parent
  up?.publish({ type: 'decision', child: agent.id, reason: `budgetExceeded: ${agent.name} ${spentOf(account, unit)}` })
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
