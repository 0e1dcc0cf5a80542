import type { AccountNode } from './account-node.js'
import { Recent } from './recent.js'
import type { Hold, HoldState, UnitAmounts } from './types.js'

/** A hold with its account, open or ended, in one flat object. Open ones are linked, oldest first. */
export class HoldRecord implements UnitAmounts {
  readonly id: string
  readonly node: AccountNode
  readonly nanoUsd: number
  readonly tokens: number
  readonly forced: boolean
  readonly at: number
  state: HoldState = 'held'
  actualNanoUsd = 0
  actualTokens = 0
  certainty: Hold['certainty'] = undefined
  older: HoldRecord | undefined = undefined
  newer: HoldRecord | undefined = undefined

  constructor(id: string, node: AccountNode, { nanoUsd, tokens }: UnitAmounts, forced: boolean, at: number) {
    this.id = id
    this.node = node
    this.nanoUsd = nanoUsd
    this.tokens = tokens
    this.forced = forced
    this.at = at
  }

  /** Is it still counted? */
  get isOpen(): boolean {
    return this.state === 'held' || this.state === 'unknown'
  }

  get overran(): boolean {
    return this.state === 'settled' && (this.actualNanoUsd > this.nanoUsd || this.actualTokens > this.tokens)
  }

  get actual(): UnitAmounts | undefined {
    return this.state === 'settled' ? { nanoUsd: this.actualNanoUsd, tokens: this.actualTokens } : undefined
  }

  /** A copy for the outside. */
  toHold(): Hold {
    const { id, state, nanoUsd, tokens, actual, overran, forced, certainty, at } = this
    return { id, account: this.node.id, state, reserved: { nanoUsd, tokens }, actual, overran, forced, certainty, at }
  }
}

/** All open holds and the last ended ones, by id, in constant time. */
export class HoldBook {
  readonly #records = new Map<string, HoldRecord>()
  readonly #ended: Recent<string>
  #oldest: HoldRecord | undefined
  #newest: HoldRecord | undefined

  constructor(keepEnded: number) {
    this.#ended = new Recent(keepEnded)
  }

  find(id: string): HoldRecord | undefined {
    return this.#records.get(id)
  }

  add(record: HoldRecord): void {
    record.older = this.#newest
    if (this.#newest) this.#newest.newer = record
    else this.#oldest = record
    this.#newest = record
    this.#records.set(record.id, record)
  }

  /** The hold is over: out of the open ones, remembered for a while. */
  end(record: HoldRecord): void {
    this.#unlink(record)
    const forgotten = this.#ended.push(record.id)
    if (forgotten !== undefined) this.#records.delete(forgotten)
  }

  oldest(): HoldRecord | undefined {
    return this.#oldest
  }

  /** Open holds, oldest first. */
  *open(): Generator<HoldRecord> {
    for (let at = this.#oldest; at; at = at.newer) yield at
  }

  #unlink(record: HoldRecord): void {
    const { older, newer } = record
    if (older) older.newer = newer
    else this.#oldest = newer
    if (newer) newer.older = older
    else this.#newest = older
    record.older = record.newer = undefined
  }
}
