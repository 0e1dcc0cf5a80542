import { randomUUID } from 'node:crypto'
import { ConfigError } from '../../core/errors.js'
import type { Account } from '../../ledger/account.js'
import type { Ledger } from '../../ledger/create-ledger.js'
import type { AccountSpec, UnitAllocations } from '../../ledger/types.js'

/** The accounts of one companion: which agent draws on which. */
export class AgentAccounts {
  readonly #ledger: Ledger
  readonly #users = new Map<string, { readonly account: string; readonly caps: UnitAllocations }>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** The books as the budget of one agent sees them. */
  async of(agent: string, account: string): Promise<AgentBooks> {
    // An account is opened as it was at first, and then has the caps of now.
    const [first] = (await this.#ledger.history({ account, limit: 1 })).entries
    const opened = first?.op === 'open' ? { nanoUsd: first.nanoUsd ?? 'unlimited', tokens: first.tokens ?? 'unlimited' } : {}
    return new AgentBooks(this.#ledger, { id: account, opened, claim: caps => this.#claim(agent, account, caps) })
  }

  /** The agent draws on nothing any more. */
  leave(agent: string): void {
    this.#users.delete(agent)
  }

  /** @throws ConfigError when another agent draws on it under other caps: one of the two budgets would not be what it says */
  #claim(agent: string, account: string, caps: UnitAllocations): void {
    for (const [name, other] of this.#users)
      if (name !== agent && other.account === account && (other.caps.nanoUsd !== caps.nanoUsd || other.caps.tokens !== caps.tokens))
        throw new ConfigError(
          `the account "${account}" is that of "${name}" too, with another budget; give both the same, or another account`,
        )
    this.#users.set(agent, { account, caps })
  }
}

interface Ground {
  readonly id: string
  readonly opened: Partial<UnitAllocations>
  readonly claim: (caps: UnitAllocations) => void
}

/** One agent's way into the shared books. */
export class AgentBooks {
  /** For the budget of the agent. */
  readonly ledger: Ledger
  readonly #store: Ledger['store']
  readonly #ground: Ground
  #asked: { readonly account: Account; readonly caps: UnitAllocations } | undefined

  constructor(ledger: Ledger, ground: Ground) {
    this.ledger = { ...ledger, account: spec => this.#account(ledger, spec) }
    this.#store = ledger.store
    this.#ground = ground
  }

  /** Opens the account, with the caps that the budget asks for: what it shows is true from the start. @throws ConfigError where it cannot be opened */
  async open(): Promise<void> {
    if (!this.#asked) return
    const { account, caps } = this.#asked
    this.#ground.claim(caps)
    await account.open()
    const { nanoUsd, tokens } = await account.read()
    if (nanoUsd.allocated === caps.nanoUsd && tokens.allocated === caps.tokens) return
    const answer = await this.#store.adjust(account.id, { id: randomUUID(), ...caps })
    if (!answer.ok) throw new ConfigError(`the budget of the account "${account.id}" cannot be changed: ${answer.code}`)
    await account.read()
  }

  #account(ledger: Ledger, spec: AccountSpec): Account {
    if (spec.id !== this.#ground.id) return ledger.account(spec)
    const account = ledger.account({ ...spec, ...this.#ground.opened })
    this.#asked = { account, caps: { nanoUsd: spec.nanoUsd, tokens: spec.tokens } }
    return account
  }
}
