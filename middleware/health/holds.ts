import type { Host } from 'outrigger'
import { budgetAccount, type Hold } from 'outrigger/ledger'
import type { Finding } from './status.js'

/** Looks after the holds of the agent's account: one that nobody will end counts in full for ever. */
export class Holds {
  readonly #host: Host
  readonly #mostMs: number
  readonly #since: () => number | undefined
  #asking = false
  #findings: readonly Finding[] = []

  /** @param since - when the oldest running action began, wall time: a hold that is younger may be its own */
  constructor(host: Host, mostMs: number, since: () => number | undefined) {
    this.#host = host
    this.#mostMs = mostMs
    this.#since = since
  }

  /** What the books said when they were read last. */
  get findings(): readonly Finding[] {
    return this.#findings
  }

  /** Reads the books. Where they answer later, what they say is seen the next time. What cannot be read is the budget's own concern. */
  refresh(): void {
    if (this.#asking) return
    const holds = this.#read()
    if (!(holds instanceof Promise)) this.#judge(holds)
    else void this.#later(holds)
  }

  #read(): Promise<readonly Hold[]> | readonly Hold[] {
    const kept = budgetAccount.peek(this.#host)
    try {
      return kept?.ledger?.holds({ account: kept.account.id }) ?? []
    } catch {
      return []
    }
  }

  async #later(holds: Promise<readonly Hold[]>): Promise<void> {
    this.#asking = true
    try {
      this.#judge(await holds)
    } catch {
      // Asked again the next time.
    } finally {
      this.#asking = false
    }
  }

  #judge(holds: readonly Hold[]): void {
    this.#findings = holds.length === 0 ? [] : [...this.#old(holds), ...unknown(holds)]
  }

  *#old(holds: readonly Hold[]): Generator<Finding> {
    const now = this.#host.clock.now()
    const since = this.#since() ?? now
    const old = holds.find(({ state, at }) => now - at > this.#mostMs && (state === 'unknown' || at < since))
    if (!old) return
    const minutes = Math.floor((now - old.at) / 60_000)
    yield { signal: 'old-hold', text: `the oldest hold has been open for ${minutes} minutes, and nothing runs for it` }
  }
}

function* unknown(holds: readonly Hold[]): Generator<Finding> {
  const count = holds.filter(({ state }) => state === 'unknown').length
  if (count > 0) yield { signal: 'unknown-hold', text: `${count} holds count in full until reconcile() decides them` }
}
