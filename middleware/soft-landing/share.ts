import type { Context } from 'outrigger'
import { type Amounts, budgetAccount } from 'outrigger/ledger'

/**
 * How much of the agent's budget is used up, from 0 on: the larger share of both units. What is only held for calls in flight does not count.
 * `undefined` without a budget, or with one that has no cap of its own.
 */
export function usedShare(ctx: Context): number | undefined {
  const amounts = budgetAccount.peek(ctx)?.account.amounts()
  const shares = amounts ? [amounts.nanoUsd, amounts.tokens].flatMap(shareOf) : []
  return shares.length === 0 ? undefined : Math.max(...shares)
}

function shareOf(amounts: Amounts | 'unlimited'): readonly number[] {
  if (amounts === 'unlimited') return []
  const { allocated, spent, delegated } = amounts
  return [allocated === 0 ? 1 : (spent + delegated) / allocated]
}
