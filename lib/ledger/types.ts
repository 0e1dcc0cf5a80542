import type { Json } from '../core/types.js'

/** A value now, or a promise of it: memory answers at once, a database later. */
export type Awaitable<T> = T | Promise<T>

/** What an account holds, both at once: integer nano-USD (10⁻⁹ USD) and tokens. */
export type Unit = 'nanoUsd' | 'tokens'

/** A cap as a safe integer, or the word for none: `0` is a budget of nothing. */
export type Allocation = number | 'unlimited'

/** One amount a unit: safe integers, 0 or more. */
export interface UnitAmounts {
  readonly nanoUsd: number
  readonly tokens: number
}

/** One cap a unit. */
export interface UnitAllocations {
  readonly nanoUsd: Allocation
  readonly tokens: Allocation
}

/**
 * What a capped account says of one unit; safe integers. `remaining = allocated − spent − held − delegated`, always: it is negative
 * after an overrun, a forced reservation or a lowered cap, never clamped.
 */
export interface Amounts {
  readonly allocated: number
  readonly spent: number
  readonly held: number
  readonly delegated: number
  readonly remaining: number
}

/** One unit of an account as the store knows it; also says what an account without a cap has spent. */
export interface UnitReading {
  readonly allocated: Allocation
  readonly spent: number
  readonly held: number
  readonly delegated: number
  readonly remaining: Allocation
  /** The most that a reservation can name now, every ancestor considered; never below 0. */
  readonly available: Allocation
  /** `delegated`: the allocation was set aside at the parent. `shared`: spend and holds count at the parent at once. */
  readonly source: 'delegated' | 'shared'
}

/** An account at one instant. A copy: it does not change later. */
export interface AccountReading {
  readonly id: string
  readonly parent?: string
  /** The identity of the window that the account is for, as it was opened. */
  readonly window?: string
  readonly closed: boolean
  /** Grows by one at every `adjust`. */
  readonly version: number
  /** The token that a writer must at least present. */
  readonly fence: number
  readonly nanoUsd: UnitReading
  readonly tokens: UnitReading
}

/**
 * Names an account and the writer: a `fence` below the account's is refused (`fenced`). Default fence: 0. It guards this account, not those
 * below it: who takes over a tree takes over each account that is written to.
 */
export interface AccountRef {
  readonly id: string
  readonly fence?: number
}

/** An account to open. With a `parent`: its spend and holds count there too, and a cap of its own bounds it further. */
export interface AccountSpec extends UnitAllocations {
  /** Chosen by the caller: opening it again changes nothing. */
  readonly id: string
  readonly parent?: string
  /** The identity of a window (`day:2026-01-31`): the next window is another account. Holds stay in the one they were opened in. */
  readonly window?: string
  /** Takes the account over: writers with a lower token are refused from now on. */
  readonly fence?: number
}

/** A child with a part of its own, set aside at the parent. A unit that is left out is shared with the parent; one must be named. */
export interface DelegationSpec {
  /** The child's id, chosen by the caller: delegating it again changes nothing. */
  readonly id: string
  readonly nanoUsd?: number
  readonly tokens?: number
  readonly window?: string
  readonly fence?: number
}

/** What the caller may leave with an operation; kept in its history entry. */
export interface Note {
  /** The version of the price table that the amounts were computed with. */
  readonly prices?: string
  /** Small plain data, kept as it is: do not change it afterwards. */
  readonly detail?: Json
}

/** An upper bound to hold before something is paid for. */
export interface ReserveRequest extends UnitAmounts, Note {
  /** The hold's id, chosen by the caller, never used twice: the same request again is answered with the same hold. */
  readonly id: string
  /** Record it although it does not fit; the answer then carries `exceeded`. */
  readonly force?: boolean
}

/** What it really cost. More than was held is recorded in full and flagged `overran`. */
export interface SettleRequest extends UnitAmounts, Note {
  /** The hold's id. */
  readonly id: string
  /** Default: `measured`. */
  readonly certainty?: 'measured' | 'estimated'
}

/** A hold to give back (provably nothing was sent), or to mark as unknown (it may have been). */
export interface HoldRequest extends Note {
  /** The hold's id. */
  readonly id: string
}

/** What became of an unknown hold, decided from outside: paid (with the amounts) or never sent. */
export type ReconcileRequest = (({ readonly decision: 'settle' } & UnitAmounts) | { readonly decision: 'release' }) & HoldRequest

/** New caps; a unit that is left out stays. */
export interface AdjustRequest extends Note {
  /** Chosen by the caller: the same change again is made once. */
  readonly id: string
  readonly nanoUsd?: Allocation
  readonly tokens?: Allocation
  /** Refuse (`version_mismatch`) when the account's caps have been changed since this version was read. */
  readonly version?: number
}

/** `held` and `unknown` count in full; no timer ever ends them. */
export type HoldState = 'held' | 'unknown' | 'settled' | 'released'

/** A hold at one instant. A copy: it does not change later. */
export interface Hold {
  readonly id: string
  readonly account: string
  readonly state: HoldState
  readonly reserved: UnitAmounts
  /** Set once settled. */
  readonly actual: UnitAmounts | undefined
  /** Settled for more than was reserved, in either unit. */
  readonly overran: boolean
  /** Recorded although it did not fit. */
  readonly forced: boolean
  readonly certainty: 'measured' | 'estimated' | undefined
  /** Milliseconds since 1970, on the store's clock, when it was reserved. */
  readonly at: number
}

/** Where a reservation or delegation did not fit: the facts of a `BudgetExceededError`. */
export interface Shortfall {
  /** The account that is short: the one asked, or an ancestor. */
  readonly account: string
  readonly unit: Unit
  readonly needed: number
  readonly remaining: number
  readonly allocated: number
  readonly spent: number
}

/**
 * Why nothing was changed, in TigerBeetle's manner of naming (https://docs.tigerbeetle.com/reference/requests/create_transfers).
 * There is no expiry among them: a hold ends by a decision only.
 */
export type RefusalCode =
  | 'exceeds_remaining'
  | 'overflows_total'
  | 'account_not_found'
  | 'account_closed'
  | 'parent_not_found'
  | 'exists_with_different_amount'
  | 'exists_with_different_account'
  | 'exists_with_different_parent'
  | 'exists_with_different_window'
  | 'exists_with_different_flags'
  | 'hold_not_found'
  | 'already_settled'
  | 'already_released'
  | 'hold_is_unknown'
  | 'hold_is_not_unknown'
  | 'delegation_must_be_finite'
  | 'version_mismatch'
  | 'fenced'

/** The operation was refused and changed nothing. */
export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  /** The account that refused: the one asked, or an ancestor. */
  readonly account: string
  /** With `exceeds_remaining`. */
  readonly shortfall?: Shortfall
  /** The hold as it is, where there is one. */
  readonly hold?: Hold
}

/** A hold was made, ended or marked. */
export interface HoldDone {
  readonly ok: true
  /** The same operation had been done before: nothing was changed now. */
  readonly repeated: boolean
  readonly hold: Hold
  /** With `force`: where it did not fit. */
  readonly exceeded?: Shortfall
  /** The account afterwards, from stores where reading it later costs a trip. */
  readonly reading?: AccountReading
}

/** An account was opened, changed or ended. */
export interface AccountDone {
  readonly ok: true
  readonly repeated: boolean
  readonly reading: AccountReading
}

/** An account has ended. */
export interface ReturnDone extends AccountDone {
  /** What went back to the parent; 0 for a unit that was shared. */
  readonly returned: UnitAmounts
}

/** Answer to an operation on a hold. */
export type HoldAnswer = HoldDone | Refusal
/** Answer to an operation on an account. */
export type AccountAnswer = AccountDone | Refusal
/** Answer to the end of an account. */
export type ReturnAnswer = ReturnDone | Refusal

/** What an entry records. */
export type EntryOp =
  | 'open'
  | 'delegate'
  | 'fence'
  | 'adjust'
  | 'return'
  | 'reserve'
  | 'settle'
  | 'release'
  | 'unknown'
  | 'reconcile.settle'
  | 'reconcile.release'

/** One change of the books. Refused and repeated operations leave none. */
export interface Entry {
  /** 1 for the first of the store, without gaps. */
  readonly seq: number
  /** Milliseconds since 1970, on the store's clock. */
  readonly at: number
  readonly op: EntryOp
  readonly account: string
  /** The hold's or the change's id; the account's own for the rest. */
  readonly id: string
  /**
   * `open`: the cap. `delegate`: the part, `unlimited` where shared. `adjust`: the new cap, `undefined` where it stays.
   * `reserve`, `release`, `unknown`: what was held. `settle`: what it cost. `return`: what went back.
   */
  readonly nanoUsd: Allocation | undefined
  readonly tokens: Allocation | undefined
  readonly parent: string | undefined
  /** `reserve`: past the cap. */
  readonly forced: boolean
  /** `settle`: more than was held. */
  readonly overran: boolean
  readonly prices: string | undefined
  readonly detail: Json | undefined
}

/** Which part of the history. */
export interface HistoryQuery {
  /** Entries of this account only. */
  readonly account?: string
  /** Entries with a higher `seq` only. */
  readonly after?: number
  /** At most so many, oldest first. */
  readonly limit?: number
}

/** Entries, oldest first. */
export interface History {
  readonly entries: readonly Entry[]
  /** How many older ones the store has dropped; 0 means that the history replays to the same totals. */
  readonly dropped: number
}

/** Which holds. */
export interface HoldsQuery {
  readonly account?: string
  /** Default: all that count (`held` and `unknown`). */
  readonly state?: 'held' | 'unknown'
}

/** The hold that has been open longest. */
export interface OldestHold {
  readonly hold: Hold
  /** Milliseconds on the store's clock, never below 0. */
  readonly ageMs: number
}

/** What survives: nothing, a crash of the process and machine, the loss of a machine. */
export type Durability = 'none' | 'disk' | 'replicated'

/**
 * The books: a tree of accounts and the holds on them. `testStore` in `outrigger/testing` is this contract as tests.
 *
 * For each unit of each account:
 * - `remaining = allocated − spent − held − delegated`;
 * - `spent` and `held`: its own holds, and those of its shared children;
 * - `delegated`: what its delegated children may take (their allocation, or what they have committed where that is more), and the
 *   `delegated` of its shared children.
 *
 * So a delegated child's spend is inside its parent's `delegated`; when the child ends, what is left returns, its spend moves to the
 * parent's `spent` and its open holds to the parent's `held`: to the nano-USD, nothing is counted twice and nothing is lost.
 * A reservation must leave the account and every ancestor with `remaining` of 0 or more in each unit that it asks for: an ancestor that
 * is over its cap stops all below it, delegated parts included.
 *
 * Every operation is atomic, and idempotent by the caller's ids. What cannot be done is an answer with a {@link RefusalCode} and changes
 * nothing.
 *
 * @throws RangeError, TypeError for an amount or id that is none, at once.
 * @throws LedgerUnavailableError when the store cannot be read or written; nothing is admitted then.
 */
export interface LedgerStore {
  readonly durability: Durability
  /** No method ever answers with a promise. */
  readonly synchronous: boolean
  openAccount(spec: AccountSpec): Awaitable<AccountAnswer>
  /** Opens a child with a part of the parent's remaining. */
  delegate(parent: AccountRef, child: DelegationSpec): Awaitable<AccountAnswer>
  /** Holds an upper bound at the account and every ancestor, in one step, or changes nothing. */
  reserve(account: AccountRef, request: ReserveRequest): Awaitable<HoldAnswer>
  /** Turns a hold (an unknown one too: a late answer) into spend. Works on ended accounts. */
  settle(account: AccountRef, request: SettleRequest): Awaitable<HoldAnswer>
  /** Gives a hold back; not an unknown one. */
  release(account: AccountRef, request: HoldRequest): Awaitable<HoldAnswer>
  /** The outcome is lost: the hold counts in full until `reconcile`. */
  markUnknown(account: AccountRef, request: HoldRequest): Awaitable<HoldAnswer>
  /** Decides an unknown hold. For operators: no fence is asked. */
  reconcile(request: ReconcileRequest): Awaitable<HoldAnswer>
  /** Ends an account: nothing new is admitted at it or below it; what is left of a delegated part goes back to the parent. */
  returnDelegation(account: AccountRef): Awaitable<ReturnAnswer>
  /** Changes caps while calls are in flight, not at or below an ended account. A delegated part grows only as far as the parent has it. For operators: no fence is asked. */
  adjust(account: string, request: AdjustRequest): Awaitable<AccountAnswer>
  read(account: string): Awaitable<AccountReading | undefined>
  /** All accounts, parents before children. */
  accounts(): Awaitable<readonly AccountReading[]>
  history(query?: HistoryQuery): Awaitable<History>
  /** Holds that count, oldest first. */
  holds(query?: HoldsQuery): Awaitable<readonly Hold[]>
  oldestHold(): Awaitable<OldestHold | undefined>
  close?(): Awaitable<void>
}
