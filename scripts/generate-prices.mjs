#!/usr/bin/env node
// Writes lib/claude/price-table.ts. A maintenance-time job: nothing of it runs in a release.
//   npm i --prefix SCRATCH @pydantic/genai-prices@0.1.8
//   node scripts/generate-prices.mjs SCRATCH/node_modules/@pydantic/genai-prices 2026-11-20 && npx biome check --write lib/claude/price-table.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = resolve(process.argv[2] ?? 'node_modules/@pydantic/genai-prices')
const date = process.argv[3] ?? new Date().toISOString().slice(0, 10)
const { findProvider } = await import(pathToFileURL(join(source, 'dist/index.js')).href)
const sourceVersion = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')).version

// The models that the SDK names, exact ids; the package's own matcher takes made-up ids by prefix, so only its `id` and `equals` count here.
const listed = Object.fromEntries(findProvider({ providerId: 'anthropic' }).models.map(model => [model.id, model]))
const today = prices =>
  Array.isArray(prices) ? prices.filter(p => !p.constraint || p.constraint.start_date <= date).at(-1).prices : prices
const pico = usdPerMillion => Math.round(usdPerMillion * 1e6)
const base = value => (typeof value === 'number' ? value : value.base)
const keys = {
  input: 'input_mtok',
  output: 'output_mtok',
  cacheRead: 'cache_read_mtok',
  cacheWrite5m: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
}
const pick = (prices, of) => Object.fromEntries(Object.entries(keys).map(([ours, theirs]) => [ours, pico(of(prices[theirs]))]))

const fromPackage = id => {
  const model = listed[id]
  if (!model) throw new Error(`${id} is not in genai-prices: give its rates by hand, with their source`)
  const prices = today(model.prices)
  const tier = typeof prices.input_mtok === 'object' ? prices.input_mtok.tiers[0] : undefined
  return {
    ...pick(prices, base),
    ...(tier ? { longContext: { above: tier.start, ...pick(prices, value => value.tiers[0].price) } } : {}),
    contextWindow: model.context_window,
    source: `genai-prices ${sourceVersion}`,
  }
}
const byHand = (source, input, output, cacheWrite5m, cacheWrite1h, cacheRead, longContext) => ({
  input: pico(input),
  output: pico(output),
  cacheRead: pico(cacheRead),
  cacheWrite5m: pico(cacheWrite5m),
  cacheWrite1h: pico(cacheWrite1h),
  ...(longContext ? { longContext } : {}),
  contextWindow: 1_000_000,
  source,
})
const fast = (input, output, cacheRead) => ({
  input: pico(input),
  output: pico(output),
  cacheRead: pico(cacheRead),
  cacheWrite5m: pico(input * 1.25),
  cacheWrite1h: pico(input * 2),
})

const pricingPage = 'platform.claude.com/docs/en/about-claude/pricing (copy of 2026-09-26)'
// Images: 28 x 28 px a token, at most 4,784 (Claude 4.7 and later), 1,568 before, of which the older "about 1,600" is the safe reading: platform.claude.com/docs/en/build-with-claude/vision.
// Hidden tool prompt: the dearer of auto and any, same pricing page; 804, the largest published, where a model's own figure was not found.
const modern = { imageTokens: 4784, toolPromptTokens: 804, maxOutput: 128_000, usPercent: 110 }
// Adaptive thinking without being asked for: the models' overview pages ("on by default", "always on"), Claude 5 and later.
const thinks = { thinksByDefault: true }
const models = {
  'claude-fable-5-2': {
    ...byHand('claude-fable-5-2 overview, models overview page; cache rates: archid21/rightsize v0.10.2, 2026-11', 8, 40, 10, 16, 0.2),
    ...modern,
    ...thinks,
  },
  'claude-fable-5-1': { ...fromPackage('claude-fable-5-1'), ...modern, ...thinks },
  'claude-fable-5': { ...fromPackage('claude-fable-5'), ...modern, ...thinks },
  'claude-mythos-5-1': { ...byHand(pricingPage, 10, 50, 12.5, 20, 0.25), ...modern, ...thinks },
  'claude-mythos-5': { ...byHand(pricingPage, 10, 50, 12.5, 20, 1), ...modern, ...thinks },
  'claude-opus-5-5': { ...fromPackage('claude-opus-5-5'), ...modern, ...thinks, fast: fast(8, 40, 0.4) },
  'claude-opus-5': { ...fromPackage('claude-opus-5'), ...modern, ...thinks, fast: fast(10, 50, 1) },
  'claude-opus-4-8': { ...fromPackage('claude-opus-4-8'), ...modern, toolPromptTokens: 410, fast: fast(10, 50, 1) },
  'claude-opus-4-7': { ...fromPackage('claude-opus-4-7'), ...modern },
  'claude-opus-4-6': { ...fromPackage('claude-opus-4-6'), ...modern, imageTokens: 1600, toolPromptTokens: 589 },
  'claude-opus-4-5': {
    ...fromPackage('claude-opus-4-5'),
    imageTokens: 1600,
    toolPromptTokens: 588,
    maxOutput: 64_000,
    aliases: ['claude-opus-4-5-20251101'],
  },
  'claude-sonnet-5-5': {
    ...byHand('claude-sonnet-5-5 overview; cache read since 2026-10-07: claude-haiku-5-5 overview, note on prices', 2, 10, 2.5, 4, 0.1),
    ...modern,
    ...thinks,
  },
  'claude-sonnet-5': { ...fromPackage('claude-sonnet-5'), ...modern, ...thinks, toolPromptTokens: 474 },
  'claude-sonnet-4-6': { ...fromPackage('claude-sonnet-4-6'), ...modern, imageTokens: 1600, toolPromptTokens: 589 },
  'claude-sonnet-4-5': {
    ...fromPackage('claude-sonnet-4-5'),
    imageTokens: 1600,
    toolPromptTokens: 588,
    maxOutput: 64_000,
    aliases: ['claude-sonnet-4-5-20250929'],
  },
  'claude-haiku-5-5': {
    ...byHand('platform.claude.com/docs/en/models/haiku-5-5/overview', 0.1, 0.5, 0.125, 0.2, 0.01, {
      above: 100_000,
      input: pico(0.5),
      output: pico(2.5),
      cacheRead: pico(0.05),
      cacheWrite5m: pico(0.625),
      cacheWrite1h: pico(1),
    }),
    ...modern,
    ...thinks,
  },
  'claude-haiku-4-5': {
    ...fromPackage('claude-haiku-4-5'),
    imageTokens: 1600,
    toolPromptTokens: 588,
    maxOutput: 64_000,
    aliases: ['claude-haiku-4-5-20251001'],
  },
}

const number = n => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '_')
const show = value => {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return number(value)
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value === 'string') return `'${value}'`
  return `{ ${Object.entries(value)
    .map(([key, v]) => `${key}: ${show(v)}`)
    .join(', ')} }`
}
const rows = Object.entries(models).map(([id, { source, ...price }]) => `  // ${source}\n  '${id}': ${show(price)},`)
writeFileSync(
  join(root, 'lib/claude/price-table.ts'),
  `// Generated by scripts/generate-prices.mjs: do not edit. Prices as of ${date}, from @pydantic/genai-prices ${sourceVersion} (MIT) where it has the model,
// else from the page named above the row. Rates are integer pico-USD a token: $1 per million tokens is 1_000_000.
// Not listed, because no rate was found: claude-mythos-5-2, claude-mythos-preview. Fast mode, geography, images, tool prompts: ${pricingPage}.
import type { ModelPrice } from './prices.js'

/** The day this table was made; it names the table in every ledger entry. */
export const priceTableVersion = '${date}'

/** Rates and limits by exact model id. */
export const priceTable: Readonly<Record<string, ModelPrice>> = {
${rows.join('\n')}
}
`,
)
