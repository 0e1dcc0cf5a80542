import { formatUsd } from '../../ledger/money.js'
import type { Allocation, UnitAmounts } from '../../ledger/types.js'

export const usd = (nanoUsd: Allocation | undefined): string =>
  nanoUsd === undefined ? '' : nanoUsd === 'unlimited' ? 'unlimited' : `$${formatUsd(nanoUsd)}`

export const tokens = (count: Allocation | undefined): string =>
  count === undefined ? '' : count === 'unlimited' ? 'unlimited tokens' : `${count} tokens`

export const both = ({ nanoUsd, tokens: count }: UnitAmounts): string => `${usd(nanoUsd)}, ${tokens(count)}`

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** In its largest whole unit: `3 h`. */
export function age(ms: number): string {
  const [name, size] = units.find(([, each]) => ms >= each) ?? ['s', 1_000]
  return `${Math.floor(Math.max(0, ms) / size)} ${name}`
}

export const time = (at: number): string => new Date(at).toISOString()
