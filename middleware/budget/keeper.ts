import { randomBytes } from 'node:crypto'
import {
  BudgetExceededError,
  type Context,
  cost,
  type Host,
  isOutriggerError,
  LedgerUnavailableError,
  type ModelAction,
  type SendAction,
  type SpawnAction,
  type TokenUsage,
} from 'outrigger'
import { Calibration, modelUsage, type ModelUsage, priceOf, zeroUsage } from 'outrigger/claude'
import {
  type Account,
  type AccountReading,
  type Amounts,
  budgetAccount,
  childAccount,
  type HoldAnswer,
  type HoldDone,
  type Ledger,
  type Part,
  type Shortfall,
  type Unit,
} from 'outrigger/ledger'
import { openAccount, type OpenedAccount } from './account.js'
import { BudgetBooks, type Promised, unusable } from './books.js'
import { chargedBelow, tellAbove, tellOverCap, tellThreshold } from './report.js'
import type { BudgetSettings } from './options.js'
import { type Span, spanAt } from './window.js'
import { quotaExceeded, type QuotaShortfall, ToolQuotas } from './tool-quotas.js'
import {
  affordable,
  type Asked,
  boundedNeed,
  calibratedNeed,
  countedNeed,
  narrowedNeed,
  type Need,
  opaqueNeed,
  unbounded,
} from './reservation.js'

/** What is left, live. `'unlimited'` where there is no cap. */
export interface Budget {
  readonly nanoUsd: Amounts | 'unlimited'
  readonly tokens: Amounts | 'unlimited'
  /** When the next window begins, in milliseconds since 1970; `undefined` without one, or where it slides. */
  readonly resetsAt: number | undefined
  /** The books: history, holds, `reconcile`. `undefined` where the layer was given an account. */
  readonly ledger: Ledger | undefined
  /** Sets a part aside for a child. @throws BudgetExceededError when there is not so much */
  delegate(part: Part): Account
}

const units = ['nanoUsd', 'tokens'] as const

/** A hold in the ledger. */
interface Held extends Need {
  readonly id: string
  /** Where it was made: there it ends. */
  readonly books: BudgetBooks
  readonly model: string
  /** The most that it can cost: an estimate of what it did cost is not believed above this. */
  readonly most: Need
  readonly estimate?: number
}

/** Reserves and settles on one account, for all attempts of one sidecar. */
export class BudgetKeeper {
  readonly #settings: BudgetSettings
  readonly #calibration = new Calibration()
  readonly #told = new Set<string>()
  // A ledger may outlive this process, and hold what another sidecar of the same id did: a hold's id must never come twice.
  readonly #run = randomBytes(9).toString('base64url')
  #host: Host | undefined
  #kept: BudgetBooks | undefined
  #opened: OpenedAccount | undefined
  #mode: BudgetSettings['mode']
  #toldUp = false
  #span: Span | undefined
  readonly #tools: ToolQuotas

  readonly view: Budget

  constructor(settings: BudgetSettings) {
    this.#settings = settings
    this.#mode = settings.mode
    this.#tools = new ToolQuotas(settings.tools)
    const account = () => this.#books.account
    const resetsAt = () => {
      void this.#books
      return this.#span?.end
    }
    const ledger = () => this.#opened?.ledger
    this.view = {
      get nanoUsd() {
        return account().amounts().nanoUsd
      },
      get tokens() {
        return account().amounts().tokens
      },
      get resetsAt() {
        return resetsAt()
      },
      get ledger() {
        return ledger()
      },
      delegate: part => account().delegate(part),
    }
  }

  open(host: Host): void {
    this.#host = host
    this.#enter(this.#spanNow())
    const opened = () => this.#current
    const { ledger, mode } = opened()
    budgetAccount.set(host, {
      get account() {
        return opened().account
      },
      ledger,
      mode,
      spentBelow: () => this.#tellThresholds(),
    })
  }

  #spanNow(): Span | undefined {
    const { window } = this.#settings
    return window && spanAt(window, this.#host!.clock.now())
  }

  /** Opens the account of a window. What was opened in another one ends there. */
  #enter(span: Span | undefined): void {
    const before = this.#opened
    const ledger = this.#settings.ledger ?? before?.ledger
    const opened = openAccount(before ? { ...this.#settings, ledger } : this.#settings, this.#host!, span?.identity)
    this.#opened = opened
    this.#mode = opened.mode
    this.#kept = new BudgetBooks(opened.account, this.#host!)
    this.#span = span
    this.#told.clear()
    this.#toldUp = false
    if (before) this.#leave(before)
  }

  /** Nothing new is admitted at what a child had in the last window; what is held there still settles. */
  #leave(before: OpenedAccount): void {
    before.close().catch(error => this.#host?.degrade('withBudget', error))
  }

  /** The account of the window that it is now. A clock that is set back brings none back. */
  get #current(): OpenedAccount {
    if (this.#span?.end !== undefined && this.#host!.clock.now() >= this.#span.end) this.#enter(this.#spanNow())
    return this.#opened!
  }

  /** Ends the account of a child: what is left returns to its parent. */
  async close(): Promise<void> {
    await this.#opened?.close()
  }

  /** Says what a child is charged to: a part that is set aside for it, or all that is left here. */
  async spawn(ctx: Context, next: () => Promise<void>): Promise<void> {
    const { ledger, mode } = this.#opened!
    const { account } = this.#charged
    const { budget } = ctx.action as SpawnAction
    if (!budget) {
      childAccount.set(ctx, { account, ledger, mode })
      return next()
    }
    const part = this.#setAside(ctx, budget)
    await part.open()
    childAccount.set(ctx, { account: part, ledger, mode, delegated: true })
    try {
      await next()
    } catch (error) {
      await part.close()
      throw error
    }
  }

  #setAside(ctx: Context, part: Part): Account {
    try {
      return this.#charged.account.delegate(part)
    } catch (error) {
      if (error instanceof BudgetExceededError) this.#tell(ctx, error as BudgetExceededError & { readonly unit: Unit })
      throw error
    }
  }

  /** Counts a call of a tool, and ends the count when it has ended. @throws BudgetExceededError where its quota is used up */
  async tool(ctx: Context, next: () => Promise<void>): Promise<void> {
    const entered = this.#tools.enter(ctx, this.#books.account.id, this.#counted(), this.#mode !== 'hard')
    if (entered.short) this.#quotaUsedUp(ctx, entered.short)
    try {
      await this.#tools.run(ctx, next)
    } finally {
      this.#tools.leave(ctx, entered)
    }
  }

  /** From when on calls count. */
  #counted(): { readonly now: number; readonly since: number } {
    const now = this.#host!.clock.now()
    const { window } = this.#settings
    return { now, since: typeof window === 'object' ? now - window.rollingMs + 1 : (this.#span?.start ?? Number.NEGATIVE_INFINITY) }
  }

  #quotaUsedUp(ctx: Context, short: QuotaShortfall): void {
    if (this.#mode === 'warn' || !this.#host) return
    const { unit, needed, remaining } = short
    this.#host.publish({ type: 'budget.refused', unit, needed, remaining, action: ctx.id })
    if (this.#mode === 'hard') throw quotaExceeded(short)
    tellOverCap(this.#host, short, ctx)
  }

  /** Calls of each tool so far, and those that run. */
  get toolsShown(): ReturnType<ToolQuotas['shown']> {
    return this.#tools.shown()
  }

  shown(unit: 'nanoUsd' | 'tokens'): 'unlimited' | { readonly [name: string]: number } {
    const amounts = this.#books.account.amounts()[unit]
    return amounts === 'unlimited' ? amounts : { ...amounts }
  }

  /** What the action must have before it may happen; nothing for actions that cost nothing by themselves. */
  need(ctx: Context): Promised<Asked | undefined> {
    const { action } = ctx
    if (action.kind === 'send')
      return action.opaque
        ? opaqueNeed(action as SendAction & { opaque: NonNullable<SendAction['opaque']> }, this.#settings.prices)
        : undefined
    return action.kind === 'model' ? this.#modelNeed(action) : undefined
  }

  #modelNeed(action: ModelAction): Promised<Asked> {
    const { prices, estimate } = this.#settings
    try {
      const need = boundedNeed(action, prices)
      return estimate === 'calibrated' && this.#mode !== 'hard' ? calibratedNeed(action, prices, this.#calibration) : need
    } catch (error) {
      if (!isOutriggerError(error, 'ERR_UNBOUNDED')) throw error
      return this.#mode === 'hard' ? this.#uncapped(error) : unbounded
    }
  }

  /** Lets a request without a bound pass where the books say, by now, that nothing caps it. That of an ancestor may not be known. */
  #uncapped(error: unknown): Promised<Asked> {
    const decided = ({ parent, nanoUsd, tokens }: AccountReading): Asked => {
      if (parent !== undefined || nanoUsd.available !== 'unlimited' || tokens.available !== 'unlimited') throw error
      return unbounded
    }
    const reading = this.#charged.read()
    return reading instanceof Promise ? reading.then(decided) : decided(reading)
  }

  /** Nothing left, nothing begun. @throws BudgetExceededError */
  gate(ctx: Context): Promised<void> {
    if (this.#mode !== 'hard') return
    const left = this.#charged.available()
    for (const unit of units) if (left[unit] !== 'unlimited' && left[unit] <= 0) return this.#askForOne(ctx, unit)
  }

  /** The books know whose cap it is that is used up, and whether it still is: what we read may be old. */
  async #askForOne(ctx: Context, unit: 'nanoUsd' | 'tokens'): Promise<void> {
    const id = `${ctx.id}/gate/${ctx.attempt}/${this.#run}`
    const books = this.#charged
    const answer = await books.reserve({ id, nanoUsd: 0, tokens: 0, [unit]: 1 })
    if (!answer.ok) throw answer.shortfall ? this.#refused(ctx, answer.shortfall) : unusable('reserve', answer)
    await books.release({ id })
  }

  /** Answers at once where the ledger does. */
  reserve(ctx: Context, need: Asked): Promised<Held> {
    const id = `${ctx.id}/${ctx.attempt}/${this.#run}`
    const books = this.#charged
    const answer = this.#hold(books, ctx, id, need)
    return answer instanceof Promise || !answer.ok ? this.#fitted(books, ctx, id, need, answer) : this.#held(books, ctx, id, need, answer)
  }

  #hold(books: BudgetBooks, ctx: Context, id: string, { nanoUsd, tokens }: Need): Promised<HoldAnswer> {
    const { prices } = this.#settings
    const request = { id, nanoUsd, tokens, force: this.#mode !== 'hard', prices: prices.version, detail: { model: modelOf(ctx) } }
    return books.reserve(request)
  }

  #held(books: BudgetBooks, ctx: Context, id: string, need: Asked, { exceeded }: HoldDone): Held {
    if (exceeded) this.#overCap(ctx, exceeded)
    const { nanoUsd, tokens, estimate, most = need } = need
    return { id, books, nanoUsd, tokens, estimate, model: modelOf(ctx), most }
  }

  /** What does not fit is asked for again: counted, then clamped, as far as the options allow. */
  async #fitted(books: BudgetBooks, ctx: Context, id: string, need: Asked, first: Promised<HoldAnswer>): Promise<Held> {
    let answer = await first
    let asked: Need = need
    for (let counted = false; !answer.ok; ) {
      if (answer.code !== 'exceeds_remaining') throw unusable('reserve', answer)
      const less: Need | undefined =
        (counted ? undefined : await this.#countedLess(ctx, asked)) ?? this.#clamped(books, ctx, asked, answer.shortfall!)
      if (!less) throw this.#refused(ctx, answer.shortfall!)
      counted = true
      asked = less
      answer = await this.#hold(books, ctx, id, asked)
    }
    return this.#held(books, ctx, id, asked === need ? need : { ...asked, estimate: need.estimate }, answer)
  }

  /** Each attempt ends as exactly one of settled, released and unknown. */
  settle(ctx: Context, held: Held): Promised<void> {
    const { outcome } = ctx
    if (!outcome?.detached) return outcome?.sent ? this.#charge(ctx, held) : held.books.release({ id: held.id })
    outcome.detached.then(() => this.#charge(ctx, held)).catch(error => held.books.lost(held.id, error))
  }

  #charge(ctx: Context, held: Held): Promised<void> {
    const usage: ModelUsage = modelUsage.peek(ctx) ?? { ...zeroUsage(held.model), tokens: ctx.usage }
    const { certainty } = usage.tokens
    const actual = this.#actual(usage, held)
    if (certainty === 'unknown' || !actual) {
      cost.set(ctx, Math.max(held.nanoUsd, cost.peek(ctx) ?? 0))
      return held.books.unknown({ id: held.id })
    }
    const { nanoUsd, tokens } = actual
    cost.set(ctx, nanoUsd)
    if (held.estimate && certainty === 'measured')
      this.#calibration.learn(held.model, held.estimate, sum(usage.tokens) - usage.tokens.output)
    const settled = held.books.settle({ id: held.id, nanoUsd, tokens, certainty, prices: this.#settings.prices.version })
    if (settled instanceof Promise) return settled.then(() => this.#spent())
    this.#spent()
  }

  /** Measured as it is; an estimate never above the bound. Nothing for figures that no ledger can hold. */
  #actual(usage: ModelUsage, held: Held): { nanoUsd: number; tokens: number } | undefined {
    const nanoUsd = this.#priced(usage)
    if (nanoUsd === undefined) return undefined
    const tokens = sum(usage.tokens)
    if (usage.tokens.certainty === 'measured') return { nanoUsd, tokens }
    return { nanoUsd: Math.min(nanoUsd, held.most.nanoUsd), tokens: Math.min(tokens, held.most.tokens) }
  }

  #priced(usage: ModelUsage): number | undefined {
    try {
      return priceOf(usage, this.#settings.prices)
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  async #countedLess(ctx: Context, asked: Need): Promise<Need | undefined> {
    if (this.#settings.estimate !== 'count' || ctx.kind !== 'model') return undefined
    const counted = await countedNeed(ctx, ctx.action as ModelAction, this.#settings.prices)
    return counted && counted.nanoUsd <= asked.nanoUsd && counted.tokens < asked.tokens ? counted : undefined
  }

  #clamped(books: BudgetBooks, ctx: Context, asked: Need, { unit, remaining }: Shortfall): Need | undefined {
    if (this.#settings.whenShort !== 'clamp' || ctx.kind !== 'model') return undefined
    const action = ctx.action as ModelAction
    const { prices } = this.#settings
    const maxTokens = affordable(action, asked, { ...books.account.available(), [unit]: remaining }, prices)
    if (maxTokens === undefined) return undefined
    ctx.narrow({ maxTokens })
    return narrowedNeed(action, asked, maxTokens, prices)
  }

  /** Told in mode soft; mode warn tells thresholds only. */
  #overCap(ctx: Context, shortfall: Shortfall): void {
    if (this.#mode !== 'soft' || !this.#host) return
    const { unit, needed, remaining } = shortfall
    this.#host.publish({ type: 'budget.refused', unit, needed, remaining, action: ctx.id })
    tellOverCap(this.#host, shortfall, ctx)
  }

  #refused(ctx: Context, shortfall: Shortfall): BudgetExceededError {
    this.#tell(ctx, shortfall)
    if (this.#settings.whenShort === 'clamp') return new BudgetExceededError(shortfall, 'raise the budget, or send less')
    return new BudgetExceededError(shortfall)
  }

  #tell(ctx: Context, { unit, needed, remaining }: Pick<Shortfall, 'unit' | 'needed' | 'remaining'>): void {
    this.#host?.publish({ type: 'budget.refused', unit, needed, remaining, action: ctx.id })
    if (this.#toldUp || !this.#host) return
    this.#toldUp = true
    tellAbove(this.#host, this.#books.account, unit)
  }

  #spent(): void {
    this.#tellThresholds()
    chargedBelow(this.#host!)
  }

  #tellThresholds(): void {
    if (this.#told.size === this.#settings.warnAt.length * 2) return
    const amounts = this.#books.account.amounts()
    for (const unit of units) {
      const figures = amounts[unit]
      if (figures === 'unlimited' || figures.allocated === 0) continue
      const { allocated, spent } = figures
      for (const threshold of this.#settings.warnAt) {
        const key = `${unit} ${threshold}`
        if (spent < allocated * threshold || this.#told.has(key)) continue
        this.#told.add(key)
        tellThreshold(this.#host!, { threshold, unit, allocated, spent })
      }
    }
  }

  /** Where an action is charged: at the tool that it is made in, where that has dollars of its own, else at the account. */
  get #charged(): BudgetBooks {
    const books = this.#books
    return this.#settings.tools.size === 0 ? books : (this.#tools.books(books, this.#host!) ?? books)
  }

  get #books(): BudgetBooks {
    if (!this.#kept) throw new LedgerUnavailableError('withBudget has no account yet: it belongs in the use list of createSidecar')
    if (this.#span) void this.#current
    return this.#kept
  }
}

function modelOf(ctx: Context): string {
  const { action } = ctx
  return action.kind === 'model' ? action.model : action.kind === 'send' ? (action.opaque?.model ?? '') : ''
}

function sum(tokens: TokenUsage): number {
  return tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h
}
