import { LedgerUnavailableError } from '../../core/errors.js'

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** A prepared statement. */
export interface Statement {
  get(...values: readonly unknown[]): Row | undefined
  all(...values: readonly unknown[]): readonly Row[]
  run(...values: readonly unknown[]): unknown
}

/** One connection. It blocks its thread while it works. */
export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

type Opener = new (path: string) => Database

/** Opens a file: with Node's own SQLite where it has one, else with libsql. @throws LedgerUnavailableError where there is neither */
export async function openDatabase(path: string): Promise<Database> {
  const node = process.getBuiltinModule?.('node:sqlite') as { readonly DatabaseSync?: Opener } | undefined
  const Open = node?.DatabaseSync ?? (await libsql())
  const database = new Open(path)
  warnOfOld(String(database.prepare('select sqlite_version() as version').get()?.version))
  return database
}

/** The first version in which two processes that reset the journal at the same moment cannot damage the file: sqlite.org/wal.html. */
const mended = [3, 51, 3] as const
let isWarned = false

/** Once in a process; Node silences it with `--disable-warning=OUTRIGGER_OLD_SQLITE`. */
function warnOfOld(version: string): void {
  if (isWarned || !isOld(version)) return
  isWarned = true
  process.emitWarning(`SQLite ${version} can damage a file that several processes write at the same moment`, {
    type: 'OutriggerWarning',
    code: 'OUTRIGGER_OLD_SQLITE',
    detail: `Mended in SQLite ${mended.join('.')}. Until your driver brings that, let one process write the books, or keep them in PostgreSQL.`,
  })
}

export function isOld(version: string): boolean {
  const parts = version.split('.').map(Number)
  const at = mended.findIndex((part, n) => parts[n] !== part)
  return at >= 0 && !(parts[at]! > mended[at]!)
}

async function libsql(): Promise<Opener> {
  const found = (await import('libsql').catch(cause => {
    throw new LedgerUnavailableError('the SQLite ledger needs the package libsql on this version of Node: npm install libsql', {}, cause)
  })) as unknown as { readonly default: Opener }
  return found.default
}
