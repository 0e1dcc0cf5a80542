import type { Account } from './account.js'
import { formatUsd } from './money.js'
import type { Allocation, Amounts } from './types.js'

/** What is said of one unit. */
interface Tongue {
  readonly amount: (amount: number) => string
  readonly none: string
}

const nanoUsdInCent100 = 100_000

/** Down to a hundredth of a cent. */
const dollars = (nanoUsd: number): string => `$${formatUsd(nanoUsd - (nanoUsd % nanoUsdInCent100))}`
const usd: Tongue = { amount: dollars, none: 'dollars without a cap' }
const tokens: Tongue = { amount: count => `${count} tokens`, none: 'tokens without a cap' }

/**
 * What an account has left, as one English line to tell its agent: the same for the same figures, and never more than there is, at the account and
 * above it. For the prompt of an agent, where you put it there: nothing does so by itself.
 */
export function balanceLine(account: Pick<Account, 'amounts' | 'available'>): string {
  const [amounts, available] = [account.amounts(), account.available()]
  return `Budget: ${left(amounts.nanoUsd, available.nanoUsd, usd)}; ${left(amounts.tokens, available.tokens, tokens)}.`
}

function left(amounts: Amounts | 'unlimited', available: Allocation, { amount, none }: Tongue): string {
  if (amounts === 'unlimited') return available === 'unlimited' ? none : `${amount(available)} left`
  const { allocated, spent, held, delegated, remaining } = amounts
  const most = Math.max(0, available === 'unlimited' ? remaining : Math.min(remaining, available))
  return `${amount(most)} left of ${amount(allocated)} (${used({ spent, held, delegated }, amount)})`
}

const words = { spent: 'spent', held: 'held for calls in flight', delegated: 'set aside for others' } as const

function used(amounts: Readonly<Record<keyof typeof words, number>>, amount: (amount: number) => string): string {
  const said = (Object.keys(words) as (keyof typeof words)[]).filter(name => name === 'spent' || amounts[name] > 0)
  return said.map(name => `${amount(amounts[name])} ${words[name]}`).join(', ')
}
