import assert from 'node:assert/strict'
import type {
  AccountAnswer,
  AccountReading,
  Allocation,
  Awaitable,
  Hold,
  HoldAnswer,
  HoldDone,
  LedgerStore,
  RefusalCode,
  ReserveRequest,
  ReturnAnswer,
  UnitReading,
} from '../../ledger/types.js'

/** One case of the contract: rejects when the store breaks it. */
export type Check = (books: Books) => Promise<void>

/** A store with short ways to say what a case does. */
export class Books {
  readonly store: LedgerStore

  constructor(store: LedgerStore) {
    this.store = store
  }

  async open(id: string, nanoUsd: Allocation = 1000, parent?: string, tokens: Allocation = 'unlimited'): Promise<void> {
    done(await this.store.openAccount({ id, parent, nanoUsd, tokens }))
  }

  async delegate(parent: string, id: string, nanoUsd: number): Promise<AccountAnswer> {
    return this.store.delegate({ id: parent }, { id, nanoUsd })
  }

  async reserve(account: string, id: string, nanoUsd: number, more: Partial<ReserveRequest> = {}): Promise<HoldAnswer> {
    return this.store.reserve({ id: account }, { id, nanoUsd, tokens: 0, ...more })
  }

  async settle(account: string, id: string, nanoUsd: number, tokens = 0): Promise<HoldAnswer> {
    return this.store.settle({ id: account }, { id, nanoUsd, tokens })
  }

  async release(account: string, id: string): Promise<HoldAnswer> {
    return this.store.release({ id: account }, { id })
  }

  async unknown(account: string, id: string): Promise<HoldAnswer> {
    return this.store.markUnknown({ id: account }, { id })
  }

  async end(id: string): Promise<ReturnAnswer> {
    return this.store.returnDelegation({ id })
  }

  async read(id: string): Promise<AccountReading> {
    const reading = await this.store.read(id)
    assert.ok(reading, `account ${id} is not there`)
    return reading
  }

  async figures(id: string): Promise<Figures> {
    return figures((await this.read(id)).nanoUsd)
  }

  async pay(account: string, id: string, nanoUsd: number): Promise<void> {
    held(await this.reserve(account, id, nanoUsd))
    held(await this.settle(account, id, nanoUsd))
  }
}

/** The four figures of one unit, in the order of the formula `remaining = allocated − spent − held − delegated`. */
export type Figures = readonly [spent: number, held: number, delegated: number, remaining: Allocation]
export const figures = ({ spent, held, delegated, remaining }: UnitReading): Figures => [spent, held, delegated, remaining]

/** The answer of an operation that must have been accepted. */
export function done<T extends { readonly ok: boolean }>(answer: T): Extract<T, { ok: true }> {
  assert.equal(answer.ok, true, `refused: ${JSON.stringify(answer)}`)
  return answer as Extract<T, { ok: true }>
}

/** A hold that an operation must have changed just now. */
export function held(answer: HoldAnswer): HoldDone {
  const { repeated, hold } = done(answer)
  assert.equal(repeated, false)
  return { ok: true, repeated, hold }
}

/** The hold of an operation that must have been seen before. */
export function repeated(answer: { readonly ok: boolean; readonly repeated?: boolean; readonly hold?: Hold }): Hold | undefined {
  assert.equal(answer.ok, true)
  assert.equal(answer.repeated, true)
  return answer.hold
}

/** An operation that must have been refused, with this code, and for this account. */
export function refused(answer: AccountAnswer | HoldAnswer | ReturnAnswer, code: RefusalCode, account?: string): void {
  assert.equal(answer.ok, false, `expected ${code}`)
  if (answer.ok) return
  assert.equal(answer.code, code)
  if (account !== undefined) assert.equal(answer.account, account)
}

/** Work that must throw at once, or reject. */
export async function throws(work: () => Awaitable<unknown>, type: new (message: string) => Error): Promise<void> {
  await assert.rejects(async () => work(), type)
}
