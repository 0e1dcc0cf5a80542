import { definePrices, defaultPrices, type ModelPriceInput, type PriceTable } from 'outrigger/claude'
import { type Account, type Ledger, parseUsd } from 'outrigger/ledger'
import { type BudgetWindow, checkedWindow } from './window.js'
import { type Quota, type ToolQuota, toolQuotas } from './tool-quotas.js'

/** Options of {@link withBudget}. At least one of `usd`, `tokens` and an `account` object is needed. */
export interface WithBudgetOptions {
  /** The cap in US dollars: a number, a decimal string, or the word `'unlimited'`. 0 is a budget of nothing. */
  readonly usd?: number | 'unlimited' | `${number}`
  /** The cap in tokens of all classes together, or the word `'unlimited'`. */
  readonly tokens?: number | 'unlimited'
  /** `hard` (default): what does not fit is refused. `soft`: it goes on, recorded as a violation. `warn`: only thresholds are told. */
  readonly mode?: 'hard' | 'soft' | 'warn'
  /** Where the books are kept. Default: a ledger in memory, of this layer alone. */
  readonly ledger?: Ledger
  /** The id of the account in the ledger, or an account that was opened or delegated before. Default: the agent's id. */
  readonly account?: string | Account
  /** What is reserved: the `bound` (default); `count` asks count_tokens when only the bound does not fit; `calibrated` is less than the bound and needs `mode` soft or warn. */
  readonly estimate?: 'bound' | 'calibrated' | 'count'
  /** What happens to a request that does not fit: `reject` (default), or `clamp` lowers its `max_tokens` to what is left. */
  readonly whenShort?: 'reject' | 'clamp'
  /** Shares of the cap, above 0 and up to 1, that are told once each when the spend passes them. Default 0.8 and 0.9. */
  readonly warnAt?: readonly number[]
  /** The cap holds for each hour, day or month in UTC, or for any stretch of `rollingMs`. Default: one cap for good. */
  readonly window?: BudgetWindow
  /** Quotas of tools, by exact name: calls, dollars of the model calls made inside, calls at once. Default: none. */
  readonly tools?: Readonly<Record<string, ToolQuota>>
  /** Other prices: a table, or models by id with rates in pico-USD a token. Default: the dated table of this package. */
  readonly prices?: PriceTable | Readonly<Record<string, ModelPriceInput>>
}

/** The options as they take effect. */
export interface BudgetSettings {
  readonly nanoUsd: number | 'unlimited'
  readonly tokens: number | 'unlimited'
  readonly mode: 'hard' | 'soft' | 'warn'
  readonly ledger: Ledger | undefined
  readonly account: string | Account | undefined
  readonly estimate: 'bound' | 'calibrated' | 'count'
  readonly whenShort: 'reject' | 'clamp'
  readonly warnAt: readonly number[]
  readonly window: BudgetWindow | undefined
  readonly tools: ReadonlyMap<string, Quota>
  readonly prices: PriceTable
}

const choices = {
  mode: ['hard', 'soft', 'warn'],
  estimate: ['bound', 'calibrated', 'count'],
  whenShort: ['reject', 'clamp'],
} as const
const known = new Set(['usd', 'tokens', 'mode', 'ledger', 'account', 'estimate', 'whenShort', 'warnAt', 'window', 'tools', 'prices'])

/** @throws TypeError or RangeError that says the value and the fix */
export function budgetSettings(options: WithBudgetOptions): BudgetSettings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError("withBudget: options must be an object like { usd: 2 } or { usd: 'unlimited' }")
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`withBudget: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { account, ledger, warnAt = [0.8, 0.9], prices = defaultPrices } = options
  checkAccount(account)
  const mode = choice('mode', options.mode, 'hard')
  const estimate = choice('estimate', options.estimate, 'bound')
  if (estimate === 'calibrated' && mode === 'hard')
    throw new TypeError(
      "withBudget: estimate: 'calibrated' reserves less than the bound; use mode: 'soft' or 'warn' with it, or estimate: 'count'",
    )
  if (ledger !== undefined && typeof account === 'object')
    throw new TypeError('withBudget: an account object has its ledger already; leave ledger out')
  if (ledger !== undefined && typeof ledger?.account !== 'function') throw new TypeError('withBudget: ledger must come from createLedger()')
  checkShares(warnAt)
  const capped = caps(options)
  return {
    ...capped,
    mode,
    estimate,
    whenShort: choice('whenShort', options.whenShort, 'reject'),
    ledger,
    account,
    warnAt: Object.freeze([...warnAt].sort((a, b) => a - b)),
    window: windowOf(options),
    tools: toolQuotas(options.tools),
    prices: isTable(prices) ? checkedTable(prices) : definePrices(prices as Readonly<Record<string, ModelPriceInput>>),
  }
}

function windowOf({ window, account, usd, tokens }: WithBudgetOptions): BudgetWindow | undefined {
  const checked = checkedWindow(window)
  if (checked && typeof account === 'object')
    throw new TypeError('withBudget: an account object is of one window; leave window out, or give an id')
  if (checked && (usd ?? 'unlimited') === 'unlimited' && (tokens ?? 'unlimited') === 'unlimited')
    throw new TypeError('withBudget: window needs a cap in usd or tokens')
  return checked
}

function caps(options: WithBudgetOptions): Pick<BudgetSettings, 'nanoUsd' | 'tokens'> {
  const { usd, tokens, account } = options
  if (!('usd' in options) && !('tokens' in options) && typeof account !== 'object') {
    throw new TypeError("withBudget: give usd or tokens; no budget is the word 'unlimited': withBudget({ usd: 'unlimited' })")
  }
  if (typeof account === 'object' && ('usd' in options || 'tokens' in options))
    throw new TypeError('withBudget: an account object has its caps already; leave usd and tokens out')
  return { nanoUsd: 'usd' in options ? usdCap(usd) : 'unlimited', tokens: 'tokens' in options ? tokenCap(tokens) : 'unlimited' }
}

function usdCap(usd: WithBudgetOptions['usd']): number | 'unlimited' {
  if (usd === 'unlimited') return usd
  if (typeof usd !== 'number' && typeof usd !== 'string')
    throw new TypeError(`withBudget: usd must be a number, a decimal string or 'unlimited', got ${usd === null ? 'null' : typeof usd}`)
  return parseUsd(usd)
}

function tokenCap(tokens: WithBudgetOptions['tokens']): number | 'unlimited' {
  if (tokens === 'unlimited') return tokens
  if (typeof tokens !== 'number')
    throw new TypeError(`withBudget: tokens must be a whole number or 'unlimited', got ${tokens === null ? 'null' : typeof tokens}`)
  if (!Number.isSafeInteger(tokens) || tokens < 0) throw new RangeError(`withBudget: tokens must be a whole number from 0, got ${tokens}`)
  return tokens
}

function checkAccount(account: WithBudgetOptions['account']): void {
  if (account === undefined || (typeof account === 'string' && account !== '')) return
  if (typeof account === 'object' && account !== null && typeof account.reserve === 'function') return
  throw new TypeError('withBudget: account must be a non-empty id, or an account of a ledger')
}

function checkShares(warnAt: unknown): void {
  if (!Array.isArray(warnAt)) throw new TypeError('withBudget: warnAt must be a list like [0.8, 0.9]')
  for (const share of warnAt)
    if (!(typeof share === 'number' && share > 0 && share <= 1))
      throw new RangeError(`withBudget: warnAt takes shares above 0 and up to 1, got ${share}`)
}

function choice<K extends keyof typeof choices>(
  name: K,
  value: string | undefined,
  byDefault: (typeof choices)[K][number],
): (typeof choices)[K][number] {
  if (value === undefined) return byDefault
  const allowed = choices[name] as readonly string[]
  if (!allowed.includes(value))
    throw new TypeError(`withBudget: ${name} must be one of ${allowed.join(', ')}; got ${JSON.stringify(value)}`)
  return value as (typeof choices)[K][number]
}

const checked = new WeakSet<PriceTable>([defaultPrices])

/** A table made by hand is checked once: a rate that is none would fail every call. */
function checkedTable(table: PriceTable): PriceTable {
  if (checked.has(table)) return table
  definePrices(table.models, table)
  for (const fee of ['webSearch', 'codeExecution'] as const) {
    const value = table.fees?.[fee]
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new RangeError(`withBudget: fees.${fee} of the price table must be nano-USD, a whole number from 0, got ${value}`)
  }
  checked.add(table)
  return table
}

function isTable(prices: object): prices is PriceTable {
  return (
    typeof prices === 'object' &&
    prices !== null &&
    typeof (prices as Partial<PriceTable>).version === 'string' &&
    typeof (prices as Partial<PriceTable>).models === 'object'
  )
}
