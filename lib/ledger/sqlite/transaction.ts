import type { AccountNode } from '../account-node.js'
import type { HoldRecord } from '../hold-book.js'
import type { DoneChange, Shelf } from '../memory-store.js'
import type { Entry } from '../types.js'
import { accountBody, accountOf, damaged, holdBody, holdOf, idOf, keyOf, open, type Sealed, seal, textOf } from './bodies.js'
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
  readonly #entries: (Sealed & { readonly entry: Entry })[] = []
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
      const { body, sum } = seal(`change ${keyOf(id)}`, change)
      this.#sql.addChange.run(keyOf(id), body, sum)
      return this.changes as never
    },
    delete: () => false,
  }

  /** Whose detail is no JSON throws here, in its own operation, and not at the end of everyone's. */
  push(entry: Entry): undefined {
    this.#entries.push({ entry, ...seal(`entry ${entry.seq}`, entry) })
  }

  /** Writes what has changed. */
  flush(): void {
    for (const [id, { node, was }] of this.#accounts) this.#writeAccount(keyOf(id), node, was)
    for (const [id, { record, was }] of this.#holds) this.#writeHold(keyOf(id), record, was)
    for (const { entry, body, sum } of this.#entries) this.#sql.addEntry.run(entry.seq, keyOf(entry.account), body, sum)
  }

  #writeAccount(key: string, node: AccountNode, was: string | undefined): void {
    const { body, sum } = seal(`account ${key}`, accountBody(node))
    if (was === undefined) this.#sql.addAccount.run(key, body, sum)
    else if (was !== body) this.#sql.setAccount.run(body, sum, key)
  }

  #writeHold(key: string, record: HoldRecord, was: string | undefined): void {
    const { body, sum } = seal(`hold ${key}`, holdBody(record))
    if (was === undefined) this.#sql.addHold.run(key, keyOf(record.node.id), record.state, body, sum)
    else if (was !== body) this.#sql.setHold.run(record.state, body, sum, key)
  }

  #account(id: string): AccountNode | undefined {
    const known = this.#accounts.get(id)
    if (known) return known.node
    const row = this.#sql.account.get(keyOf(id))
    if (!row) return undefined
    const node = accountOf(id, open(`account ${keyOf(id)}`, row), parent => this.#written(this.#account(parent), `account ${parent}`))
    this.#accounts.set(id, { node, was: textOf(row.body) })
    return node
  }

  #everyAccount(): readonly AccountNode[] {
    return this.#sql.accounts.all().map(row => this.#written(this.#account(idOf(row.id)), 'an account'))
  }

  #hold(id: string): HoldRecord | undefined {
    const known = this.#holds.get(id)
    if (known) return known.record
    const row = this.#sql.hold.get(keyOf(id))
    if (!row) return undefined
    const body = open<Parameters<typeof holdOf>[1]>(`hold ${keyOf(id)}`, row)
    const record = holdOf(id, body, this.#written(this.#account(body.account), `account ${body.account}`))
    this.#holds.set(id, { record, was: textOf(row.body) })
    return record
  }

  #openHolds(): readonly HoldRecord[] {
    return this.#sql.openHolds.all().map(row => this.#written(this.#hold(idOf(row.id)), 'a hold'))
  }

  #change(id: string): DoneChange | undefined {
    const known = this.#changes.get(id)
    if (known) return known
    const row = this.#sql.change.get(keyOf(id))
    return row && open<DoneChange>(`change ${keyOf(id)}`, row)
  }

  /** What another row names must be there. */
  #written<Value>(value: Value | undefined, key: string): Value {
    if (value === undefined) throw damaged(key)
    return value
  }
}
