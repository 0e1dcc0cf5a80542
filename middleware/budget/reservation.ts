import type { Context, ModelAction, SendAction } from 'outrigger'
import { bound, type Calibration, countTokens, estimateTokens, opaqueInput, priceOf, type PriceTable, zeroUsage } from 'outrigger/claude'

/** What one attempt may cost at most, in both units of the ledger. */
export interface Need {
  readonly nanoUsd: number
  readonly tokens: number
}

/** What is asked for before an action. */
export interface Asked extends Need {
  /** The tokens that were estimated, to learn from. */
  readonly estimate?: number
  /** The most that it can cost, where that is more than what is asked for. */
  readonly most?: Need
}

/** Nothing is held for what has no bound: it counts when it is settled. */
export const unbounded: Asked = Object.freeze({
  nanoUsd: 0,
  tokens: 0,
  most: { nanoUsd: Number.POSITIVE_INFINITY, tokens: Number.POSITIVE_INFINITY },
})

/** What is left to reserve. */
export interface Room {
  readonly nanoUsd: number | 'unlimited'
  readonly tokens: number | 'unlimited'
}

/** count_tokens is right within 5 % (Anthropic calls it an estimate). */
const countMargin = 1.05

/** The upper bound of a model action. @throws UnknownModelError, UnboundedRequestError */
export function boundedNeed(action: ModelAction, prices: PriceTable): Need {
  const { nanoUsd, tokens } = bound(action, prices)
  return { nanoUsd, tokens }
}

/** The same with the input that count_tokens answers; `undefined` where a count fails, or says nothing of the whole bill. */
export async function countedNeed(ctx: Context, action: ModelAction, prices: PriceTable): Promise<Need | undefined> {
  const { rounds, searches } = bound(action, prices)
  const ask = countTokens.peek(ctx)
  if (!ask || rounds > 1 || searches > 0) return undefined
  const count = await ask().catch(() => undefined)
  if (ctx.signal.aborted) throw ctx.signal.reason
  return count === undefined ? undefined : withInput(action, prices, Math.ceil(count * countMargin))
}

/** The same with a learnt estimate of the input: usually enough, no promise. */
export async function calibratedNeed(action: ModelAction, prices: PriceTable, calibration: Calibration): Promise<Asked> {
  const estimate = await estimateTokens(action.request)
  const less = withInput(action, prices, calibration.calibrated(action.model, estimate))
  return { ...less, estimate, most: boundedNeed(action, prices) }
}

/** What a send by an agent with a client of its own is reserved with. */
export async function opaqueNeed(
  action: SendAction & { readonly opaque: NonNullable<SendAction['opaque']> },
  prices: PriceTable,
): Promise<Need> {
  const { model, maxTokens } = action.opaque
  const tokens = await opaqueInput(action.message)
  const zero = zeroUsage(model)
  const nanoUsd = priceOf({ ...zero, tokens: { ...zero.tokens, cacheWrite1h: tokens, output: maxTokens } }, prices)
  return { nanoUsd, tokens: tokens + maxTokens }
}

/** The largest lower `max_tokens` with which `need` fits into what is left; `undefined` when not even the least does. */
export function affordable(action: ModelAction, need: Need, left: Room, prices: PriceTable): number | undefined {
  const whole = boundedNeed(action, prices)
  const fixed = boundedNeed(limited(action, 0), prices)
  const less = Math.max(
    ...(['nanoUsd', 'tokens'] as const).map(unit => tokensToDrop(need[unit], left[unit], (whole[unit] - fixed[unit]) / action.maxTokens)),
  )
  const most = action.maxTokens - less
  return most >= action.minTokens ? most : undefined
}

/** `need` with a lower `max_tokens`: less by what the bound is less. */
export function narrowedNeed(action: ModelAction, need: Need, maxTokens: number, prices: PriceTable): Need {
  const whole = boundedNeed(action, prices)
  const part = boundedNeed(limited(action, maxTokens), prices)
  return { nanoUsd: need.nanoUsd - (whole.nanoUsd - part.nanoUsd), tokens: need.tokens - (whole.tokens - part.tokens) }
}

function tokensToDrop(need: number, left: number | 'unlimited', each: number): number {
  if (left === 'unlimited' || need <= left) return 0
  return Math.ceil((need - left) / each)
}

function limited(action: ModelAction, maxTokens: number): ModelAction {
  return { ...action, maxTokens, request: { ...action.request, max_tokens: maxTokens } }
}

/** The bound with fewer input tokens; its output stays. */
function withInput(action: ModelAction, prices: PriceTable, tokens: number): Need {
  const whole = bound(action, prices)
  const input = bound(limited(action, 0), prices).nanoUsd
  const fewer = Math.min(tokens, whole.inputTokens)
  const saved = whole.inputTokens === 0 ? 0 : Math.floor((input / whole.inputTokens) * (whole.inputTokens - fewer))
  return { nanoUsd: whole.nanoUsd - saved, tokens: whole.tokens - (whole.inputTokens - fewer) }
}
