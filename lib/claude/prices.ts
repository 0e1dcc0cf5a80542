import { UnknownModelError } from '../core/errors.js'
import type { TokenUsage } from '../core/types.js'
import { priceTable, priceTableVersion } from './price-table.js'
import type { ModelUsage } from './usage.js'

/** What a token costs, by class, in integer pico-USD: $1 per million tokens is 1_000_000. */
export interface Rates {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
}

/** Rates and limits of one model. */
export interface ModelPrice extends Rates {
  /** Rates of the whole request once its prompt, cache reads and writes included, is longer than `above` tokens. */
  readonly longContext?: Rates & { readonly above: number }
  /** Rates with `speed: 'fast'`. Without them, fast usage is charged 6 times the rates. */
  readonly fast?: Rates
  /** What `inference_geo: 'us'` costs, in percent of the rates. Default 100: the model does not price geography. */
  readonly usPercent?: number
  /** The most tokens one request can read. */
  readonly contextWindow: number
  /** The most tokens one answer can have: bounds the parts of a request that declare no `max_tokens` of their own. */
  readonly maxOutput: number
  /** The most tokens one image can cost. */
  readonly imageTokens: number
  /** The hidden system prompt that tools bring, for the dearest `tool_choice`. */
  readonly toolPromptTokens: number
  /** It thinks although the request does not ask for it: tokens of a cut stream may have been hidden. */
  readonly thinksByDefault?: boolean
  /** Further exact ids with this price. */
  readonly aliases?: readonly string[]
}

/** An override: `{ input: 0, output: 100_000_000 }` is enough for a new model. */
export type ModelPriceInput = Partial<ModelPrice>

/** A dated list of prices. Its models are found by exact id and listed alias only. */
export interface PriceTable {
  /** Names the table in ledger entries. */
  readonly version: string
  readonly models: Readonly<Record<string, ModelPrice>>
  readonly fees: {
    /** Nano-USD for one web search. */
    readonly webSearch: number
    /** Nano-USD for one code execution request. */
    readonly codeExecution: number
  }
}

/**
 * The prices of the models that the SDK names, as of the date in `version`.
 * Web search: $10 per 1,000. Code execution is billed by the hour ($0.05), its requests are charged an hour each.
 * Source: platform.claude.com/docs/en/about-claude/pricing.
 */
export const defaultPrices: PriceTable = frozen({
  version: priceTableVersion,
  models: priceTable,
  fees: { webSearch: 10_000_000, codeExecution: 50_000_000 },
})

// Half of the rates; same source. Reported by the API as the service tier `batch`.
const batchPercent = 50
// The largest published ratio of fast to standard rates (Claude Opus 4.6, $30/$150): charged where a model has no fast rates of its own.
const fastPercent = 600
// The largest published ratio for geography: charged for a model that the table does not know.
const geoPercent = 110

// Amounts are added in hundredths of a pico-USD, so that percentages stay integers.
const unitsPerNano = 100_000

/** $3 per million tokens is `usdPerMillion(3)`: the rate in pico-USD a token. */
export function usdPerMillion(usd: number): number {
  const rate = Math.round(usd * 1e6)
  return validRate(rate, `usdPerMillion(${usd})`)
}

interface Index {
  readonly models: ReadonlyMap<string, ModelPrice>
  readonly dearest: ModelPrice
}

const indexes = new WeakMap<PriceTable, Index>()
let last: { table: PriceTable; index: Index } | undefined

function indexOf(table: PriceTable): Index {
  if (last?.table === table) return last.index
  const index = indexes.get(table) ?? makeIndex(table)
  indexes.set(table, index)
  last = { table, index }
  return index
}

function makeIndex(table: PriceTable): Index {
  const models = new Map(Object.entries(table.models))
  for (const price of Object.values(table.models)) for (const alias of price.aliases ?? []) if (!models.has(alias)) models.set(alias, price)
  return { models, dearest: dearestOf(Object.values(table.models)) }
}

const rateNames = ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const

function dearestOf(prices: readonly ModelPrice[]): ModelPrice {
  const all: Rates[] = prices.flatMap(price => [price, price.longContext ?? price, price.fast ?? price])
  const most = (of: (rates: Rates) => number) => all.reduce((max, rates) => Math.max(max, of(rates)), 0)
  const rates = Object.fromEntries(rateNames.map(name => [name, most(r => r[name])])) as unknown as Rates
  const limit = (of: (price: ModelPrice) => number) => prices.reduce((max, price) => Math.max(max, of(price)), 0)
  return {
    ...rates,
    fast: rates,
    usPercent: Math.max(
      geoPercent,
      limit(p => p.usPercent ?? 100),
    ),
    contextWindow: limit(p => p.contextWindow),
    maxOutput: limit(p => p.maxOutput),
    imageTokens: limit(p => p.imageTokens),
    toolPromptTokens: limit(p => p.toolPromptTokens),
  }
}

/**
 * The price of a model, by exact id or listed alias; upper and lower case differ.
 * @throws UnknownModelError
 */
export function findPrice(table: PriceTable, model: string): ModelPrice {
  const price = indexOf(table).models.get(model)
  if (price === undefined) throw new UnknownModelError({ model })
  return price
}

/**
 * What a usage costs: integer nano-USD, computed exactly and rounded up once. Iterations are priced by their own models. What is not known
 * is charged at the most it can be: an unknown model at the dearest of the table, an unknown tier, speed, geography or usage field at the
 * dearest multipliers. With certainty `unknown` the figure is only what could be read: keep the hold.
 * `dearest: true` charges every multiplier that can apply.
 * @throws RangeError when the cost is no safe integer.
 */
export function priceOf(usage: ModelUsage, table: PriceTable = defaultPrices, options?: { readonly dearest?: boolean }): number {
  const dearest = options?.dearest === true || usage.flags.some(flag => flag.startsWith('unknown-field:'))
  const units = fastUnits(usage, table, dearest)
  return units <= Number.MAX_SAFE_INTEGER ? nanoOf(units) : nanoOfExact(exactUnits(usage, table, dearest))
}

/** Integer nano-USD of a safe number of units (hundredths of a pico-USD), rounded up. */
export function nanoOf(units: number): number {
  const rest = units % unitsPerNano
  return (units - rest) / unitsPerNano + (rest > 0 ? 1 : 0)
}

/** The same of any number of units. @throws RangeError when the result is no safe integer. */
export function nanoOfExact(units: bigint): number {
  const nano = Number((units + BigInt(unitsPerNano - 1)) / BigInt(unitsPerNano))
  if (!Number.isSafeInteger(nano))
    throw new RangeError(`a cost of ${nano} nano-USD is more than a safe integer holds: check max_tokens and the rates`)
  return nano
}

/** Units of a fee given in nano-USD. */
export const unitsOfNano = (nano: number): number => nano * unitsPerNano

// Terms are never negative: when the sum is a safe integer, every product in it was exact.
function fastUnits(usage: ModelUsage, table: PriceTable, dearest: boolean): number {
  let units = feesOf(usage, table) * unitsPerNano
  if (usage.iterations.length === 0) return units + lineUnits(usage.tokens, termsOf(usage, usage.model, usage.tokens, table, dearest))
  for (const { model, tokens } of usage.iterations) units += lineUnits(tokens, termsOf(usage, model, tokens, table, dearest))
  return units
}

function lineUnits(tokens: TokenUsage, { rates: r, percent }: Terms): number {
  return (
    (tokens.input * r.input +
      tokens.output * r.output +
      tokens.cacheRead * r.cacheRead +
      tokens.cacheWrite5m * r.cacheWrite5m +
      tokens.cacheWrite1h * r.cacheWrite1h) *
    percent
  )
}

function exactUnits(usage: ModelUsage, table: PriceTable, dearest: boolean): bigint {
  const lines = usage.iterations.length === 0 ? [{ model: usage.model, tokens: usage.tokens }] : usage.iterations
  return lines.reduce(
    (sum, { model, tokens }) => {
      const { rates, percent } = termsOf(usage, model, tokens, table, dearest)
      return sum + rateNames.reduce((line, name) => line + BigInt(tokens[name]) * BigInt(rates[name]), 0n) * BigInt(percent)
    },
    BigInt(feesOf(usage, table)) * BigInt(unitsPerNano),
  )
}

interface Terms {
  readonly rates: Rates
  /** Of the rates. */
  readonly percent: number
}

function termsOf(usage: ModelUsage, model: string, tokens: TokenUsage, table: PriceTable, dearest: boolean): Terms {
  const index = indexOf(table)
  const price = index.models.get(model) ?? index.dearest
  if (dearest) return dearestTerms(price, usage)
  if (usage.speed === null && usage.inferenceGeo === null && usage.serviceTier === null && price.longContext === undefined)
    return { rates: price, percent: 100 }
  const speed = usage.speed === null || usage.speed === 'standard' ? undefined : fastTerms(price)
  const percent = ((speed?.percent ?? 100) * geographyPercent(price, usage) * tierPercent(usage)) / 10_000
  return { rates: speed?.rates ?? tierOf(price, tokens), percent: Math.ceil(percent) }
}

// The rule of 600 % is for answers that say they were fast: charging it for every odd field would make them all unaffordable.
function dearestTerms(price: ModelPrice, { speed }: ModelUsage): Terms {
  const fast = speed === null || speed === 'standard' ? { rates: price.fast ?? price.longContext ?? price, percent: 100 } : fastTerms(price)
  return { rates: fast.rates, percent: Math.ceil(((price.usPercent ?? 100) * fast.percent) / 100) }
}

/** Rates and percentage of a model at its fast speed: its own, or 600 % of the dearest standard ones. */
export function fastTerms(price: ModelPrice): { readonly rates: Rates; readonly percent: number } {
  return price.fast ? { rates: price.fast, percent: 100 } : { rates: price.longContext ?? price, percent: fastPercent }
}

function tierOf(price: ModelPrice, t: TokenUsage): Rates {
  const long = price.longContext
  return long !== undefined && t.input + t.cacheRead + t.cacheWrite5m + t.cacheWrite1h > long.above ? long : price
}

// `global` and `not_available` (the model does not price geography) cost the plain rates; any place we do not know is charged like `us`.
function geographyPercent(price: ModelPrice, { inferenceGeo: geo }: ModelUsage): number {
  return geo === null || geo === 'global' || geo === 'not_available' ? 100 : (price.usPercent ?? 100)
}

function tierPercent(usage: ModelUsage): number {
  return usage.serviceTier === 'batch' ? batchPercent : 100
}

function feesOf({ serverTools: t }: ModelUsage, { fees }: PriceTable): number {
  const code = t.webSearch + t.webFetch > 0 ? 0 : t.codeExecution
  return t.webSearch * fees.webSearch + code * fees.codeExecution + t.other * Math.max(fees.webSearch, fees.codeExecution)
}

/**
 * A table with your own prices in it: `definePrices({ 'my-model': { input: 0, output: 100_000_000 } })`. Rates that are left out stay, where
 * `base` has the model and `input` is not given; else they follow from `input`: cacheWrite5m 1.25 x, cacheWrite1h 2 x, cacheRead 0.1 x. A
 * long-context tier of `base` that is left out changes as its base rates do; fast rates are dropped with new base rates. Limits that are left
 * out are the model's own where `base` has it, else the largest known (context window 1,000,000; output 128,000; image 4,784; tool prompt
 * 804), because each of them is an upper bound.
 * @throws TypeError for an unknown field, RangeError for a rate or limit that is no safe integer, and for a rate that looks like dollars.
 */
export function definePrices(
  overrides: Readonly<Record<string, ModelPriceInput>>,
  base: PriceTable = defaultPrices,
  version = `${base.version}+custom`,
): PriceTable {
  if (typeof overrides !== 'object' || overrides === null)
    throw new TypeError('prices: give an object of models, like { "my-model": { input: 3_000_000, output: 15_000_000 } }')
  const models: Record<string, ModelPrice> = { ...base.models }
  for (const [model, input] of Object.entries(overrides)) models[model] = complete(model, input, indexOf(base).models.get(model))
  return frozen({ ...base, version, models })
}

const limitDefaults = { contextWindow: 1_000_000, maxOutput: 128_000, imageTokens: 4784, toolPromptTokens: 804 } as const
const known = new Set<string>([
  ...rateNames,
  ...Object.keys(limitDefaults),
  'longContext',
  'fast',
  'usPercent',
  'thinksByDefault',
  'aliases',
])

function complete(model: string, given: ModelPriceInput, old: ModelPrice | undefined): ModelPrice {
  if (typeof given !== 'object' || given === null) throw new TypeError(`prices of "${model}": give { input, output } in pico-USD a token`)
  for (const key of Object.keys(given))
    if (!known.has(key)) throw new TypeError(`prices of "${model}": unknown field "${key}"; known are ${[...known].join(', ')}`)
  const kept = given.input === undefined && given.output === undefined ? old : withoutRates(old)
  const { longContext: tier, fast, aliases, ...numbers } = { ...limitDefaults, ...kept, ...defined(given) }
  const rates = ratesOf(model, { ...old, ...numbers }, given.input === undefined ? { ...old, ...defined(given) } : given)
  const longContext = tier ?? (old?.longContext && inProportion(old.longContext, old, rates))
  return {
    ...numbers,
    ...rates,
    ...(longContext
      ? {
          longContext: {
            ...ratesOf(model, longContext, longContext),
            above: validRate(longContext.above, `longContext.above of "${model}"`),
          },
        }
      : {}),
    ...(fast ? { fast: ratesOf(model, fast, fast) } : {}),
    ...(numbers.usPercent === undefined ? {} : { usPercent: validRate(numbers.usPercent, `usPercent of "${model}"`) }),
    ...limitsOf(model, numbers),
    ...(aliases ? { aliases: [...aliases] } : {}),
  }
}

// A model with a dearer tier keeps it when its base rates are others: without it, long prompts would be held and settled below their bill.
function inProportion(tier: NonNullable<ModelPrice['longContext']>, old: Rates, now: Rates): NonNullable<ModelPrice['longContext']> {
  const rate = (name: keyof Rates) => (old[name] === 0 ? Math.max(tier[name], now[name]) : Math.ceil(tier[name] * (now[name] / old[name])))
  return { ...(Object.fromEntries(rateNames.map(name => [name, rate(name)])) as unknown as Rates), above: tier.above }
}

// New base rates make the old derived ones and fast rates meaningless.
function withoutRates(old: ModelPrice | undefined): ModelPriceInput {
  if (old === undefined) return {}
  const { contextWindow, maxOutput, imageTokens, toolPromptTokens, usPercent, thinksByDefault, aliases } = old
  return defined({ contextWindow, maxOutput, imageTokens, toolPromptTokens, usPercent, thinksByDefault, aliases })
}

function ratesOf(model: string, main: Partial<Rates>, given: Partial<Rates>): Rates {
  const input = plausible(main.input, `input of "${model}"`)
  const rate = (name: keyof Rates, otherwise: number) => plausible(given[name] ?? otherwise, `${name} of "${model}"`, leastRate / 10)
  return {
    input,
    output: plausible(main.output, `output of "${model}"`),
    cacheRead: rate('cacheRead', Math.ceil(input / 10)),
    cacheWrite5m: rate('cacheWrite5m', Math.ceil((input * 5) / 4)),
    cacheWrite1h: rate('cacheWrite1h', input * 2),
  }
}

function limitsOf(model: string, given: Readonly<Record<keyof typeof limitDefaults, number>>): Record<keyof typeof limitDefaults, number> {
  const names = Object.keys(limitDefaults) as (keyof typeof limitDefaults)[]
  return Object.fromEntries(names.map(name => [name, validRate(given[name], `${name} of "${model}"`)])) as Record<
    keyof typeof limitDefaults,
    number
  >
}

function validRate(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 1e12) return value
  throw new RangeError(
    `${what} is ${String(value)}: give a whole number from 0 to 1e12; rates are pico-USD a token, so that $3 per million tokens is 3_000_000`,
  )
}

// Below a tenth of a cent for a million tokens: somebody has given dollars, and no budget would ever end.
const leastRate = 1_000

function plausible(value: unknown, what: string, least: number = leastRate): number {
  const rate = validRate(value, what)
  if (rate === 0 || rate >= least) return rate
  throw new RangeError(
    `${what} is ${rate} pico-USD a token, $${rate / 1e6} per million tokens; if $${rate} is meant, write usdPerMillion(${rate})`,
  )
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}
