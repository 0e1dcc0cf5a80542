import type { SidecarEvent } from '../../core/types.js'

/** Violations of one rule. */
export interface RuleCount {
  readonly ruleId: string
  readonly response: string
  readonly shadow: boolean
  readonly count: number
}

/** Counts what a run comes to, from its events: what layers keep is bounded, and an account may be older than the run. */
export class Tally {
  #nanoUsd = 0
  #unpriced = 0
  readonly #rules = new Map<string, RuleCount>()

  /** Integer nano-USD of every attempt that has a price. */
  get nanoUsd(): number {
    return this.#nanoUsd
  }

  /** Attempts that were sent and have no known price. */
  get unpriced(): number {
    return this.#unpriced
  }

  get violations(): readonly RuleCount[] {
    return [...this.#rules.values()].sort((a, b) => b.count - a.count)
  }

  hear(event: SidecarEvent): void {
    if (event.type === 'attempt.ended') this.#paid(event)
    else if (event.type === 'violation' && event.child === undefined) this.#violated(event)
  }

  #paid({ kind, attempt: { nanoUsd, outcome } }: SidecarEvent & { type: 'attempt.ended' }): void {
    if (kind !== 'model') return
    if (nanoUsd !== undefined) this.#nanoUsd += nanoUsd
    else if (outcome.sent) this.#unpriced++
  }

  #violated({ ruleId, response, shadow }: SidecarEvent & { type: 'violation' }): void {
    const key = `${ruleId} ${response} ${shadow}`
    const count = (this.#rules.get(key)?.count ?? 0) + 1
    this.#rules.set(key, { ruleId, response, shadow, count })
  }
}
