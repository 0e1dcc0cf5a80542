import { visible } from '../../ctx/language/escape.js'
import { formatUsd } from '../../ledger/index.js'
import type { BudgetAmounts } from '../../server/types.js'
import type { Companion } from './companion.js'
import type { RunSettings } from './run-options.js'

/** The one line at the start. */
export function startLine({ name }: RunSettings, { agent, stack, server }: Companion): string {
  const { budget } = agent.sidecar as { readonly budget?: { readonly nanoUsd: BudgetAmounts | 'unlimited' } }
  const parts = [
    `${visible(name)} runs behind ${server.baseURL}`,
    `preset ${stack.preset ?? 'built in'}`,
    ...(budget ? [`budget ${budget.nanoUsd === 'unlimited' ? 'unlimited' : `$${formatUsd(budget.nanoUsd.remaining)}`}`] : ['no budget']),
    stack.record === null ? 'no record' : `record ${visible(stack.record)}`,
  ]
  return `outrigger: ${parts.join(', ')}\n`
}
