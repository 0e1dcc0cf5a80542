import { AsyncLocalStorage } from 'node:async_hooks'
import { BudgetExceededError, type Context, type Host, type ToolAction } from 'outrigger'
import { type Account, type BudgetAccount, parseUsd } from 'outrigger/ledger'
import { BudgetBooks } from './books.js'

/** What the calls of one tool may take. At least one is needed. */
export interface ToolQuota {
  /** How many times it may be called. With a `window`: within one. */
  readonly calls?: number
  /** What the model calls made inside it may cost together, in US dollars. */
  readonly usd?: number | `${number}`
  /** How many calls of it may run at once. */
  readonly concurrent?: number
}

/** A quota as it takes effect. */
export interface Quota {
  readonly calls: number
  readonly nanoUsd: number | undefined
  readonly concurrent: number
}

/** Where a call does not fit. */
export interface QuotaShortfall {
  readonly unit: 'calls' | 'concurrent'
  readonly needed: number
  readonly remaining: number
  readonly allocated: number
  readonly spent: number
  readonly account: string
}

/** A tool's calls so far. */
interface Use {
  /** When each began, where they are counted. */
  calls: number[]
  running: number
}

/** A call of a tool that has begun, or that its quota stops. */
export interface Entered {
  readonly short: QuotaShortfall | undefined
  readonly at: number
}

const names = ['calls', 'usd', 'concurrent']

/** @throws TypeError or RangeError that says the value and the fix */
export function toolQuotas(tools: unknown): ReadonlyMap<string, Quota> {
  if (tools === undefined) return new Map()
  if (typeof tools !== 'object' || tools === null || Array.isArray(tools))
    throw new TypeError('withBudget: tools must be an object like { search: { calls: 10 } }')
  return new Map(Object.entries(tools).map(([tool, quota]) => [tool, checkedQuota(tool, quota)]))
}

function checkedQuota(tool: string, given: unknown): Quota {
  const where = `withBudget: tools.${tool}`
  if (typeof given !== 'object' || given === null) throw new TypeError(`${where} must be an object of ${names.join(', ')}`)
  const wrong = Object.keys(given).find(name => !names.includes(name))
  if (wrong !== undefined) throw new TypeError(`${where}: unknown quota "${wrong}"; known are ${names.join(', ')}`)
  if (Object.keys(given).length === 0) throw new TypeError(`${where}: give one of ${names.join(', ')}`)
  const { usd } = given as ToolQuota
  if ('usd' in given && typeof usd !== 'number' && typeof usd !== 'string')
    throw new TypeError(`${where}.usd must be a number or a decimal string, got ${String(usd)}`)
  return {
    calls: count(where, 'calls', given),
    nanoUsd: usd === undefined ? undefined : parseUsd(usd),
    concurrent: count(where, 'concurrent', given),
  }
}

function count(where: string, name: 'calls' | 'concurrent', quota: ToolQuota): number {
  if (!(name in quota)) return Number.POSITIVE_INFINITY
  const value = quota[name]
  if (typeof value !== 'number') throw new TypeError(`${where}.${name} must be a whole number, got ${String(value)}`)
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${where}.${name} must be a whole number from 0, got ${value}`)
  return value
}

/** Counts the calls of each tool, and keeps the accounts of those that have dollars of their own. */
export class ToolQuotas {
  readonly #quotas: ReadonlyMap<string, Quota>
  readonly #uses = new Map<string, Use>()
  readonly #books = new Map<string, BudgetBooks>()
  /** The tool that code runs inside: an action belongs to the send, whatever it is called from. */
  readonly #inside = new AsyncLocalStorage<string>()

  constructor(quotas: ReadonlyMap<string, Quota>) {
    this.#quotas = quotas
  }

  /**
   * Counts a call that fits, looking and counting in one step: of two calls at once only one gets the last place.
   * @param since - calls from then on count
   */
  enter({ action }: Context, account: string, { now, since }: { now: number; since: number }, force: boolean): Entered {
    const { name } = action as ToolAction
    const quota = this.#quotas.get(name)
    const use = this.#use(name, since)
    const short = quota && shortfall(quota, use, quotaId(account, name))
    if (short && !force) return { short, at: now }
    if (quota && quota.calls !== Number.POSITIVE_INFINITY) use.calls.push(now)
    use.running++
    return { short, at: now }
  }

  /** Runs a call, and what it does as made inside the tool. */
  run({ action }: Context, next: () => Promise<void>): Promise<void> {
    const { name } = action as ToolAction
    return this.#quotas.get(name)?.nanoUsd === undefined ? next() : this.#inside.run(name, next)
  }

  /** Ends a call. One that has not happened is not counted. */
  leave(ctx: Context, { at }: Entered): void {
    const use = this.#uses.get((ctx.action as ToolAction).name)!
    const counted = use.calls.lastIndexOf(at)
    if (!ctx.outcome?.sent && counted >= 0) use.calls.splice(counted, 1)
    const ended = () => {
      use.running--
    }
    const { detached } = ctx.outcome ?? {}
    if (detached) detached.then(ended, ended)
    else ended()
  }

  /** The books of the innermost tool with dollars of its own that the caller runs in. */
  books({ account }: Pick<BudgetAccount, 'account'>, host: Host): BudgetBooks | undefined {
    const tool = this.#inside.getStore()
    if (tool === undefined) return undefined
    const id = quotaId(account.id, tool)
    const known = this.#books.get(id)
    if (known) return known
    const books = new BudgetBooks(quotaAccount(account, id, this.#quotas.get(tool)!), host)
    this.#books.set(id, books)
    return books
  }

  shown(): { readonly [tool: string]: { readonly calls: number; readonly running: number } } {
    return Object.fromEntries([...this.#uses].map(([tool, { calls, running }]) => [tool, { calls: calls.length, running }]))
  }

  #use(tool: string, since: number): Use {
    const use = this.#uses.get(tool) ?? { calls: [], running: 0 }
    this.#uses.set(tool, use)
    if (use.calls.length > 0 && use.calls[0]! < since) use.calls = use.calls.filter(at => at >= since)
    return use
  }
}

const quotaId = (account: string, tool: string): string => `${account}/tool/${tool}`

/** Below the budget's account: what is held for the tool is held there in the same step. */
function quotaAccount(account: Account, id: string, { nanoUsd }: Quota): Account {
  return account.share({ id }, { nanoUsd: nanoUsd! })
}

function shortfall({ calls, concurrent }: Quota, use: Use, account: string): QuotaShortfall | undefined {
  if (use.calls.length >= calls) return short('calls', calls, use.calls.length, account)
  if (use.running >= concurrent) return short('concurrent', concurrent, use.running, account)
}

function short(unit: QuotaShortfall['unit'], allocated: number, spent: number, account: string): QuotaShortfall {
  return { unit, needed: 1, remaining: allocated - spent, allocated, spent, account }
}

/** The refusal of a call by its tool's quota. */
export function quotaExceeded(short: QuotaShortfall): BudgetExceededError {
  const fix = short.unit === 'calls' ? 'raise calls in tools, or do without it' : 'raise concurrent in tools, or call it later'
  return new BudgetExceededError(short, fix)
}
