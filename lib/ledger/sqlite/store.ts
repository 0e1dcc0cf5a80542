import { type Clock, systemClock } from '../../core/clock.js'
import { LedgerUnavailableError, OutriggerError } from '../../core/errors.js'
import { keepForItself } from '../../core/own-files.js'
import { checkAmount } from '../amount.js'
import { MemoryLedgerStore } from '../memory-store.js'
import type {
  AccountAnswer,
  AccountReading,
  AccountRef,
  AccountSpec,
  AdjustRequest,
  DelegationSpec,
  Entry,
  History,
  HistoryQuery,
  Hold,
  HoldAnswer,
  HoldRequest,
  HoldsQuery,
  LedgerStore,
  OldestHold,
  ReconcileRequest,
  ReserveRequest,
  ReturnAnswer,
  SettleRequest,
} from '../types.js'
import { damaged, keyOf, open, textOf } from './bodies.js'
import { type Database, openDatabase } from './driver.js'
import { schema, schemaVersion } from './schema.js'
import { prepare, type Statements } from './statements.js'
import { Transaction } from './transaction.js'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The file of the books; made where there is none. */
  readonly path: string
  /** Stamps entries and tells the age of holds. Default: the real clock. */
  readonly clock?: Clock
  /** How long it waits for other processes that write, in milliseconds. Default 5,000. */
  readonly busyMs?: number
}

const known = ['path', 'clock', 'busyMs']
/** One wait of the driver, which blocks the thread: short, and then others have their turn. */
const driverWaitMs = 20

/**
 * Books in a file, which any number of processes of one machine may share. What is answered is on the disk: `durability` is `disk`. Operations that are
 * asked for at once are one transaction, with one fsync.
 * @throws TypeError or RangeError on a wrong or unknown option
 * @throws LedgerUnavailableError where the file cannot be opened, or is no ledger of this version
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<LedgerStore> {
  const { path, clock = systemClock, busyMs = 5_000 } = validated(options)
  keepForItself(path)
  const database = await failing('opened', () => openDatabase(path))
  try {
    begin(database)
    return new SqliteLedgerStore(database, clock, busyMs)
  } catch (cause) {
    abandon(database)
    throw asUnavailable('opened', cause)
  }
}

/** A database that is closed keeps its lock for as long as a statement of it is somewhere: what was begun is undone first. */
function abandon(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // Nothing was begun.
  }
  database.close()
}

function validated(options: SqliteStoreOptions): SqliteStoreOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('sqliteStore: options must be an object with path')
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(`sqliteStore: unknown option "${name}"; known are ${known.join(', ')}`)
  if (typeof options.path !== 'string' || options.path === '') throw new TypeError('sqliteStore: path must be the path of a file')
  if (options.busyMs !== undefined) checkAmount('busyMs', options.busyMs)
  return options
}

function begin(database: Database): void {
  database.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`)
  database.exec('BEGIN IMMEDIATE')
  const version = Number(Object.values(database.prepare('PRAGMA user_version').get()!)[0])
  const { n: tables } = database.prepare(`SELECT count(*) AS n FROM sqlite_master`).get()!
  if (version === 0 && tables === 0) database.exec(schema)
  else if (version !== schemaVersion)
    throw new LedgerUnavailableError(`the file is no ledger of version ${schemaVersion}: it says ${version}`, { version })
  checkWhole(database)
  database.exec('COMMIT')
  database.exec(`PRAGMA busy_timeout = ${driverWaitMs};`)
}

/** A row that its index has lost would be opened again, with all of its cap: no sum of a row tells that. */
function checkWhole(database: Database): void {
  const { result } = database.prepare(`SELECT CAST(integrity_check AS BLOB) AS result FROM pragma_integrity_check(1)`).get()!
  if (textOf(result) !== 'ok') throw damaged('the file')
  const tables = database.prepare('SELECT CAST(sql AS BLOB) AS sql FROM sqlite_master WHERE sql IS NOT NULL').all()
  if (tables.some(({ sql }) => !schema.includes(`\n${textOf(sql)};`))) throw damaged('its schema')
}

const isBusy = (error: unknown): boolean => /busy|locked/i.test(`${(error as { code?: unknown }).code} ${(error as Error).message}`)

function asUnavailable(what: string, cause: unknown): unknown {
  if (cause instanceof OutriggerError) return cause
  const { code, message } = cause as { readonly code?: unknown; readonly message?: string }
  return new LedgerUnavailableError(`the ledger could not be ${what}: ${message ?? 'see cause'}`, { code: `${code ?? ''}` }, cause)
}

async function failing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw asUnavailable(what, cause)
  }
}

interface Asked {
  readonly work: (books: MemoryLedgerStore) => unknown
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
}

/** What each of several operations came to. */
type Settled = () => void

class SqliteLedgerStore implements LedgerStore {
  readonly durability = 'disk'
  readonly synchronous = false
  readonly #database: Database
  readonly #sql: Statements
  readonly #clock: Clock
  readonly #busyMs: number
  #asked: Asked[] = []
  #working: Promise<void> | undefined
  #closed = false

  constructor(database: Database, clock: Clock, busyMs: number) {
    this.#database = database
    this.#sql = prepare(database)
    this.#clock = clock
    this.#busyMs = busyMs
  }

  openAccount(spec: AccountSpec): Promise<AccountAnswer> {
    return this.#ask(books => books.openAccount(spec))
  }

  delegate(parent: AccountRef, child: DelegationSpec): Promise<AccountAnswer> {
    return this.#ask(books => books.delegate(parent, child))
  }

  reserve(account: AccountRef, request: ReserveRequest): Promise<HoldAnswer> {
    return this.#ask(books => withReading(books, books.reserve(account, request)))
  }

  settle(account: AccountRef, request: SettleRequest): Promise<HoldAnswer> {
    return this.#ask(books => withReading(books, books.settle(account, request)))
  }

  release(account: AccountRef, request: HoldRequest): Promise<HoldAnswer> {
    return this.#ask(books => withReading(books, books.release(account, request)))
  }

  markUnknown(account: AccountRef, request: HoldRequest): Promise<HoldAnswer> {
    return this.#ask(books => withReading(books, books.markUnknown(account, request)))
  }

  reconcile(request: ReconcileRequest): Promise<HoldAnswer> {
    return this.#ask(books => withReading(books, books.reconcile(request)))
  }

  returnDelegation(account: AccountRef): Promise<ReturnAnswer> {
    return this.#ask(books => books.returnDelegation(account))
  }

  adjust(account: string, request: AdjustRequest): Promise<AccountAnswer> {
    return this.#ask(books => books.adjust(account, request))
  }

  read(account: string): Promise<AccountReading | undefined> {
    return this.#read(books => books.read(account))
  }

  accounts(): Promise<readonly AccountReading[]> {
    return this.#read(books => books.accounts())
  }

  holds(query?: HoldsQuery): Promise<readonly Hold[]> {
    return this.#read(books => books.holds(query))
  }

  oldestHold(): Promise<OldestHold | undefined> {
    return this.#read(books => books.oldestHold())
  }

  async history({ account, after = 0, limit = Number.MAX_SAFE_INTEGER }: HistoryQuery = {}): Promise<History> {
    checkAmount('after', after)
    checkAmount('limit', limit)
    return this.#read(() => {
      const rows = account === undefined ? this.#sql.entries.all(after, limit) : this.#sql.entriesOf.all(keyOf(account), after, limit)
      return { entries: rows.map(row => whole(open<Entry>(`entry ${row.seq}`, row))), dropped: 0 }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#working
    this.#fold()
    this.#database.close()
  }

  /** The journal goes into the file, so that one file has all. Whoever else has it open does it later. */
  #fold(): void {
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // The journal is as good.
    }
  }

  #ask<Answer>(work: (books: MemoryLedgerStore) => Answer): Promise<Answer> {
    if (this.#closed) return Promise.reject(new LedgerUnavailableError('the ledger is closed'))
    return new Promise<Answer>((resolve, reject) => {
      this.#asked.push({ work, resolve, reject })
      this.#working ??= this.#serve()
    })
  }

  /** What is asked for in one turn of the event loop is one transaction. */
  async #serve(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    while (this.#asked.length > 0) {
      const asked = this.#asked
      this.#asked = []
      await this.#transact(asked)
    }
    this.#working = undefined
  }

  async #transact(asked: readonly Asked[]): Promise<void> {
    const endsAt = performance.now() + this.#busyMs
    for (let left = asked; left.length > 0; ) {
      try {
        while (!this.#hasBegun(endsAt)) await new Promise(resolve => setTimeout(resolve, 1))
        for (const settle of this.#done(left)) settle()
        return
      } catch (cause) {
        if (cause instanceof Thrown) {
          cause.asked.reject(cause.error)
          left = left.filter(one => one !== cause.asked)
        } else return refuse(left, asUnavailable('written', cause))
      }
    }
  }

  /** Nothing of ours comes between the beginning and the end of a transaction: both are in one turn. */
  #hasBegun(endsAt: number): boolean {
    try {
      this.#sql.begin.run()
      return true
    } catch (error) {
      if (!isBusy(error) || performance.now() >= endsAt) throw error
      return false
    }
  }

  #done(asked: readonly Asked[]): readonly Settled[] {
    try {
      const transaction = new Transaction(this.#sql)
      const books = this.#booksOn(transaction)
      const settled = asked.map(one => answered(books, one))
      transaction.flush()
      this.#sql.commit.run()
      return settled
    } catch (error) {
      this.#undo()
      throw error
    }
  }

  /** A failed commit has ended the transaction itself. */
  #undo(): void {
    try {
      this.#sql.rollback.run()
    } catch {
      // There is none any more.
    }
  }

  #booksOn(transaction: Transaction): MemoryLedgerStore {
    return new MemoryLedgerStore({ clock: this.#clock, keepHistory: Number.MAX_SAFE_INTEGER }, transaction)
  }

  async #read<Answer>(work: (books: MemoryLedgerStore) => Answer): Promise<Answer> {
    if (this.#closed) throw new LedgerUnavailableError('the ledger is closed')
    // Behind what was asked for before.
    await this.#working
    return failing('read', async () => {
      this.#sql.read.run()
      try {
        return work(this.#booksOn(new Transaction(this.#sql)))
      } finally {
        this.#undo()
      }
    })
  }
}

/** One operation has thrown: the others are done again without it. */
class Thrown {
  constructor(
    readonly asked: Asked,
    readonly error: unknown,
  ) {}
}

function answered(books: MemoryLedgerStore, asked: Asked): Settled {
  try {
    const answer = asked.work(books)
    return () => asked.resolve(answer as never)
  } catch (error) {
    throw error instanceof OutriggerError ? error : new Thrown(asked, error)
  }
}

function refuse(asked: readonly Asked[], error: unknown): void {
  for (const { reject } of asked) reject(error)
}

function withReading(books: MemoryLedgerStore, answer: HoldAnswer): HoldAnswer {
  if (!answer.ok) return answer
  const reading = books.read(answer.hold.account)
  return reading ? { ...answer, reading } : answer
}

/** JSON leaves out what is `undefined`. */
const whole = (entry: Entry): Entry => ({
  ...entry,
  nanoUsd: entry.nanoUsd,
  tokens: entry.tokens,
  parent: entry.parent,
  prices: entry.prices,
  detail: entry.detail,
})
