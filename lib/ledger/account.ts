import { randomUUID } from 'node:crypto'
import { BudgetExceededError, ConfigError } from '../core/errors.js'
import { isPromise } from './awaitable.js'
import { amountsOf } from './balance.js'
import { parseUsd } from './money.js'
import type {
  AccountAnswer,
  AccountReading,
  AccountRef,
  Allocation,
  Amounts,
  Awaitable,
  HoldAnswer,
  HoldRequest,
  LedgerStore,
  Refusal,
  ReserveRequest,
  ReturnAnswer,
  SettleRequest,
  UnitAllocations,
} from './types.js'

/** A part to delegate: USD (a decimal string or a number) or nano-USD, tokens, or both. What is left out is shared with the parent. */
export interface Part {
  readonly usd?: number | string
  /** In place of `usd`: an integer. */
  readonly nanoUsd?: number
  readonly tokens?: number
}

/** How a child account is opened. */
export interface ChildOptions {
  /** Default: the parent's id, a slash and a random UUID. Choose it to find the account again after a restart. */
  readonly id?: string
  readonly window?: string
  readonly fence?: number
}

/**
 * One account of a ledger. Operations answer at once where the store does (memory), else with a promise; refusals are answers, not
 * exceptions. What an opening refuses (a part that the parent has not, another cap for the same id) is thrown: at once where the store
 * answers at once, else by the first operation.
 */
export interface Account {
  readonly id: string
  readonly parent?: string
  /** Opens it in the store, once; every operation does so by itself. */
  open(): Awaitable<void>
  reserve(request: ReserveRequest): Awaitable<HoldAnswer>
  settle(request: SettleRequest): Awaitable<HoldAnswer>
  release(request: HoldRequest): Awaitable<HoldAnswer>
  /** The outcome of the hold is lost: it counts in full until it is reconciled. */
  unknown(request: HoldRequest): Awaitable<HoldAnswer>
  /**
   * Sets a part aside for a child. What is left comes back when the child is closed.
   * @throws BudgetExceededError when the account, or one above it, has not so much.
   * @throws TypeError, RangeError for a part that is none, or that is there and undefined.
   */
  delegate(part: Part, child?: ChildOptions): Account
  /** A child without a part of its own: what it holds and spends counts here at once. `caps` bound it further. */
  share(child?: ChildOptions, caps?: Partial<UnitAllocations>): Account
  /** The public figures: live where the store answers at once, else as of the last answer. */
  amounts(): { readonly nanoUsd: Amounts | 'unlimited'; readonly tokens: Amounts | 'unlimited' }
  /** The most that a reservation can name now, every ancestor considered; as fresh as `amounts()`. */
  available(): UnitAllocations
  /** All that the store knows of it now. */
  read(): Awaitable<AccountReading>
  /** Ends it: nothing new is admitted, what is left of a delegated part returns to the parent. Calls in flight still settle. */
  close(): Awaitable<ReturnAnswer>
}

/** What a {@link LedgerAccount} is made of. */
export interface AccountSetup {
  readonly store: LedgerStore
  readonly ref: AccountRef
  readonly parent?: string
  /** What `amounts()` says until the store has answered. */
  readonly caps: UnitAllocations
  readonly open: () => Awaitable<AccountAnswer>
}

/** Where an account says what store it is in. A registered symbol, so that ESM and CommonJS copies of this package meet. */
const books: unique symbol = Symbol.for('outrigger.v1.books')

/** Are both accounts in one store? An id says nothing of that: other books may have the same. */
export function sameBooks(one: Account, other: Account): boolean {
  const storeOf = (account: Account) => (account as { readonly [books]?: LedgerStore })[books]
  return storeOf(one) === storeOf(other)
}

/** An account on any store. State: the last reading that the store gave. */
export class LedgerAccount implements Account {
  readonly id: string
  readonly parent?: string
  readonly #store: LedgerStore
  readonly #ref: AccountRef
  readonly #openIt: () => Awaitable<AccountAnswer>
  #last: AccountReading
  #isOpen = false
  #opening: Promise<void> | undefined

  constructor({ store, ref, parent, caps, open }: AccountSetup) {
    this.id = ref.id
    this.parent = parent
    this.#store = store
    Object.defineProperty(this, books, { value: store })
    this.#ref = ref
    this.#openIt = open
    this.#last = unopened(ref, parent, caps)
    if (store.synchronous) this.open()
  }

  open(): Awaitable<void> {
    if (this.#isOpen) return
    if (this.#opening) return this.#opening
    const answer = this.#openIt()
    if (!isPromise(answer)) return this.#opened(answer)
    this.#opening = answer.then(done => this.#opened(done)).finally(() => (this.#opening = undefined))
    return this.#opening
  }

  reserve(request: ReserveRequest): Awaitable<HoldAnswer> {
    return this.#isOpen ? this.#noted(this.#store.reserve(this.#ref, request)) : this.#once(() => this.reserve(request))
  }

  settle(request: SettleRequest): Awaitable<HoldAnswer> {
    return this.#isOpen ? this.#noted(this.#store.settle(this.#ref, request)) : this.#once(() => this.settle(request))
  }

  release(request: HoldRequest): Awaitable<HoldAnswer> {
    return this.#isOpen ? this.#noted(this.#store.release(this.#ref, request)) : this.#once(() => this.release(request))
  }

  unknown(request: HoldRequest): Awaitable<HoldAnswer> {
    return this.#isOpen ? this.#noted(this.#store.markUnknown(this.#ref, request)) : this.#once(() => this.unknown(request))
  }

  delegate(part: Part, child: ChildOptions = {}): Account {
    const amounts = partOf(part)
    const spec = { ...child, ...amounts, id: child.id ?? this.#childId() }
    const caps = { nanoUsd: amounts.nanoUsd ?? 'unlimited', tokens: amounts.tokens ?? 'unlimited' } as const
    return this.#child(spec, caps, () => this.#store.delegate(this.#ref, spec))
  }

  share(child: ChildOptions = {}, caps: Partial<UnitAllocations> = {}): Account {
    checkNames('share', caps, capNames)
    const { nanoUsd = 'unlimited', tokens = 'unlimited' } = caps
    const spec = { ...child, id: child.id ?? this.#childId(), parent: this.id, nanoUsd, tokens }
    return this.#child(spec, spec, () => this.#store.openAccount(spec))
  }

  amounts(): { readonly nanoUsd: Amounts | 'unlimited'; readonly tokens: Amounts | 'unlimited' } {
    const { nanoUsd, tokens } = this.#known()
    return { nanoUsd: amountsOf(nanoUsd), tokens: amountsOf(tokens) }
  }

  available(): UnitAllocations {
    const { nanoUsd, tokens } = this.#known()
    return { nanoUsd: nanoUsd.available, tokens: tokens.available }
  }

  read(): Awaitable<AccountReading> {
    if (!this.#isOpen) return this.#once(() => this.read())
    const reading = this.#store.read(this.id)
    return isPromise(reading) ? reading.then(found => this.#remember(found)) : this.#remember(reading)
  }

  close(): Awaitable<ReturnAnswer> {
    return this.#isOpen ? this.#noted(this.#store.returnDelegation(this.#ref)) : this.#once(() => this.close())
  }

  #once<T>(work: () => Awaitable<T>): Awaitable<T> {
    const opening = this.open()
    return isPromise(opening) ? opening.then(work) : work()
  }

  #opened(answer: AccountAnswer): void {
    if (!answer.ok) throw refused(this.id, answer)
    this.#remember(answer.reading)
    this.#isOpen = true
  }

  #noted<T extends HoldAnswer | ReturnAnswer>(answer: Awaitable<T>): Awaitable<T> {
    if (isPromise(answer)) return answer.then(done => this.#note(done))
    return this.#note(answer)
  }

  #note<T extends HoldAnswer | ReturnAnswer>(answer: T): T {
    if (answer.ok) this.#remember(answer.reading)
    return answer
  }

  #known(): AccountReading {
    const reading = this.#store.synchronous ? this.#store.read(this.id) : undefined
    return isPromise(reading) ? this.#last : this.#remember(reading)
  }

  /** A store that answers at once is asked each time: keeping its last reading would only cost, until it has ended and may be forgotten. */
  #remember(reading: AccountReading | undefined): AccountReading {
    if (reading && this.#store.synchronous && !reading.closed) return reading
    if (reading) this.#last = reading
    return this.#last
  }

  #childId(): string {
    return `${this.id}/${randomUUID()}`
  }

  #child(ref: AccountRef, caps: UnitAllocations, open: () => Awaitable<AccountAnswer>): Account {
    return new LedgerAccount({ store: this.#store, ref, parent: this.id, caps, open: () => this.#once(open) })
  }
}

function unopened({ id, fence = 0 }: AccountRef, parent: string | undefined, caps: UnitAllocations): AccountReading {
  const unit = (cap: Allocation) =>
    ({ allocated: cap, spent: 0, held: 0, delegated: 0, remaining: cap, available: cap, source: 'shared' }) as const
  return { id, parent, closed: false, version: 0, fence, nanoUsd: unit(caps.nanoUsd), tokens: unit(caps.tokens) }
}

/** What an opening refused, as the error to throw. */
function refused(id: string, { code, account, shortfall }: Refusal): Error {
  if (shortfall) return new BudgetExceededError(shortfall, 'raise the budget, or set less aside for the child')
  return new ConfigError(`account "${id}" cannot be opened: ${code} (at "${account}")${fixes[code] ?? ''}`, { id, refusal: code, account })
}

const fixes: Partial<Record<Refusal['code'], string>> = {
  exists_with_different_amount: '; it was opened with another cap: change that with adjust(), or open it as it was',
  exists_with_different_flags: '; it was opened in the other way (delegate or share): open it as it was, or choose another id',
  exists_with_different_parent: '; it hangs below another account: choose another id',
  parent_not_found: '; open the parent first',
  account_closed: '; that account has ended: open another one',
  fenced: '; another process has taken it over: give a higher fence to take it back',
}

const partNames: readonly string[] = ['usd', 'nanoUsd', 'tokens']
const capNames: readonly string[] = ['nanoUsd', 'tokens']

/** A part in integers. @throws TypeError, RangeError for a part that is none, or that is there and undefined */
export function partOf(part: Part): { nanoUsd?: number; tokens?: number } {
  checkNames('delegate', part, partNames)
  if (part.usd !== undefined && part.nanoUsd !== undefined) throw new TypeError('delegate: give usd or nanoUsd, not both')
  const nanoUsd = part.usd === undefined ? part.nanoUsd : parseUsd(part.usd)
  return { ...(nanoUsd === undefined ? {} : { nanoUsd }), ...(part.tokens === undefined ? {} : { tokens: part.tokens }) }
}

/** A unit that is left out is shared; one that is there and `undefined` is a forgotten value, and would be all that the parent has. */
function checkNames(what: string, amounts: object, names: readonly string[]): void {
  if (typeof amounts !== 'object' || amounts === null) throw new TypeError(`${what}: give an object of ${names.join(', ')}`)
  for (const [name, value] of Object.entries(amounts)) {
    if (!names.includes(name)) throw new TypeError(`${what}: "${name}" is no part; known are ${names.join(', ')}`)
    if (value === undefined)
      throw new TypeError(`${what}: ${name} is undefined; give an amount, or leave it out to share what the parent has`)
  }
}
