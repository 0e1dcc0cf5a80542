import { type Slot, slot } from '../core/slot.js'
import type { Account } from './account.js'
import type { Ledger } from './create-ledger.js'

/** The account that an agent is charged to. */
export interface BudgetAccount {
  readonly account: Account
  /** The books that it stands in; `undefined` where the layer was given an account alone. */
  readonly ledger: Ledger | undefined
  /** What happens to a call that does not fit. A child is at least as strict as its parent. */
  readonly mode: 'hard' | 'soft' | 'warn'
  /** It was opened for one child alone, and ends with it. */
  readonly delegated?: boolean
  /** Called when something below it has been charged: its thresholds may have been passed. */
  spentBelow?(): void
}

/** Set by the layer that keeps the budget, when it is mounted: for the age of holds, and for reports upward. */
export const budgetAccount: Slot<BudgetAccount> = slot<BudgetAccount>('budget.account', { scope: 'agent' })

/** Set by the parent's budget in a spawn: the account that whatever the child spends must stand below. */
export const childAccount: Slot<BudgetAccount> = slot<BudgetAccount>('budget.childAccount', { scope: 'action' })
