import type { Clock } from 'outrigger'
import type { AccountAnswer, AccountReading, Entry, LedgerStore, Unit, UnitAmounts } from 'outrigger/ledger'
import type { Promised } from './books.js'

/** An account at or below the one whose window slides. */
interface Node {
  readonly parent: Node | undefined
  /** Units that were set aside for it: what it spends of them counts above when it has ended. */
  readonly aside: readonly Unit[]
  readonly spent: Record<Unit, number>
  closed: boolean
}

const units: readonly Unit[] = ['nanoUsd', 'tokens']
const none = (): Record<Unit, number> => ({ nanoUsd: 0, tokens: 0 })

/** The settings of a {@link SlidingAllowance}. */
export interface SlidingSettings {
  readonly store: LedgerStore
  readonly account: string
  readonly windowMs: number
  readonly clock: Clock
}

/**
 * Gives back what was spent a window ago, by raising the account's cap by as much: what is left is then the cap less what was spent within the
 * window and what is held. Each entry of the history is given back once, whoever does it: its number is the change's id. What cannot be found
 * in the history any more is not given back. State: the entries that are still within the window.
 */
export class SlidingAllowance {
  readonly #settings: SlidingSettings
  readonly #nodes: Map<string, Node>
  readonly #within = new Map<number, UnitAmounts & { readonly at: number }>()
  readonly #aged = none()
  #seen = 0
  #running: Promise<void> | undefined

  constructor(settings: SlidingSettings) {
    this.#settings = settings
    this.#nodes = new Map([[settings.account, { parent: undefined, aside: [], spent: none(), closed: false }]])
  }

  /** What has been given back so far, as far as is known here. */
  get aged(): UnitAmounts {
    return this.#aged
  }

  /** Gives back what is due. Answers at once where the books do. */
  age(): Promised<void> {
    if (this.#running) return this.#running
    const { store } = this.#settings
    const history = store.history({ after: this.#seen })
    if (!(history instanceof Promise)) return this.#giveBackNow(history.entries)
    this.#running = history.then(({ entries }) => this.#giveBackLater(entries)).finally(() => (this.#running = undefined))
    return this.#running
  }

  #giveBackNow(entries: readonly Entry[]): void {
    const { store, account } = this.#settings
    this.#note(entries)
    for (const [seq, amounts] of this.#due()) {
      const reading = store.read(account) as AccountReading
      const answer = store.adjust(account, this.#raise(seq, amounts, reading)) as AccountAnswer
      if (isLater(answer)) return
      this.#done(seq)
    }
  }

  async #giveBackLater(entries: readonly Entry[]): Promise<void> {
    const { store, account } = this.#settings
    this.#note(entries)
    for (const [seq, amounts] of this.#due()) {
      const reading = await store.read(account)
      const answer = reading && (await store.adjust(account, this.#raise(seq, amounts, reading)))
      if (!answer || isLater(answer)) return
      this.#done(seq)
    }
  }

  #due(): (readonly [number, UnitAmounts])[] {
    const { clock, windowMs } = this.#settings
    const before = clock.now() - windowMs
    const due: (readonly [number, UnitAmounts])[] = []
    for (const [seq, spent] of this.#within) {
      if (spent.at > before) break
      due.push([seq, spent])
    }
    return due
  }

  #raise(seq: number, amounts: UnitAmounts, reading: AccountReading): { id: string; version: number; nanoUsd?: number; tokens?: number } {
    const raised = units.flatMap(unit => {
      const { allocated } = reading[unit]
      return allocated === 'unlimited' ? [] : [[unit, allocated + amounts[unit]]]
    })
    return { id: this.#changeId(seq), version: reading.version, ...Object.fromEntries(raised) }
  }

  #changeId(seq: number): string {
    return `${this.#settings.account}/aged/${seq}`
  }

  #done(seq: number): void {
    const amounts = this.#within.get(seq)
    if (!amounts) return
    this.#within.delete(seq)
    for (const unit of units) this.#aged[unit] += amounts[unit]
  }

  #note(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#seen = entry.seq
      if (entry.op === 'open' || entry.op === 'delegate') this.#opened(entry)
      else if (entry.op === 'return') this.#ended(entry)
      else if (entry.op === 'adjust') this.#changed(entry)
      else if (entry.op === 'settle' || entry.op === 'reconcile.settle') this.#spent(entry)
    }
  }

  #opened({ op, account, parent, ...caps }: Entry): void {
    const above = parent === undefined ? undefined : this.#nodes.get(parent)
    if (!above || this.#nodes.has(account)) return
    const aside = op === 'delegate' ? units.filter(unit => caps[unit] !== 'unlimited') : []
    this.#nodes.set(account, { parent: above, aside, spent: none(), closed: false })
  }

  #ended(entry: Entry): void {
    const node = this.#nodes.get(entry.account)
    if (!node?.parent || node.closed) return
    node.closed = true
    for (const unit of node.aside) this.#count(entry, node.parent, unit, node.spent[unit])
  }

  /** Given back already: by another process, or before a restart. */
  #changed({ account, id }: Entry): void {
    const prefix = this.#changeId(0).slice(0, -1)
    if (account === this.#settings.account && id.startsWith(prefix)) this.#done(Number(id.slice(prefix.length)))
  }

  #spent(entry: Entry): void {
    const node = this.#nodes.get(entry.account)
    if (node) for (const unit of units) this.#count(entry, node, unit, entry[unit] as number)
  }

  /** Counts an amount where it is spent: at the part that it comes out of, else here. */
  #count({ seq, at }: Entry, from: Node, unit: Unit, amount: number): void {
    let node: Node = from
    while (node.parent && (node.closed || !node.aside.includes(unit))) node = node.parent
    if (node.parent) node.spent[unit] += amount
    else this.#within.set(seq, { ...(this.#within.get(seq) ?? { at, ...none() }), [unit]: (this.#within.get(seq)?.[unit] ?? 0) + amount })
  }
}

/** The cap was changed in between: what is due is given back the next time. */
const isLater = (answer: AccountAnswer): boolean => !answer.ok && answer.code === 'version_mismatch'
