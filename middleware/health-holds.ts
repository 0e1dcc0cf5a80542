import type { Host } from 'outrigger'
import { budgetAccount, type Hold } from 'outrigger/ledger'
import type { Finding } from './health-status.js'

/** Looks after the holds of the agent's account: one that nobody will end counts in full for ever. */
export class Holds {
  readonly #host: Host
  readonly #mostMs: number
  #holds: readonly Hold[] = []
  #asking = false

  constructor(host: Host, mostMs: number) {
    this.#host = host
    this.#mostMs = mostMs
  }

  /** Reads the books. Where they answer later, what they say is seen the next time. What cannot be read is the budget's own concern. */
  refresh(): void {
    const kept = budgetAccount.peek(this.#host)
    if (!kept?.ledger || this.#asking) return
    const answer = kept.ledger.holds({ account: kept.account.id })
    if (!(answer instanceof Promise)) {
      this.#holds = answer
      return
    }
    this.#asking = true
    answer
      .then(
        holds => {
          this.#holds = holds
        },
        () => {},
      )
      .finally(() => {
        this.#asking = false
      })
  }

  /** @param since - when the oldest running action began, wall time: a hold that is younger may be its own */
  *findings(now: number, since: number | undefined): Generator<Finding> {
    const old = this.#holds.find(({ state, at }) => now - at > this.#mostMs && (state === 'unknown' || at < (since ?? now)))
    if (old)
      yield { signal: 'old-hold', text: `the oldest hold has been open for ${minutes(now - old.at)} minutes, and nothing runs for it` }
    const unknown = this.#holds.filter(({ state }) => state === 'unknown').length
    if (unknown > 0) yield { signal: 'unknown-hold', text: `${unknown} holds count in full until reconcile() decides them` }
  }
}

function minutes(ms: number): number {
  return Math.floor(ms / 60_000)
}
