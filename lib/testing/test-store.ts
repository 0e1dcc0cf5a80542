import type { Awaitable, LedgerStore } from '../ledger/types.js'
import { badInput } from './store/bad-input.js'
import { Books, type Check } from './store/books.js'
import { concurrency } from './store/concurrency.js'
import { control } from './store/control.js'
import { delegation } from './store/delegation.js'
import { holds } from './store/holds.js'
import { oneAccount } from './store/one-account.js'
import { records } from './store/records.js'
import { tree } from './store/tree.js'

/** One case of a contract suite: give it to any test runner. `run` rejects when the contract is broken. */
export interface ContractCase {
  readonly name: string
  run(): Promise<void>
}

/** Options of {@link testStore}. */
export interface TestStoreOptions {
  /** How many reservations the concurrency cases start at once. Default 1,000. */
  readonly concurrent?: number
}

/**
 * The contract of a ledger store as tests, for store authors: exactness, idempotency by id, named refusals, the tree, delegation,
 * caps changed in flight, fencing, history. `makeStore` gives a store with empty books for each case; the suite closes it.
 */
export function testStore(makeStore: () => Awaitable<LedgerStore>, { concurrent = 1000 }: TestStoreOptions = {}): readonly ContractCase[] {
  const all = { ...oneAccount, ...holds, ...badInput, ...tree, ...delegation, ...control, ...records, ...concurrency(concurrent) }
  return Object.entries(all).map(([name, check]) => ({ name, run: () => withStore(makeStore, check) }))
}

async function withStore(makeStore: () => Awaitable<LedgerStore>, check: Check): Promise<void> {
  const store = await makeStore()
  try {
    await check(new Books(store))
  } finally {
    await store.close?.()
  }
}
