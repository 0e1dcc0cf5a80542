import { Balance, overflows, readingOf, shortfallOf } from './balance.js'
import type { AccountReading, AccountSpec, Allocation, DelegationSpec, Refusal, RefusalCode, Shortfall, UnitAmounts } from './types.js'

/** An account in memory: one balance a unit. */
export class AccountNode {
  readonly id: string
  readonly parent: AccountNode | undefined
  readonly window: string | undefined
  /** How it was opened, to tell a repeated opening from another one. */
  readonly opening: { readonly delegated: boolean; readonly nanoUsd: Allocation; readonly tokens: Allocation }
  readonly nanoUsd: Balance
  readonly tokens: Balance
  fence: number
  version = 0
  closed = false
  returned: UnitAmounts = { nanoUsd: 0, tokens: 0 }

  constructor(spec: AccountSpec | DelegationSpec, parent: AccountNode | undefined, delegated: boolean) {
    const { id, nanoUsd = 'unlimited', tokens = 'unlimited' } = spec
    this.id = id
    this.parent = parent
    this.window = spec.window
    this.fence = spec.fence ?? 0
    this.opening = { delegated, nanoUsd, tokens }
    this.nanoUsd = new Balance(id, 'nanoUsd', nanoUsd, parent?.nanoUsd, delegated && nanoUsd !== 'unlimited')
    this.tokens = new Balance(id, 'tokens', tokens, parent?.tokens, delegated && tokens !== 'unlimited')
  }

  /** Why nothing new may start here: the account, or one above it, has ended. */
  closedAt(): string | undefined {
    for (let at: AccountNode | undefined = this; at; at = at.parent) if (at.closed) return at.id
    return undefined
  }

  shortfall(amounts: UnitAmounts): Shortfall | undefined {
    return shortfallOf(this.nanoUsd, amounts.nanoUsd) ?? shortfallOf(this.tokens, amounts.tokens)
  }

  overflows(more: UnitAmounts): boolean {
    return overflows(this.nanoUsd, more.nanoUsd) || overflows(this.tokens, more.tokens)
  }

  /** How an opening with this spec differs from how the account was opened. */
  differsFrom(other: AccountNode): RefusalCode | undefined {
    if (other.opening.delegated !== this.opening.delegated) return 'exists_with_different_flags'
    if (other.parent?.id !== this.parent?.id) return 'exists_with_different_parent'
    if (other.window !== this.window) return 'exists_with_different_window'
    const same = other.opening.nanoUsd === this.opening.nanoUsd && other.opening.tokens === this.opening.tokens
    return same ? undefined : 'exists_with_different_amount'
  }

  reading(): AccountReading {
    const { id, window, closed, version, fence } = this
    return { id, parent: this.parent?.id, window, closed, version, fence, nanoUsd: readingOf(this.nanoUsd), tokens: readingOf(this.tokens) }
  }
}

/** A refusal as a value. */
export function refusal(code: RefusalCode, account: string, more?: Pick<Refusal, 'shortfall' | 'hold'>): Refusal {
  return { ok: false, code, account, ...more }
}
