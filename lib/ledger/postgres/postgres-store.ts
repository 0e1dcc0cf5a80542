import { LedgerUnavailableError } from '../../core/errors.js'
import { checkAllocation, checkAmount, checkAmounts, checkFence, checkId } from '../amount.js'
import type {
  AccountAnswer,
  AccountReading,
  AccountRef,
  AccountSpec,
  AdjustRequest,
  Allocation,
  DelegationSpec,
  Durability,
  History,
  HistoryQuery,
  Hold,
  HoldAnswer,
  HoldRequest,
  HoldsQuery,
  LedgerStore,
  Note,
  OldestHold,
  ReconcileRequest,
  ReserveRequest,
  ReturnAnswer,
  SettleRequest,
  UnitAmounts,
} from '../types.js'
import {
  type AccountRow,
  type Answer,
  type EntryRow,
  type HoldRow,
  entryOf,
  holdAnswerOf,
  holdOf,
  readingOfAnswer,
  readingsOf,
  refusalOf,
} from './answers.js'
import { checkSource, type PostgresPool, type PostgresSource, poolOf, schemaOf, unavailable } from './connection.js'
import { schemaVersion } from './migrate.js'

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends PostgresSource {
  /**
   * What the store promises; the server is held to it in every operation, and what it cannot keep is refused. `disk` (default): a commit
   * waits for the disk, whatever the session's `synchronous_commit`; refused with `fsync` off. `replicated`: it waits for a standby, too;
   * refused where `synchronous_standby_names` is empty. `none`: as the server is set.
   */
  readonly durability?: Durability
}

/** An operation on a hold as the function takes it. */
interface End extends Partial<UnitAmounts>, Note {
  readonly id: string
  readonly certainty?: Hold['certainty']
}

const optionNames = new Set(['pool', 'connectionString', 'schema', 'timeoutMs', 'maxConnections', 'durability'])
const promises: readonly string[] = ['none', 'disk', 'replicated']
/** Ended by the server to put operations in order: nothing was changed. */
const outOfOrder = new Set(['40001', '40P01'])
/** The connection broke: what became of the operation is not known, and its id makes asking again safe. */
const broken = /^(57P01|57P02|08\w{3}|ECONNRESET|EPIPE)$|^Connection terminated/
const attempts = 5

/**
 * Books in PostgreSQL, shared by any number of processes and machines: each operation is one call of a function in the server, one round
 * trip. `migrate` makes the tables first.
 * @throws TypeError, RangeError for an option that is none, at once.
 */
export function postgresStore(options: PostgresStoreOptions): LedgerStore {
  if (typeof options !== 'object' || options === null) throw new TypeError('postgresStore: options must be an object')
  const unknown = Object.keys(options).find(name => !optionNames.has(name))
  if (unknown !== undefined) throw new TypeError(`postgresStore: unknown option "${unknown}"; known are ${[...optionNames].join(', ')}`)
  checkSource(options)
  if (!promises.includes(options.durability ?? 'disk')) throw new TypeError(`postgresStore: durability is one of ${promises.join(', ')}`)
  return new PostgresLedgerStore(options, schemaOf(options))
}

/** State: the pool, made by the first operation, and whether the schema has been looked at. */
class PostgresLedgerStore implements LedgerStore {
  readonly durability: Durability
  readonly synchronous = false
  readonly #source: PostgresSource
  readonly #schema: string
  readonly #timeoutMs: number
  #pool: Promise<PostgresPool> | undefined
  #closed = false

  constructor({ durability = 'disk', ...source }: PostgresStoreOptions, schema: string) {
    this.durability = durability
    this.#source = source
    this.#schema = schema
    this.#timeoutMs = source.timeoutMs ?? 10_000
  }

  async openAccount(spec: AccountSpec): Promise<AccountAnswer> {
    checkName('id', spec.id)
    checkFence(spec.fence)
    checkAllocation('nanoUsd', spec.nanoUsd)
    checkAllocation('tokens', spec.tokens)
    return this.#open(spec.id, spec.parent, false, spec.nanoUsd, spec.tokens, spec.window, spec.fence, 0)
  }

  async delegate({ id, fence }: AccountRef, child: DelegationSpec): Promise<AccountAnswer> {
    const { nanoUsd, tokens } = child
    checkName('id', child.id)
    checkFence(child.fence)
    if (nanoUsd === undefined && tokens === undefined) throw new RangeError('a delegation needs nanoUsd, tokens or both')
    if (nanoUsd !== undefined) checkAmount('nanoUsd', nanoUsd)
    if (tokens !== undefined) checkAmount('tokens', tokens)
    return this.#open(child.id, id, true, nanoUsd ?? 'unlimited', tokens ?? 'unlimited', child.window, child.fence, fence)
  }

  async reserve({ id: account, fence = 0 }: AccountRef, request: ReserveRequest): Promise<HoldAnswer> {
    checkAmounts(request)
    checkName('id', request.id)
    const { id, nanoUsd, tokens, force = false, prices, detail } = request
    return holdAnswerOf(await this.#change('reserve', [account, fence, id, nanoUsd, tokens, force, prices, jsonOf(detail)]))
  }

  async settle(account: AccountRef, request: SettleRequest): Promise<HoldAnswer> {
    checkAmounts(request)
    return this.#end('settle', account, { ...request, certainty: request.certainty ?? 'measured' })
  }

  async release(account: AccountRef, { id, prices, detail }: HoldRequest): Promise<HoldAnswer> {
    return this.#end('release', account, { id, prices, detail })
  }

  async markUnknown(account: AccountRef, { id, prices, detail }: HoldRequest): Promise<HoldAnswer> {
    return this.#end('unknown', account, { id, prices, detail })
  }

  async reconcile(request: ReconcileRequest): Promise<HoldAnswer> {
    const { id, prices, detail } = request
    if (request.decision !== 'settle') return this.#end('reconcile.release', undefined, { id, prices, detail })
    checkAmounts(request)
    return this.#end('reconcile.settle', undefined, { ...request, certainty: 'estimated' })
  }

  async returnDelegation({ id, fence = 0 }: AccountRef): Promise<ReturnAnswer> {
    const answer = await this.#change('return_delegation', [id, fence])
    if (answer.code) return refusalOf(answer)
    return { ok: true, repeated: answer.repeated, reading: readingOfAnswer(answer), returned: answer.returned! }
  }

  async adjust(account: string, request: AdjustRequest): Promise<AccountAnswer> {
    checkName('id', request.id)
    const { id, nanoUsd, tokens, version, prices, detail } = request
    if (nanoUsd !== undefined) checkAllocation('nanoUsd', nanoUsd)
    if (tokens !== undefined) checkAllocation('tokens', tokens)
    const caps = [nanoUsd === undefined ? null : capOf(nanoUsd), tokens === undefined ? null : capOf(tokens)]
    return accountAnswerOf(await this.#change('adjust', [account, id, ...caps, version, prices, jsonOf(detail)]))
  }

  async read(account: string): Promise<AccountReading | undefined> {
    return readingsOf(await this.#ask<readonly AccountRow[]>('read_accounts', [account])).at(-1)
  }

  async accounts(): Promise<readonly AccountReading[]> {
    return readingsOf(await this.#ask<readonly AccountRow[]>('read_accounts', [null]))
  }

  /** @throws RangeError when `limit` or `after` is no integer of 0 or more. */
  async history({ account, after = 0, limit = Number.MAX_SAFE_INTEGER }: HistoryQuery = {}): Promise<History> {
    checkAmount('after', after)
    checkAmount('limit', limit)
    const rows = await this.#ask<readonly EntryRow[]>('read_history', [account, after, limit])
    return { entries: rows.map(entryOf), dropped: 0 }
  }

  async holds({ account, state }: HoldsQuery = {}): Promise<readonly Hold[]> {
    const rows = await this.#ask<readonly { readonly account: string; readonly hold: HoldRow }[]>('read_holds', [account, state])
    return rows.map(row => holdOf(row.hold, row.account))
  }

  async oldestHold(): Promise<OldestHold | undefined> {
    const found = await this.#ask<{ readonly account: string; readonly hold: HoldRow; readonly now: number } | null>('read_oldest', [])
    return found ? { hold: holdOf(found.hold, found.account), ageMs: Math.max(0, found.now - found.hold.at) } : undefined
  }

  /** Ends the store's own pool; one that was given stays open. */
  async close(): Promise<void> {
    this.#closed = true
    const pool = this.#pool
    this.#pool = undefined
    if (pool && !this.#source.pool) await (await pool).end()
  }

  async #open(
    id: string,
    parent: string | undefined,
    delegated: boolean,
    nanoUsd: Allocation,
    tokens: Allocation,
    window: string | undefined,
    fence = 0,
    parentFence = 0,
  ): Promise<AccountAnswer> {
    const values = [id, parent, delegated, capOf(nanoUsd), capOf(tokens), window, fence, parentFence]
    return accountAnswerOf(await this.#change('open_account', values))
  }

  async #end(op: string, account: AccountRef | undefined, { id, nanoUsd, tokens, certainty, prices, detail }: End): Promise<HoldAnswer> {
    checkName('id', id)
    const fence = account?.fence ?? 0
    return holdAnswerOf(await this.#change('end_hold', [op, account?.id, fence, id, nanoUsd, tokens, certainty, prices, jsonOf(detail)]))
  }

  #change(name: string, values: readonly unknown[]): Promise<Answer> {
    return this.#ask<Answer>(name, [...values, this.durability])
  }

  async #ask<T>(name: string, values: readonly unknown[]): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.#call(name, values)) as T
      } catch (error) {
        if (attempt === attempts || !again(error, attempt)) throw unavailable(error, this.#schema)
      }
    }
  }

  async #call(name: string, values: readonly unknown[]): Promise<unknown> {
    const pool = await this.#ready()
    const marks = values.map((_, index) => `$${index + 1}`).join(', ')
    const text = `select "${this.#schema}".${name}(${marks}) as answer`
    const query = { name: `outrigger ${this.#schema}.${name}`, text, values: values.map(value => value ?? null) }
    const { rows } = await pool.query({ ...query, query_timeout: this.#timeoutMs + 1000 })
    return rows[0]?.answer
  }

  #ready(): Promise<PostgresPool> {
    if (this.#closed) throw new LedgerUnavailableError('the ledger store has been closed')
    if (this.#pool) return this.#pool
    const opening = this.#checked()
    this.#pool = opening
    // What could not be opened is tried anew by the next operation.
    opening.catch(() => {
      if (this.#pool === opening) this.#pool = undefined
    })
    return opening
  }

  async #checked(): Promise<PostgresPool> {
    const pool = await poolOf(this.#source)
    try {
      const { rows } = await pool.query({
        text: `select "${this.#schema}".schema_version() as version`,
        query_timeout: this.#timeoutMs + 1000,
      })
      if (Number(rows[0]?.version) >= schemaVersion) return pool
      throw new LedgerUnavailableError(`the ledger in schema "${this.#schema}" is of an older version: run outrigger ledger migrate`)
    } catch (error) {
      if (!this.#source.pool) await pool.end()
      throw error
    }
  }
}

/** Is it safe, and of use, to ask again? */
function again(error: unknown, attempt: number): boolean {
  const { code = '', message = '' } = error as { readonly code?: string; readonly message?: string }
  return outOfOrder.has(code) || (attempt === 1 && (broken.test(code) || broken.test(message)))
}

function accountAnswerOf(answer: Answer): AccountAnswer {
  return answer.code ? refusalOf(answer) : { ok: true, repeated: answer.repeated, reading: readingOfAnswer(answer) }
}

const capOf = (cap: Allocation): number => (cap === 'unlimited' ? -1 : cap)
const jsonOf = (detail: Note['detail']): string | undefined => (detail === undefined ? undefined : JSON.stringify(detail))

/** PostgreSQL keeps no NUL, and would make one id of two that differ in half a surrogate pair. */
function checkName(name: string, value: string): void {
  checkId(name, value)
  if (value.includes('\0') || /\p{Surrogate}/u.test(value))
    throw new TypeError(`${name}: PostgreSQL cannot keep NUL or half a surrogate pair`)
}
