import type { Allocation, Amounts, Shortfall, Unit, UnitReading } from './types.js'

/** One unit of one account in memory. Balances of one unit form a tree of their own. */
export class Balance {
  readonly account: string
  readonly unit: Unit
  readonly parent: Balance | undefined
  /** Infinity: without a cap. */
  allocated: number
  spent = 0
  held = 0
  delegated = 0
  /** The allocation is set aside in the parent's `delegated`; otherwise spend and holds count at the parent. */
  drawn: boolean
  /** Was drawn, and what was left has gone back: the allocation is what is committed, no more. */
  returned = false

  constructor(account: string, unit: Unit, allocated: Allocation, parent: Balance | undefined, drawn: boolean) {
    this.account = account
    this.unit = unit
    this.allocated = allocated === 'unlimited' ? Number.POSITIVE_INFINITY : allocated
    this.parent = parent
    this.drawn = drawn
  }

  get committed(): number {
    return this.spent + this.held + this.delegated
  }

  get remaining(): number {
    return this.allocated - this.committed
  }

  /** What a drawn balance takes up in its parent: its part, or what it has committed where that is more. */
  stakeWith(more: number): number {
    return Math.max(this.allocated, this.committed + more)
  }
}

/** Where `amount` does not fit: at the balance itself, or at an ancestor that would be (or is) over its cap. */
export function shortfallOf(balance: Balance, amount: number): Shortfall | undefined {
  if (amount === 0) return undefined
  let need = amount
  for (let at: Balance | undefined = balance; at; at = at.parent) {
    if (need > at.remaining) return shortfallAt(at, amount)
    if (at.drawn) need = at.stakeWith(need) - at.stakeWith(0)
  }
  return undefined
}

function shortfallAt({ account, unit, remaining, allocated, spent }: Balance, needed: number): Shortfall {
  return { account, unit, needed, remaining, allocated, spent }
}

/** Would `amount` more take a total, here or above, past what a safe integer holds? */
export function overflows(balance: Balance, amount: number): boolean {
  let need = amount
  for (let at: Balance | undefined = balance; at && need > 0; at = at.parent) {
    if (at.committed + need > Number.MAX_SAFE_INTEGER) return true
    if (at.drawn) need = at.stakeWith(need) - at.stakeWith(0)
  }
  return false
}

/** Books the change here and above: as it is through shared links, as a change of the stake through a drawn one. */
export function book(balance: Balance | undefined, spent: number, held: number, delegated: number): void {
  for (let at = balance; at; at = at.parent) {
    const stake = at.drawn ? at.stakeWith(0) : 0
    at.spent += spent
    at.held += held
    at.delegated += delegated
    if (at.returned) at.allocated = at.committed
    if (!at.drawn) continue
    delegated = at.stakeWith(0) - stake
    if (delegated === 0) return
    spent = held = 0
  }
}

/** Gives the rest of a drawn balance back to its parent and makes it a shared one. Returns what went back. */
export function giveBack(balance: Balance): number {
  if (!balance.drawn) return 0
  const rest = Math.max(0, balance.remaining)
  book(balance.parent, balance.spent, balance.held, balance.delegated - balance.stakeWith(0))
  balance.drawn = false
  balance.returned = true
  balance.allocated = balance.committed
  return rest
}

/** How much more (or less) the parent must set aside when the cap becomes `allocated`. */
export function growthOf(balance: Balance, allocated: number): number {
  return balance.drawn ? Math.max(allocated, balance.committed) - balance.stakeWith(0) : 0
}

/** Sets the cap, and what the parent sets aside for it. */
export function recap(balance: Balance, allocated: number): void {
  const growth = growthOf(balance, allocated)
  balance.allocated = allocated
  if (growth !== 0) book(balance.parent, 0, 0, growth)
}

const worded = (amount: number): Allocation => (amount === Number.POSITIVE_INFINITY ? 'unlimited' : amount)

function availableAt(balance: Balance): number {
  let least = balance.remaining
  let inside = balance.drawn
  for (let at = balance.parent; at; at = at.parent) {
    if (!inside) least = Math.min(least, at.remaining)
    else if (at.remaining < 0) return 0
    inside ||= at.drawn
  }
  return Math.max(0, least)
}

/** A copy for the outside. */
export function readingOf(balance: Balance): UnitReading {
  const { spent, held, delegated, drawn } = balance
  const source = drawn ? 'delegated' : 'shared'
  return {
    allocated: worded(balance.allocated),
    spent,
    held,
    delegated,
    remaining: worded(balance.remaining),
    available: worded(availableAt(balance)),
    source,
  }
}

/** The public figures of a reading. */
export function amountsOf({ allocated, spent, held, delegated, remaining }: UnitReading): Amounts | 'unlimited' {
  if (allocated === 'unlimited' || remaining === 'unlimited') return 'unlimited'
  return { allocated, spent, held, delegated, remaining }
}
