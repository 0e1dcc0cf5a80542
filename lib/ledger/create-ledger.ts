import type { Clock } from '../core/clock.js'
import { type Account, LedgerAccount } from './account.js'
import { refusal } from './account-node.js'
import { checkAllocation, checkId } from './amount.js'
import { andThen } from './awaitable.js'
import { MemoryLedgerStore } from './memory-store.js'
import type {
  AccountReading,
  AccountSpec,
  Awaitable,
  Durability,
  History,
  HistoryQuery,
  Hold,
  HoldAnswer,
  HoldRequest,
  HoldsQuery,
  LedgerStore,
  OldestHold,
  ReconcileRequest,
} from './types.js'

/** Options of {@link createLedger}. A `store` comes with its own clock and history: with one, the other two are refused. */
export interface LedgerOptions {
  /** Where the books are kept. Default: memory. */
  readonly store?: LedgerStore
  /** For the memory store. Default: the real clock. */
  readonly clock?: Clock
  /** How many history entries the memory store keeps. Default 10,000. */
  readonly keepHistory?: number
}

/** Accounts on one store, and the operator's view of them. */
export interface Ledger {
  readonly store: LedgerStore
  /** What survives: `none` in memory. */
  readonly durability: Durability
  /**
   * An account of the store, opened where it is not yet.
   * @throws ConfigError when the store refuses to open it (at the first operation, where the store answers with promises).
   * @throws TypeError, RangeError for an id or a cap that is none.
   */
  account(spec: AccountSpec): Account
  accounts(): Awaitable<readonly AccountReading[]>
  history(query?: HistoryQuery): Awaitable<History>
  /** Holds that count, oldest first. */
  holds(query?: HoldsQuery): Awaitable<readonly Hold[]>
  /** The hold that has been open longest: a reason in health, never a reason to end it. */
  oldestHold(): Awaitable<OldestHold | undefined>
  /**
   * Marks a hold that nobody will end any more (its process has gone, its settle was lost), so that `reconcile` can decide it. The account
   * and its fence are looked up: an operator knows the hold's id. `hold_not_found` for one that has ended.
   */
  markUnknown(request: HoldRequest): Awaitable<HoldAnswer>
  /** Decides an unknown hold. */
  reconcile(request: ReconcileRequest): Awaitable<HoldAnswer>
  close(): Awaitable<void>
}

const optionNames = new Set(['store', 'clock', 'keepHistory'])

/**
 * Books that every budget of an agent tree draws on: what is reserved fits, at the account and every ancestor, or is refused.
 * @throws TypeError for an unknown option, and for a store together with options of the memory store.
 */
export function createLedger(options: LedgerOptions = {}): Ledger {
  if (typeof options !== 'object' || options === null) throw new TypeError('createLedger: options must be an object')
  const store = storeOf(options)
  return {
    store,
    durability: store.durability,
    account: spec => accountOf(store, spec),
    accounts: () => store.accounts(),
    history: query => store.history(query),
    holds: query => store.holds(query),
    oldestHold: () => store.oldestHold(),
    markUnknown: request => markUnknown(store, request),
    reconcile: request => store.reconcile(request),
    close: () => store.close?.(),
  }
}

function storeOf({ store, ...memory }: LedgerOptions): LedgerStore {
  const unknown = Object.keys(memory).find(name => !optionNames.has(name))
  if (unknown !== undefined) throw new TypeError(`createLedger: unknown option "${unknown}"; known are ${[...optionNames].join(', ')}`)
  if (!store) return new MemoryLedgerStore(memory)
  if (memory.clock || memory.keepHistory !== undefined) throw new TypeError('createLedger: give clock and keepHistory to the store itself')
  return store
}

function markUnknown(store: LedgerStore, request: HoldRequest): Awaitable<HoldAnswer> {
  return andThen(store.holds(), holds => {
    const hold = holds.find(({ id }) => id === request.id)
    if (!hold) return refusal('hold_not_found', '')
    const { account } = hold
    return andThen(store.read(account), reading => store.markUnknown({ id: account, fence: reading?.fence }, request))
  })
}

function accountOf(store: LedgerStore, spec: AccountSpec): Account {
  checkId('id', spec.id)
  checkAllocation('nanoUsd', spec.nanoUsd)
  checkAllocation('tokens', spec.tokens)
  const copy = { ...spec }
  return new LedgerAccount({ store, ref: copy, parent: copy.parent, caps: copy, open: () => store.openAccount(copy) })
}
