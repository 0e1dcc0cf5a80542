import { randomUUID } from 'node:crypto'
import { BudgetExceededError, type Context, cost, defineMiddleware, type Host, type Layer, LedgerUnavailableError, type ModelAction, OutriggerError, type SendAction, type TokenUsage } from 'outrigger'
import { Calibration, modelUsage, type ModelUsage, priceOf, zeroUsage } from 'outrigger/claude'
import { type Account, type Amounts, createLedger, type HoldAnswer, type Part, type Refusal, type Shortfall } from 'outrigger/ledger'
import { type BudgetSettings, budgetSettings, type WithBudgetOptions } from './budget-options.js'
import { affordable, boundedNeed, calibratedNeed, countedNeed, narrowedNeed, type Need, opaqueNeed } from './reservation.js'

export type { WithBudgetOptions } from './budget-options.js'

/** What is left, live. `'unlimited'` where there is no cap. */
export interface Budget {
  readonly nanoUsd: Amounts | 'unlimited'
  readonly tokens: Amounts | 'unlimited'
  /** Sets a part aside for a child. @throws BudgetExceededError when there is not so much */
  delegate(part: Part): Account
}

/** The member that `withBudget` shows. */
export interface BudgetMembers {
  readonly budget: Budget
}

/**
 * Reserves the most that a call can cost before it is sent, and settles it to what it used: with a hard budget, no number of concurrent calls
 * spends more than the cap. Fails closed. State: one account.
 * @throws TypeError or RangeError on a wrong, missing or unknown option
 */
export function withBudget(options: WithBudgetOptions): Layer<BudgetMembers> {
  const settings = budgetSettings(options)
  const keeper = new BudgetKeeper(settings)
  const { nanoUsd, tokens, mode, estimate, whenShort } = settings

  return defineMiddleware(
    {
      name: 'withBudget',
      on: ['send', 'model', 'spawn'],
      commits: true,
      perAttempt: true,
      provides: [cost],
      expose: { budget: keeper.view },
      options: { nanoUsd, tokens, mode, estimate, whenShort, prices: settings.prices.version },
      attach: host => keeper.open(host),
      snapshot: () => ({ nanoUsd: keeper.shown('nanoUsd'), tokens: keeper.shown('tokens') }),
    },
    async (ctx, next) => {
      const need = await keeper.need(ctx)
      if (!need) {
        keeper.gate(ctx)
        return next()
      }
      const held = await keeper.reserve(ctx, need)
      try {
        await next()
      } finally {
        await keeper.settle(ctx, held)
      }
    },
  )
}

/** A hold in the ledger. */
interface Held extends Need {
  readonly id: string
  readonly model: string
  /** The most that it can cost: an estimate of what it did cost is not believed above this. */
  readonly most: Need
  readonly estimate?: number
}

class BudgetKeeper {
  readonly #settings: BudgetSettings
  readonly #calibration = new Calibration()
  readonly #told = new Set<string>()
  // A ledger may outlive this process, and hold what another sidecar of the same id did: a hold's id must never come twice.
  readonly #run = randomUUID()
  #host: Host | undefined
  #account: Account | undefined

  readonly view: Budget

  constructor(settings: BudgetSettings) {
    this.#settings = settings
    const account = () => this.#open()
    this.view = {
      get nanoUsd() {
        return account().amounts().nanoUsd
      },
      get tokens() {
        return account().amounts().tokens
      },
      delegate: part => account().delegate(part),
    }
  }

  open(host: Host): void {
    this.#host = host
    const { account, ledger, nanoUsd, tokens } = this.#settings
    if (typeof account === 'object') this.#account = account
    else this.#account = (ledger ?? createLedger({ clock: host.clock })).account({ id: account ?? host.agent.id, nanoUsd, tokens })
  }

  shown(unit: 'nanoUsd' | 'tokens'): 'unlimited' | { readonly [name: string]: number } {
    const amounts = this.#open().amounts()[unit]
    return amounts === 'unlimited' ? amounts : { ...amounts }
  }

  /** What the action must have before it may happen; nothing for actions that cost nothing by themselves. */
  async need(ctx: Context): Promise<(Need & { readonly estimate?: number }) | undefined> {
    const { action } = ctx
    const { prices, estimate } = this.#settings
    if (action.kind === 'send') return action.opaque ? opaqueNeed(action as SendAction & { opaque: NonNullable<SendAction['opaque']> }, prices) : undefined
    if (action.kind !== 'model') return undefined
    return estimate === 'calibrated' ? calibratedNeed(action, prices, this.#calibration) : boundedNeed(action, prices)
  }

  /** Nothing left, nothing begun. @throws BudgetExceededError */
  gate(ctx: Context): void {
    if (this.#settings.mode !== 'hard') return
    const account = this.#open()
    const left = account.available()
    for (const unit of ['nanoUsd', 'tokens'] as const) {
      if (left[unit] !== 'unlimited' && left[unit] <= 0) throw this.#refused(ctx, { account: account.id, unit, needed: 1, remaining: left[unit], ...figures(account, unit) })
    }
  }

  async reserve(ctx: Context, need: Need & { readonly estimate?: number }): Promise<Held> {
    const id = `${ctx.id}/${ctx.attempt}/${this.#run}`
    const model = modelOf(ctx)
    const force = this.#settings.mode !== 'hard'
    for (let asked: Need | undefined = need, counted = false; ; ) {
      const answer: HoldAnswer = await this.#safely('reserve', () => this.#open().reserve({ id, nanoUsd: asked!.nanoUsd, tokens: asked!.tokens, force, prices: this.#settings.prices.version, detail: { model } }))
      if (answer.ok) {
        if (answer.exceeded) this.#overCap(ctx, answer.exceeded)
        return { ...asked!, id, model, most: this.#most(ctx, asked!), estimate: need.estimate }
      }
      if (answer.code !== 'exceeds_remaining') throw unusable('reserve', answer)
      const less: Need | undefined = counted ? undefined : await this.#countedLess(ctx, asked!)
      counted = true
      asked = less ?? this.#clamped(ctx, asked!, answer.shortfall!)
      if (!asked) throw this.#refused(ctx, answer.shortfall!)
    }
  }

  /** Each attempt ends as exactly one of settled, released and unknown. */
  async settle(ctx: Context, held: Held): Promise<void> {
    const { outcome } = ctx
    if (outcome?.detached) {
      outcome.detached.then(() => this.#charge(ctx, held)).catch(() => {})
      return
    }
    if (!outcome?.sent) await this.#ended('release', () => this.#open().release({ id: held.id }))
    else await this.#charge(ctx, held)
  }

  async #charge(ctx: Context, held: Held): Promise<void> {
    const usage: ModelUsage = modelUsage.peek(ctx) ?? { ...zeroUsage(held.model), tokens: ctx.usage }
    if (usage.tokens.certainty === 'unknown') {
      await this.#ended('keep as unknown', () => this.#open().unknown({ id: held.id }))
      cost.set(ctx, held.nanoUsd)
      return
    }
    const { nanoUsd, tokens } = this.#actual(usage, held)
    cost.set(ctx, nanoUsd)
    const { certainty } = usage.tokens
    await this.#ended('settle', () => this.#open().settle({ id: held.id, nanoUsd, tokens, certainty, prices: this.#settings.prices.version }))
    if (held.estimate && certainty === 'measured') this.#calibration.learn(held.model, held.estimate, sum(usage.tokens) - usage.tokens.output)
    this.#tellThresholds()
  }

  /** Measured as it is; an estimate never above the bound. */
  #actual(usage: ModelUsage, held: Held): { nanoUsd: number; tokens: number } {
    const nanoUsd = priceOf(usage, this.#settings.prices)
    const tokens = sum(usage.tokens)
    if (usage.tokens.certainty === 'measured') return { nanoUsd, tokens }
    return { nanoUsd: Math.min(nanoUsd, held.most.nanoUsd), tokens: Math.min(tokens, held.most.tokens) }
  }

  #most(ctx: Context, held: Need): Need {
    return ctx.action.kind === 'model' && this.#settings.estimate === 'calibrated' ? boundedNeed(ctx.action, this.#settings.prices) : held
  }

  async #countedLess(ctx: Context, asked: Need): Promise<Need | undefined> {
    if (this.#settings.estimate !== 'count' || ctx.kind !== 'model') return undefined
    const counted = await countedNeed(ctx, ctx.action as ModelAction, this.#settings.prices)
    return counted && counted.nanoUsd <= asked.nanoUsd && counted.tokens < asked.tokens ? counted : undefined
  }

  #clamped(ctx: Context, asked: Need, { unit, remaining }: Shortfall): Need | undefined {
    if (this.#settings.whenShort !== 'clamp' || ctx.kind !== 'model') return undefined
    const action = ctx.action as ModelAction
    const { prices } = this.#settings
    const maxTokens = affordable(action, asked, { ...this.#open().available(), [unit]: remaining }, prices)
    if (maxTokens === undefined) return undefined
    ctx.narrow({ maxTokens })
    return narrowedNeed(action, asked, maxTokens, prices)
  }

  /** Told in mode soft; mode warn tells thresholds only. */
  #overCap(ctx: Context, { unit, needed, remaining }: Shortfall): void {
    if (this.#settings.mode !== 'soft') return
    this.#host?.publish({ type: 'budget.refused', unit, needed, remaining, action: ctx.id })
    this.#host?.publish({ type: 'violation', ruleId: 'budget', severity: 'error', response: 'warn', shadow: false, action: ctx.id })
  }

  #refused(ctx: Context, shortfall: Shortfall): BudgetExceededError {
    const { unit, needed, remaining } = shortfall
    this.#host?.publish({ type: 'budget.refused', unit, needed, remaining, action: ctx.id })
    return new BudgetExceededError(shortfall)
  }

  #tellThresholds(): void {
    const amounts = this.#open().amounts()
    for (const unit of ['nanoUsd', 'tokens'] as const) {
      const figures = amounts[unit]
      if (figures === 'unlimited' || figures.allocated === 0) continue
      const { allocated, spent } = figures
      for (const threshold of this.#settings.warnAt) {
        const key = `${unit} ${threshold}`
        if (spent < allocated * threshold || this.#told.has(key)) continue
        this.#told.add(key)
        this.#host?.publish({ type: 'budget.threshold', threshold, unit, allocated, spent })
      }
    }
  }

  #open(): Account {
    if (!this.#account) throw new LedgerUnavailableError('withBudget has no account yet: it belongs in the use list of createSidecar')
    return this.#account
  }

  /** A store that cannot answer admits nothing, and what it did not take stays held. */
  async #safely(what: string, work: () => HoldAnswer | Promise<HoldAnswer>): Promise<HoldAnswer> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof OutriggerError || error instanceof RangeError) throw error
      throw new LedgerUnavailableError(`the ledger could not ${what}`, {}, error)
    }
  }

  async #ended(what: string, work: () => HoldAnswer | Promise<HoldAnswer>): Promise<void> {
    const answer = await this.#safely(what, work)
    if (!answer.ok) throw unusable(what, answer)
  }
}

function modelOf(ctx: Context): string {
  const { action } = ctx
  return action.kind === 'model' ? action.model : action.kind === 'send' ? (action.opaque?.model ?? '') : ''
}

function sum(tokens: TokenUsage): number {
  return tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h
}

function figures(account: Account, unit: 'nanoUsd' | 'tokens'): { allocated: number; spent: number } {
  const amounts = account.amounts()[unit]
  return amounts === 'unlimited' ? { allocated: 0, spent: 0 } : { allocated: amounts.allocated, spent: amounts.spent }
}

function unusable(what: string, answer: Refusal): LedgerUnavailableError {
  return new LedgerUnavailableError(`the ledger refused to ${what}: ${answer.code}`, { code: answer.code, account: answer.account })
}
