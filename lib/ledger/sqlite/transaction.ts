import type { AccountNode } from '../account-node.js'
import type { HoldRecord } from '../hold-book.js'
import type { DoneChange, Shelf } from '../memory-store.js'
import type { Entry } from '../types.js'
import { accountBody, accountOf, holdBody, holdOf, open, seal } from './bodies.js'
import type { Statements } from './statements.js'

/**
 * What the operations of one transaction are about: read from the file when it is asked for, once, and written back at the end where it has
 * changed. Between the two nobody else writes.
 */
export class Transaction implements Shelf {
  readonly #sql: Statements
  readonly #accounts = new Map<string, { readonly node: AccountNode; readonly was: string | undefined }>()
  readonly #holds = new Map<string, { readonly record: HoldRecord; readonly was: string | undefined }>()
  readonly #changes = new Map<string, DoneChange>()
  readonly #entries: Entry[] = []
  readonly seq: number

  constructor(sql: Statements) {
    this.#sql = sql
    this.seq = Number(sql.newestEntry.get()?.seq ?? 0)
  }

  readonly accounts: Shelf['accounts'] = {
    get: id => this.#account(id),
    set: (id, node) => {
      this.#accounts.set(id, { node, was: undefined })
      return this.accounts as never
    },
    delete: () => false,
    values: () => this.#everyAccount() as never,
  }

  readonly holds: Shelf['holds'] = {
    find: id => this.#hold(id),
    add: record => void this.#holds.set(record.id, { record, was: undefined }),
    end: () => {},
    open: () => this.#openHolds() as never,
    oldest: () => this.#openHolds()[0],
  }

  readonly changes: Shelf['changes'] = {
    get: id => this.#change(id),
    set: (id, change) => {
      this.#changes.set(id, change)
      this.#sql.addChange.run(id, ...sealed(`change ${id}`, change))
      return this.changes as never
    },
    delete: () => false,
  }

  push(entry: Entry): undefined {
    this.#entries.push(entry)
  }

  /** Writes what has changed. */
  flush(): void {
    for (const [id, { node, was }] of this.#accounts) {
      const now = seal(`account ${id}`, accountBody(node))
      if (was === undefined) this.#sql.addAccount.run(id, now.body, now.sum)
      else if (was !== now.body) this.#sql.setAccount.run(now.body, now.sum, id)
    }
    for (const [id, { record, was }] of this.#holds) {
      const now = seal(`hold ${id}`, holdBody(record))
      if (was === undefined) this.#sql.addHold.run(id, record.node.id, record.state, now.body, now.sum)
      else if (was !== now.body) this.#sql.setHold.run(record.state, now.body, now.sum, id)
    }
    for (const entry of this.#entries) this.#sql.addEntry.run(entry.seq, entry.account, ...sealed(`entry ${entry.seq}`, entry))
  }

  #account(id: string): AccountNode | undefined {
    const known = this.#accounts.get(id)
    if (known) return known.node
    const row = this.#sql.account.get(id)
    if (!row) return undefined
    const node = accountOf(id, open(`account ${id}`, row), parent => this.#account(parent))
    this.#accounts.set(id, { node, was: `${row.body}` })
    return node
  }

  #everyAccount(): readonly AccountNode[] {
    return this.#sql.accounts.all().map(({ id }) => this.#account(`${id}`)!)
  }

  #hold(id: string): HoldRecord | undefined {
    const known = this.#holds.get(id)
    if (known) return known.record
    const row = this.#sql.hold.get(id)
    if (!row) return undefined
    const body = open<Parameters<typeof holdOf>[1]>(`hold ${id}`, row)
    const record = holdOf(id, body, this.#account(body.account)!)
    this.#holds.set(id, { record, was: `${row.body}` })
    return record
  }

  #openHolds(): readonly HoldRecord[] {
    return this.#sql.openHolds.all().map(({ id }) => this.#hold(`${id}`)!)
  }

  #change(id: string): DoneChange | undefined {
    const known = this.#changes.get(id)
    if (known) return known
    const row = this.#sql.change.get(id)
    return row && open<DoneChange>(`change ${id}`, row)
  }
}

const sealed = (key: string, value: unknown): readonly [body: string, sum: string] => {
  const { body, sum } = seal(key, value)
  return [body, sum]
}
