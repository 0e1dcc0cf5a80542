import { join } from 'node:path'
import { createLedger, type Ledger } from '../../ledger/create-ledger.js'
import { sqliteStore } from '../../ledger/sqlite/index.js'
import type { Io } from '../command.js'

/** The ledger that all agents of a companion share. */
export interface Books {
  readonly ledger: Ledger
  /** The file; null in memory, where spend does not survive. */
  readonly file: string | null
}

/** Opens the books in the state folder; in memory where this Node has no SQLite. @throws LedgerUnavailableError where the file cannot be used */
export async function openBooks(
  dir: string,
  { clock }: Pick<Io, 'clock'>,
  hasDriver: () => Promise<boolean> = canOpenFiles,
): Promise<Books> {
  if (!(await hasDriver())) return { ledger: createLedger(clock ? { clock } : {}), file: null }
  const file = join(dir, 'ledger.sqlite')
  return { ledger: createLedger({ store: await sqliteStore({ path: file, ...(clock && { clock }) }) }), file }
}

async function canOpenFiles(): Promise<boolean> {
  if (process.getBuiltinModule?.('node:sqlite')) return true
  return import('libsql').then(
    () => true,
    () => false,
  )
}
