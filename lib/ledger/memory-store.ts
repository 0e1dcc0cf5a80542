import { type Clock, systemClock } from '../core/clock.js'
import { AccountNode, refusal } from './account-node.js'
import { checkAllocation, checkAmount, checkAmounts, checkFence, checkId } from './amount.js'
import { type Balance, book, giveBack, growthOf, overflows, recap, shortfallOf } from './balance.js'
import { HoldBook, HoldRecord } from './hold-book.js'
import { Recent } from './recent.js'
import type {
  AccountAnswer,
  AccountDone,
  AccountReading,
  AccountRef,
  AccountSpec,
  AdjustRequest,
  Allocation,
  DelegationSpec,
  Entry,
  EntryOp,
  History,
  HistoryQuery,
  Hold,
  HoldAnswer,
  HoldRequest,
  HoldsQuery,
  LedgerStore,
  Note,
  OldestHold,
  ReconcileRequest,
  Refusal,
  ReserveRequest,
  ReturnAnswer,
  SettleRequest,
  Unit,
  UnitAllocations,
  UnitAmounts,
} from './types.js'

/** Options of the memory store. */
export interface MemoryStoreOptions {
  /** Stamps entries and tells the age of holds. Default: the real clock. */
  readonly clock?: Clock
  /**
   * How many history entries are kept, and how many ended holds, changes and ended children are remembered; older ones are forgotten
   * (the totals are not): settling them again is then `hold_not_found`. What is open is never forgotten, nor is an account without a
   * parent. Default 10,000.
   */
  readonly keepHistory?: number
}

/** Where a store finds the accounts, holds and changes that an operation is about, and leaves what it does: for stores that keep them elsewhere. */
export interface Shelf {
  readonly accounts: Pick<Map<string, AccountNode>, 'get' | 'set' | 'delete' | 'values'>
  readonly holds: Pick<HoldBook, 'find' | 'add' | 'end' | 'open' | 'oldest'>
  readonly changes: Pick<Map<string, DoneChange>, 'get' | 'set' | 'delete'>
  /** The number of the newest entry. */
  readonly seq: number
  /** Takes an entry; gives back the one that had to go. */
  push(entry: Entry): Entry | undefined
}

/** A change of caps that has been made. */
export interface DoneChange {
  readonly account: string
  readonly request: AdjustRequest
}

const units: readonly Unit[] = ['nanoUsd', 'tokens']
const nothing: UnitAmounts = { nanoUsd: 0, tokens: 0 }
const noNote: Note = {}
const same = (a: UnitAmounts, b: UnitAmounts) => a.nanoUsd === b.nanoUsd && a.tokens === b.tokens

/** Books in memory: answers at once, gone with the process. State: the accounts, open holds, and a bounded past. */
export class MemoryLedgerStore implements LedgerStore {
  readonly durability = 'none'
  readonly synchronous = true
  readonly #clock: Clock
  readonly #accounts: Shelf['accounts']
  readonly #holds: Shelf['holds']
  readonly #changes: Shelf['changes']
  readonly #history: Recent<Entry>
  readonly #push: (entry: Entry) => Entry | undefined
  readonly #changeIds: Recent<string>
  readonly #closedIds: Recent<string>
  #seq = 0
  #kept = 0

  /** @throws RangeError when `keepHistory` is no integer of 0 or more. */
  constructor({ clock = systemClock, keepHistory = 10_000 }: MemoryStoreOptions = {}, shelf?: Shelf) {
    checkAmount('keepHistory', keepHistory)
    this.#clock = clock
    this.#history = new Recent(keepHistory)
    this.#accounts = shelf?.accounts ?? new Map()
    this.#changes = shelf?.changes ?? new Map()
    this.#holds = shelf?.holds ?? new HoldBook(keepHistory)
    this.#seq = shelf?.seq ?? 0
    this.#push = shelf ? entry => shelf.push(entry) : entry => this.#history.push(entry)
    this.#changeIds = new Recent(keepHistory)
    this.#closedIds = new Recent(keepHistory)
  }

  openAccount(spec: AccountSpec): AccountAnswer {
    checkId('id', spec.id)
    checkFence(spec.fence)
    for (const unit of units) checkAllocation(unit, spec[unit])
    const parent = spec.parent === undefined ? undefined : this.#accounts.get(spec.parent)
    if (spec.parent !== undefined && !parent) return refusal('parent_not_found', spec.parent)
    const node = new AccountNode(spec, parent, false)
    return this.#existing(node, spec.fence) ?? this.#opened(node, parent?.closedAt())
  }

  delegate({ id, fence }: AccountRef, child: DelegationSpec): AccountAnswer {
    checkId('id', child.id)
    checkFence(child.fence)
    if (child.nanoUsd === undefined && child.tokens === undefined) throw new RangeError('a delegation needs nanoUsd, tokens or both')
    for (const unit of units) if (child[unit] !== undefined) checkAmount(unit, child[unit])
    const parent = this.#accounts.get(id)
    if (!parent) return refusal('parent_not_found', id)
    const node = new AccountNode(child, parent, true)
    return this.#fencedOff(parent, fence) ?? this.#existing(node, child.fence) ?? this.#setAside(node, parent, child)
  }

  reserve(account: AccountRef, request: ReserveRequest): HoldAnswer {
    checkAmounts(request)
    checkId('id', request.id)
    const node = this.#accounts.get(account.id)
    if (!node) return refusal('account_not_found', account.id)
    return this.#fencedOff(node, account.fence) ?? this.#repeatedReserve(account, request) ?? this.#admit(node, request)
  }

  settle(account: AccountRef, request: SettleRequest): HoldAnswer {
    checkAmounts(request)
    const record = this.#holds.find(request.id)
    if (!record?.isOpen) return this.#repeatedEnd(record, account.id, request.id, 'settled', request)
    return this.#notYours(record, account) ?? this.#settle(record, request, request, request.certainty ?? 'measured', 'settle')
  }

  release(account: AccountRef, request: HoldRequest): HoldAnswer {
    const record = this.#holds.find(request.id)
    if (!record?.isOpen) return this.#repeatedEnd(record, account.id, request.id, 'released')
    const no = this.#notYours(record, account)
    if (no) return no
    if (record.state === 'unknown') return refusal('hold_is_unknown', account.id, { hold: record.toHold() })
    return this.#release(record, request, 'release')
  }

  markUnknown(account: AccountRef, request: HoldRequest): HoldAnswer {
    const record = this.#holds.find(request.id)
    if (!record?.isOpen) return this.#repeatedEnd(record, account.id, request.id, 'unknown')
    const no = this.#notYours(record, account)
    if (no) return no
    if (record.state === 'unknown') return { ok: true, repeated: true, hold: record.toHold() }
    record.state = 'unknown'
    this.#write('unknown', record.node, record.id, record, request)
    return { ok: true, repeated: false, hold: record.toHold() }
  }

  reconcile(request: ReconcileRequest): HoldAnswer {
    const settles = request.decision === 'settle'
    if (settles) checkAmounts(request)
    const record = this.#holds.find(request.id)
    if (!record?.isOpen) {
      return this.#repeatedEnd(record, undefined, request.id, settles ? 'settled' : 'released', settles ? request : undefined)
    }
    if (record.state !== 'unknown') return refusal('hold_is_not_unknown', record.node.id, { hold: record.toHold() })
    return settles
      ? this.#settle(record, request, request, 'estimated', 'reconcile.settle')
      : this.#release(record, request, 'reconcile.release')
  }

  returnDelegation(account: AccountRef): ReturnAnswer {
    const node = this.#accounts.get(account.id)
    if (!node) return refusal('account_not_found', account.id)
    const no = this.#fencedOff(node, account.fence)
    if (no) return no
    const repeated = node.closed
    if (!repeated) this.#close(node)
    return { ok: true, repeated, reading: node.reading(), returned: node.returned }
  }

  adjust(account: string, request: AdjustRequest): AccountAnswer {
    checkId('id', request.id)
    for (const unit of units) if (request[unit] !== undefined) checkAllocation(unit, request[unit])
    const node = this.#accounts.get(account)
    if (!node) return refusal('account_not_found', account)
    return this.#repeatedChange(node, request) ?? this.#unchangeable(node, request) ?? this.#change(node, request)
  }

  read(account: string): AccountReading | undefined {
    return this.#accounts.get(account)?.reading()
  }

  accounts(): readonly AccountReading[] {
    return Array.from(this.#accounts.values(), node => node.reading())
  }

  /** @throws RangeError when `limit` or `after` is no integer of 0 or more. */
  history({ account, after = 0, limit = Number.MAX_SAFE_INTEGER }: HistoryQuery = {}): History {
    checkAmount('after', after)
    checkAmount('limit', limit)
    const all = this.#history.toArray()
    const entries = all.filter(entry => entry.seq > after && (account === undefined || entry.account === account)).slice(0, limit)
    return { entries, dropped: this.#seq - this.#kept }
  }

  holds({ account, state }: HoldsQuery = {}): readonly Hold[] {
    const all = Array.from(this.#holds.open(), record => record.toHold())
    return all.filter(hold => (account === undefined || hold.account === account) && (state === undefined || hold.state === state))
  }

  oldestHold(): OldestHold | undefined {
    const record = this.#holds.oldest()
    return record && { hold: record.toHold(), ageMs: Math.max(0, this.#clock.now() - record.at) }
  }

  #existing(asked: AccountNode, fence = 0): AccountDone | Refusal | undefined {
    const node = this.#accounts.get(asked.id)
    if (!node) return undefined
    const code = asked.differsFrom(node) ?? (fence < node.fence ? 'fenced' : undefined)
    if (code) return refusal(code, node.id)
    if (fence > node.fence) this.#takeOver(node, fence)
    return { ok: true, repeated: true, reading: node.reading() }
  }

  #takeOver(node: AccountNode, fence: number): void {
    node.fence = fence
    this.#write('fence', node, node.id, nothing, { detail: { fence } })
  }

  #opened(node: AccountNode, closed: string | undefined): AccountDone | Refusal {
    if (closed !== undefined) return refusal('account_closed', closed)
    this.#accounts.set(node.id, node)
    this.#write(node.opening.delegated ? 'delegate' : 'open', node, node.id, node.opening, noNote)
    return { ok: true, repeated: false, reading: node.reading() }
  }

  #setAside(node: AccountNode, parent: AccountNode, { nanoUsd = 0, tokens = 0 }: DelegationSpec): AccountDone | Refusal {
    const part = { nanoUsd, tokens }
    const no = this.#refused(parent, part, false)
    if (no) return no
    book(parent.nanoUsd, 0, 0, nanoUsd)
    book(parent.tokens, 0, 0, tokens)
    return this.#opened(node, undefined)
  }

  #refused(node: AccountNode, amounts: UnitAmounts, force: boolean): Refusal | undefined {
    const closed = node.closedAt()
    if (closed !== undefined) return refusal('account_closed', closed)
    const shortfall = force ? undefined : node.shortfall(amounts)
    if (shortfall) return refusal('exceeds_remaining', shortfall.account, { shortfall })
    return node.overflows(amounts) ? refusal('overflows_total', node.id) : undefined
  }

  #fencedOff(node: AccountNode, fence = 0): Refusal | undefined {
    return fence < node.fence ? refusal('fenced', node.id) : undefined
  }

  #repeatedReserve(account: AccountRef, request: ReserveRequest): HoldAnswer | undefined {
    const record = this.#holds.find(request.id)
    if (!record) return undefined
    const hold = record.toHold()
    if (hold.account !== account.id) return refusal('exists_with_different_account', hold.account, { hold })
    if (!same(record, request)) return refusal('exists_with_different_amount', hold.account, { hold })
    return { ok: true, repeated: true, hold }
  }

  #admit(node: AccountNode, request: ReserveRequest): HoldAnswer {
    const exceeded = request.force ? node.shortfall(request) : undefined
    const no = this.#refused(node, request, request.force === true)
    if (no) return no
    book(node.nanoUsd, 0, request.nanoUsd, 0)
    book(node.tokens, 0, request.tokens, 0)
    return this.#hold(node, request, exceeded !== undefined, exceeded)
  }

  #hold(node: AccountNode, request: ReserveRequest, forced: boolean, exceeded: Refusal['shortfall']): HoldAnswer {
    const at = this.#write('reserve', node, request.id, request, request, forced)
    const record = new HoldRecord(request.id, node, request, forced, at)
    this.#holds.add(record)
    return exceeded ? { ok: true, repeated: false, hold: record.toHold(), exceeded } : { ok: true, repeated: false, hold: record.toHold() }
  }

  #notYours(record: HoldRecord, account: AccountRef): Refusal | undefined {
    const { node } = record
    if (node.id !== account.id) return refusal('exists_with_different_account', node.id, { hold: record.toHold() })
    return this.#fencedOff(node, account.fence)
  }

  #repeatedEnd(
    record: HoldRecord | undefined,
    account: string | undefined,
    id: string,
    state: Hold['state'],
    actual?: UnitAmounts,
  ): HoldAnswer {
    checkId('id', id)
    const hold = record?.toHold()
    if (!hold) return refusal('hold_not_found', account ?? '')
    if (account !== undefined && hold.account !== account) return refusal('exists_with_different_account', hold.account, { hold })
    if (hold.state !== state) return refusal(hold.state === 'settled' ? 'already_settled' : 'already_released', hold.account, { hold })
    if (actual && hold.actual && !same(hold.actual, actual)) return refusal('exists_with_different_amount', hold.account, { hold })
    return { ok: true, repeated: true, hold }
  }

  #settle(record: HoldRecord, actual: UnitAmounts, note: Note, certainty: Hold['certainty'], op: EntryOp): HoldAnswer {
    const { node, nanoUsd, tokens } = record
    const overran = actual.nanoUsd > nanoUsd || actual.tokens > tokens
    if (overran && node.overflows({ nanoUsd: actual.nanoUsd - nanoUsd, tokens: actual.tokens - tokens })) {
      return refusal('overflows_total', node.id, { hold: record.toHold() })
    }
    book(node.nanoUsd, actual.nanoUsd, -nanoUsd, 0)
    book(node.tokens, actual.tokens, -tokens, 0)
    this.#write(op, node, record.id, actual, note, false, overran)
    record.actualNanoUsd = actual.nanoUsd
    record.actualTokens = actual.tokens
    record.certainty = certainty
    return this.#end(record, 'settled')
  }

  #release(record: HoldRecord, note: Note, op: EntryOp): HoldAnswer {
    const { node, id, nanoUsd, tokens } = record
    book(node.nanoUsd, 0, -nanoUsd, 0)
    book(node.tokens, 0, -tokens, 0)
    this.#write(op, node, id, record, note)
    return this.#end(record, 'released')
  }

  #end(record: HoldRecord, state: 'settled' | 'released'): HoldAnswer {
    record.state = state
    this.#holds.end(record)
    return { ok: true, repeated: false, hold: record.toHold() }
  }

  #close(node: AccountNode): void {
    node.returned = { nanoUsd: giveBack(node.nanoUsd), tokens: giveBack(node.tokens) }
    node.closed = true
    this.#write('return', node, node.id, node.returned, noNote)
    // A root that was forgotten would open again with all of its cap.
    const forgotten = node.parent && this.#closedIds.push(node.id)
    if (forgotten !== undefined) this.#accounts.delete(forgotten)
  }

  #repeatedChange(node: AccountNode, asked: AdjustRequest): AccountAnswer | undefined {
    const done = this.#changes.get(asked.id)
    if (!done) return undefined
    if (done.account !== node.id) return refusal('exists_with_different_account', done.account)
    const same = units.every(unit => done.request[unit] === asked[unit])
    return same ? { ok: true, repeated: true, reading: node.reading() } : refusal('exists_with_different_amount', node.id)
  }

  #unchangeable(node: AccountNode, request: AdjustRequest): Refusal | undefined {
    const closed = node.closedAt()
    if (closed !== undefined) return refusal('account_closed', closed)
    if (request.version !== undefined && request.version !== node.version) return refusal('version_mismatch', node.id)
    for (const unit of units) {
      const no = this.#uncappable(node[unit], request[unit])
      if (no) return no
    }
    return undefined
  }

  #uncappable(balance: Balance, cap: Allocation | undefined): Refusal | undefined {
    if (!balance.drawn || !balance.parent || cap === undefined) return undefined
    if (cap === 'unlimited') return refusal('delegation_must_be_finite', balance.account)
    const growth = Math.max(0, growthOf(balance, cap))
    const shortfall = shortfallOf(balance.parent, growth)
    if (shortfall) return refusal('exceeds_remaining', shortfall.account, { shortfall })
    return overflows(balance.parent, growth) ? refusal('overflows_total', balance.parent.account) : undefined
  }

  #change(node: AccountNode, request: AdjustRequest): AccountAnswer {
    for (const unit of units) {
      const cap = request[unit]
      if (cap !== undefined) recap(node[unit], cap === 'unlimited' ? Number.POSITIVE_INFINITY : cap)
    }
    node.version++
    this.#write('adjust', node, request.id, request, request)
    const { id, nanoUsd, tokens } = request
    this.#changes.set(id, { account: node.id, request: { id, nanoUsd, tokens } })
    const forgotten = this.#changeIds.push(id)
    if (forgotten !== undefined) this.#changes.delete(forgotten)
    return { ok: true, repeated: false, reading: node.reading() }
  }

  /** Appends an entry; returns its time. */
  #write(
    op: EntryOp,
    node: AccountNode,
    id: string,
    amounts: Partial<UnitAllocations>,
    note: Note,
    forced = false,
    overran = false,
  ): number {
    const at = this.#clock.now()
    const { nanoUsd, tokens } = amounts
    const parent = op === 'open' || op === 'delegate' ? node.parent?.id : undefined
    const { prices, detail } = note
    const entry: Entry = { seq: ++this.#seq, at, op, account: node.id, id, nanoUsd, tokens, parent, forced, overran, prices, detail }
    if (this.#push(entry) === undefined) this.#kept++
    return at
  }
}
