import type { AgentSnapshot, BudgetAmounts } from '../../server/types.js'

const steps = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const

/** `1,234` as `1.2k`: at most 6 characters. */
export function short(count: number): string {
  const [step, unit] = steps.find(([least]) => count >= least) ?? [1, '']
  return unit === '' ? `${count}` : `${cut(count / step)}${unit}`
}

/** Never rounded up: `999,999` is `999k`. */
const cut = (figure: number): string => (figure < 100 ? (Math.floor(figure * 10) / 10).toFixed(1) : `${Math.floor(figure)}`)

/** Nano-USD as `$0.1234`, from 100 USD on as `$123.45`; what is left is never shown as more than it is. */
export function usd(nanoUsd: number): string {
  const places = Math.abs(nanoUsd) < 1e11 ? 4 : 2
  const sign = nanoUsd < 0 ? '-' : ''
  return `${sign}$${(Math.floor(Math.abs(nanoUsd) / 10 ** (9 - places)) / 10 ** places).toFixed(places)}`
}

/** What is left of a budget: `-` without one, `∞` without a cap. */
export function left(budget: BudgetAmounts | 'unlimited' | null): string {
  if (budget === null) return '-'
  return budget === 'unlimited' ? '∞' : usd(budget.remaining)
}

/** A share of 0 to 1. */
export const percent = (share: number | null): string => (share === null ? '-' : `${Math.round(share * 100)}%`)

/** Every token, whatever its price. */
export function tokensOf({ tokenUsage }: Pick<AgentSnapshot, 'tokenUsage'>): number {
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = tokenUsage
  return input + output + cacheRead + cacheWrite5m + cacheWrite1h
}
