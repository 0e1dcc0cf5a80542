import { UnboundedRequestError } from '../core/errors.js'
import type { ModelAction } from '../core/types.js'
import {
  defaultPrices,
  fastTerms,
  findPrice,
  type ModelPrice,
  nanoOf,
  nanoOfExact,
  type PriceTable,
  type Rates,
  unitsOfNano,
} from './prices.js'
import { serverRounds } from './request-features.js'
import { RequestWeight } from './request-weight.js'

export { boundTable } from './request-features.js'

/** The most a request can cost, whatever the answer is. */
export interface Bound {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Input and output together. */
  readonly tokens: number
  /** Integer nano-USD, at the dearest rates that can apply. */
  readonly nanoUsd: number
  readonly model: string
  /** How often the model may be run to answer it: 1 unless the server has tools, compaction or fallbacks of its own. */
  readonly rounds: number
  /** Web searches that it may make. */
  readonly searches: number
  /** Fast rates were assumed. */
  readonly fast: boolean
  /** What it is made of, in the words of `boundTable`. The input may be less than the sum: it is at most the context window a round. */
  readonly parts: readonly { readonly feature: string; readonly tokens: number; readonly nanoUsd?: number }[]
}

/**
 * An upper bound of what a request will cost, from the request alone: `boundTable` has the rules. It never sends anything.
 * @throws UnboundedRequestError for what has no bound, UnknownModelError for a model without a price, RangeError when the cost is no safe integer.
 */
export function bound(action: Pick<ModelAction, 'model' | 'maxTokens' | 'request' | 'betas'>, prices: PriceTable = defaultPrices): Bound {
  const price = findPrice(prices, action.model)
  const weight = new RequestWeight().read(action.request)
  const maxTokens = outputLimit(weight.maxTokens, action.maxTokens)
  const plain = weight.fallbacks === undefined && weight.advisor === undefined && (action.request.model ?? action.model) === action.model
  const models = plain ? undefined : modelsOf(action, weight, prices)
  return new Sum(price, models, weight, maxTokens, prices, windowOf(action.betas ?? [])).bound(action.model)
}

/** The context window that a beta asks for, beyond the model's own. */
function windowOf(betas: readonly string[]): number {
  return betas.some(beta => beta.toLowerCase().startsWith('context-1m')) ? 1_000_000 : 0
}

function outputLimit(ofRequest: unknown, ofAction: number): number {
  const value = ofRequest ?? (ofAction === 0 ? undefined : ofAction)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || !(ofAction >= 0))
    throw new UnboundedRequestError({ feature: 'output without max_tokens', fix: 'set max_tokens to a whole number' })
  return Math.max(value, ofAction)
}

function modelsOf(action: Pick<ModelAction, 'model' | 'request'>, weight: RequestWeight, prices: PriceTable): ModelPrice[] {
  const sent = action.request.model
  const names = [
    action.model,
    ...(typeof sent === 'string' ? [sent] : []),
    ...(weight.fallbacks ?? []).map(f => f.model),
    ...(weight.advisor ? [weight.advisor.model] : []),
  ]
  return names.map(name => findPrice(prices, name))
}

class Sum {
  readonly rounds: number
  readonly window: number
  readonly inputTokens: number
  readonly outputTokens: number

  constructor(
    readonly price: ModelPrice,
    readonly models: readonly ModelPrice[] | undefined,
    readonly weight: RequestWeight,
    readonly maxTokens: number,
    readonly prices: PriceTable,
    longWindow: number,
  ) {
    this.window = Math.max(
      longWindow,
      this.most(p => p.contextWindow),
    )
    this.rounds = this.countRounds()
    this.inputTokens = this.rounds > 1 ? this.rounds * this.window : this.oneInput()
    this.outputTokens = this.countOutput()
  }

  bound(model: string): Bound {
    const { weight, inputTokens, outputTokens, rounds } = this
    if (!Number.isSafeInteger(inputTokens + outputTokens))
      throw new RangeError(
        `a bound of ${inputTokens + outputTokens} tokens is more than a safe integer holds: check max_tokens and max_uses`,
      )
    const nanoUsd = this.nanoUsd()
    return {
      inputTokens,
      outputTokens,
      tokens: inputTokens + outputTokens,
      nanoUsd,
      model,
      rounds,
      searches: weight.searches,
      fast: weight.fast,
      parts: this.parts(),
    }
  }

  private most(of: (price: ModelPrice) => number): number {
    return this.models === undefined ? of(this.price) : Math.max(...this.models.map(of))
  }

  // Every attempt runs all rounds, each of which may be preceded by a compaction; an advisor is asked besides.
  private countRounds(): number {
    const { weight } = this
    return this.attempts() * (this.sampling() * (1 + weight.compactions) + weight.advisorUses)
  }

  private attempts(): number {
    return 1 + (this.weight.fallbacks?.length ?? 0)
  }

  private sampling(): number {
    return 1 + this.weight.toolRounds()
  }

  private oneInput(): number {
    const { weight } = this
    return weight.windows === undefined ? Math.min(this.inline(), this.window) : this.window
  }

  private inline(): number {
    const w = this.weight.weights
    const toolPrompt = this.weight.hasTools ? this.most(p => p.toolPromptTokens) : 0
    const images = this.weight.images === 0 ? 0 : this.weight.images * this.most(p => p.imageTokens)
    return w.text + w.system + w.tools + w.tool_use + w.tool_result + w.thinking + w.document + w.output_config + toolPrompt + images
  }

  private countOutput(): number {
    const { weight, maxTokens } = this
    let output = maxTokens
    for (const fallback of weight.fallbacks ?? []) output += fallback.maxTokens ?? maxTokens
    if (weight.compactions > 0) output += this.attempts() * this.sampling() * weight.compactions * this.most(p => p.maxOutput)
    if (weight.advisor) output += this.attempts() * weight.advisorUses * (weight.advisor.maxTokens ?? this.most(p => p.maxOutput))
    return output
  }

  private nanoUsd(): number {
    const input = this.most(p => this.unitRate(p, r => this.inputRate(r)))
    const output = this.most(p => this.unitRate(p, r => r.output))
    const units = this.inputTokens * input + this.outputTokens * output + unitsOfNano(this.fees())
    if (units <= Number.MAX_SAFE_INTEGER) return nanoOf(units)
    return nanoOfExact(
      BigInt(this.inputTokens) * BigInt(input) + BigInt(this.outputTokens) * BigInt(output) + BigInt(this.fees()) * BigInt(unitsOfNano(1)),
    )
  }

  // A rate of one model in hundredths of a pico-USD, at the tier, speed and place that can apply.
  private unitRate(price: ModelPrice, of: (rates: Rates) => number): number {
    const geo = this.weight.geo === 'global' ? 100 : (price.usPercent ?? 100)
    const standard = Math.max(of(price), of(this.tier(price))) * geo
    if (!this.weight.fast) return standard
    const fast = fastTerms(price)
    return Math.max(standard, of(fast.rates) * Math.ceil((fast.percent * geo) / 100))
  }

  private tier(price: ModelPrice): Rates {
    const perRound = this.rounds > 1 ? this.window : this.inputTokens
    return price.longContext !== undefined && perRound > price.longContext.above ? price.longContext : price
  }

  private inputRate(r: Rates): number {
    const caching = this.weight.cachesByItself ? 2 : this.weight.caching
    if (caching === 0) return r.input
    return Math.max(r.input, r.cacheRead, r.cacheWrite5m, caching === 2 ? r.cacheWrite1h : 0)
  }

  private fees(): number {
    const { fees } = this.prices
    const codeRuns = this.weight.codeExecution || this.weight.dynamic ? serverRounds : 0
    return this.weight.searches * fees.webSearch + codeRuns * fees.codeExecution
  }

  private parts(): Bound['parts'] {
    const { weight } = this
    const parts: { feature: string; tokens: number; nanoUsd?: number }[] = []
    for (const feature in weight.weights) {
      const tokens = weight.weights[feature as keyof typeof weight.weights]
      if (tokens > 0) parts.push({ feature, tokens })
    }
    if (weight.hasTools) parts.push({ feature: 'tool prompt', tokens: this.most(p => p.toolPromptTokens) })
    if (weight.images > 0) parts.push({ feature: 'image', tokens: weight.images * this.most(p => p.imageTokens) })
    for (const feature in weight.windows) parts.push({ feature, tokens: this.window })
    if (this.rounds > 1) parts.push({ feature: 'rounds', tokens: this.inputTokens })
    if (this.fees() > 0) parts.push({ feature: 'fees', tokens: 0, nanoUsd: this.fees() })
    parts.push({ feature: 'output', tokens: this.outputTokens })
    return parts
  }
}
