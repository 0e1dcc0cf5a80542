import { ConfigError, type Host } from 'outrigger'
import {
  type Account,
  type Allocation,
  type BudgetAccount,
  childAccount,
  createLedger,
  sameBooks,
  type UnitAllocations,
} from 'outrigger/ledger'
import type { BudgetSettings } from './options.js'
import { SlidingAccount } from './sliding-account.js'

/** The account of one sidecar, opened where it belongs. */
export interface OpenedAccount extends BudgetAccount {
  /** Ends what was opened for a child: what is left returns to the parent. */
  close(): Promise<void>
}

/** History entries that a ledger of our own keeps. */
const ownHistory = 1_000

const strictness = ['warn', 'soft', 'hard'] as const

/**
 * Opens the account of a sidecar: below its parent's, where it was spawned by one that has a budget, else in its own books.
 * @throws ConfigError when a child would draw on other books than its parent
 * @throws BudgetExceededError when the parent has not so much
 */
export function openAccount(settings: BudgetSettings, host: Host, window?: string): OpenedAccount {
  const above = host.spawnedBy && childAccount.peek(host.spawnedBy)
  const opened = above ? below(above, settings, host, window) : alone(settings, host, window)
  return typeof settings.window === 'object' ? sliding(opened, settings.window.rollingMs, host) : opened
}

function sliding(opened: OpenedAccount, windowMs: number, host: Host): OpenedAccount {
  const { account, ledger } = opened
  if (!ledger)
    throw new ConfigError(
      `withBudget of ${host.agent.name}: a window that slides needs the ledger of its parent; give the parent an id, not an account`,
    )
  return { ...opened, account: new SlidingAccount(account, { store: ledger.store, account: account.id, windowMs, clock: host.clock }) }
}

function alone({ account, ledger, nanoUsd, tokens, mode }: BudgetSettings, host: Host, window?: string): OpenedAccount {
  const close = async () => {}
  if (typeof account === 'object') return { account, ledger: undefined, mode, close }
  const books = ledger ?? createLedger({ clock: host.clock, keepHistory: ownHistory })
  return { account: books.account({ ...named(account ?? host.agent.id, window), nanoUsd, tokens }), ledger: books, mode, close }
}

function below(above: BudgetAccount, settings: BudgetSettings, host: Host, window?: string): OpenedAccount {
  const { ledger } = above
  const mode = strictness[Math.max(strictness.indexOf(settings.mode), strictness.indexOf(above.mode))]!
  if (settings.ledger && settings.ledger !== ledger) throw elsewhere(host, 'ledger')
  if (typeof settings.account !== 'object') {
    const own = opened(above, settings, host, window)
    return {
      account: own,
      ledger,
      mode,
      close: () => closed(own === above.account ? [own] : above.delegated ? [own, above.account] : [own]),
    }
  }
  const { account } = settings
  const { id } = above.account
  if ((account.id !== id && account.parent !== id) || !sameBooks(account, above.account)) throw elsewhere(host, 'account')
  return { account, ledger, mode, close: () => closed(above.delegated ? [above.account] : []) }
}

/**
 * Where a part was set aside for it, that part, within the child's own cap; else a part of its own cap; without a cap, a share of all that the
 * parent has.
 */
function opened({ account, delegated }: BudgetAccount, settings: BudgetSettings, host: Host, window?: string): Account {
  const id = typeof settings.account === 'string' ? settings.account : host.agent.id
  const caps = capped(settings)
  if (window !== undefined) return account.share(named(id, window), caps)
  if (!caps) return delegated ? account : account.share({ id })
  return delegated ? account.share({ id }, within(settings, account)) : account.delegate(caps, { id })
}

/** Each window is an account of its own, whose identity is stored. */
function named(id: string, window: string | undefined): { readonly id: string; readonly window?: string } {
  return window === undefined ? { id } : { id: `${id}/${window}`, window }
}

/** The smaller of the child's own cap and of what was set aside for it. */
function within(own: UnitAllocations, account: Account): UnitAllocations {
  const { nanoUsd, tokens } = account.available()
  return { nanoUsd: smaller(own.nanoUsd, nanoUsd), tokens: smaller(own.tokens, tokens) }
}

function smaller(one: Allocation, other: Allocation): Allocation {
  if (one === 'unlimited') return other
  return other === 'unlimited' ? one : Math.min(one, other)
}

function capped({ nanoUsd, tokens }: UnitAllocations): { nanoUsd?: number; tokens?: number } | undefined {
  if (nanoUsd === 'unlimited') return tokens === 'unlimited' ? undefined : { tokens }
  return tokens === 'unlimited' ? { nanoUsd } : { nanoUsd, tokens }
}

async function closed(accounts: readonly Account[]): Promise<void> {
  for (const account of accounts) await account.close()
}

function elsewhere({ agent }: Host, option: 'ledger' | 'account'): ConfigError {
  const fix = option === 'account' ? '; leave it out, or give one that budget.delegate() of the parent made' : '; leave it out'
  return new ConfigError(`withBudget of ${agent.name}: ${option} is not in the books that its parent is charged to${fix}`, {
    agent: agent.id,
  })
}
