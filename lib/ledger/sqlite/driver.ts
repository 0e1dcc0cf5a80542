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
  return new Open(path)
}

async function libsql(): Promise<Opener> {
  const found = (await import('libsql').catch(cause => {
    throw new LedgerUnavailableError('the SQLite ledger needs the package libsql on this version of Node: npm install libsql', {}, cause)
  })) as unknown as { readonly default: Opener }
  return found.default
}
