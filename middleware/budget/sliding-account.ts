import type {
  Account,
  AccountReading,
  Amounts,
  ChildOptions,
  HoldAnswer,
  HoldRequest,
  Part,
  ReserveRequest,
  ReturnAnswer,
  SettleRequest,
  UnitAllocations,
} from 'outrigger/ledger'
import type { Promised } from './books.js'
import { SlidingAllowance, type SlidingSettings } from './sliding-allowance.js'

/** As accounts of the ledger say what store they are in. */
const books: unique symbol = Symbol.for('outrigger.v1.books')

/** An account at or below one whose window slides: what is due is given back before it is asked for more. */
export class SlidingAccount implements Account {
  readonly id: string
  readonly parent?: string
  readonly #inner: Account
  readonly #settings: SlidingSettings
  readonly #allowance: SlidingAllowance

  constructor(inner: Account, settings: SlidingSettings, allowance: SlidingAllowance = new SlidingAllowance(settings)) {
    this.id = inner.id
    if (inner.parent !== undefined) this.parent = inner.parent
    this.#inner = inner
    this.#settings = settings
    this.#allowance = allowance
    Object.defineProperty(this, books, { value: settings.store })
  }

  open(): Promised<void> {
    return this.#inner.open()
  }

  reserve(request: ReserveRequest): Promised<HoldAnswer> {
    const opened = this.#inner.open()
    const aged = opened instanceof Promise ? opened.then(() => this.#allowance.age()) : this.#allowance.age()
    return aged instanceof Promise ? aged.then(() => this.#inner.reserve(request)) : this.#inner.reserve(request)
  }

  settle(request: SettleRequest): Promised<HoldAnswer> {
    return this.#inner.settle(request)
  }

  release(request: HoldRequest): Promised<HoldAnswer> {
    return this.#inner.release(request)
  }

  unknown(request: HoldRequest): Promised<HoldAnswer> {
    return this.#inner.unknown(request)
  }

  delegate(part: Part, child?: ChildOptions): Account {
    this.#ageNow()
    return this.#below(this.#inner.delegate(part, child))
  }

  share(child?: ChildOptions, caps?: Partial<UnitAllocations>): Account {
    return this.#below(this.#inner.share(child, caps))
  }

  /** Of the window: what was given back counts neither as allocated nor as spent. */
  amounts(): { readonly nanoUsd: Amounts | 'unlimited'; readonly tokens: Amounts | 'unlimited' } {
    this.#ageNow()
    const { nanoUsd, tokens } = this.#inner.amounts()
    const aged = this.id === this.#settings.account ? this.#allowance.aged : { nanoUsd: 0, tokens: 0 }
    return { nanoUsd: within(nanoUsd, aged.nanoUsd), tokens: within(tokens, aged.tokens) }
  }

  available(): UnitAllocations {
    this.#ageNow()
    return this.#inner.available()
  }

  read(): Promised<AccountReading> {
    return this.#inner.read()
  }

  close(): Promised<ReturnAnswer> {
    return this.#inner.close()
  }

  #ageNow(): void {
    if (this.#settings.store.synchronous) void this.#allowance.age()
  }

  #below(account: Account): Account {
    return new SlidingAccount(account, this.#settings, this.#allowance)
  }
}

function within(amounts: Amounts | 'unlimited', aged: number): Amounts | 'unlimited' {
  return amounts === 'unlimited' ? amounts : { ...amounts, allocated: amounts.allocated - aged, spent: amounts.spent - aged }
}
