import { join } from 'node:path'
import { createLedger, type Ledger } from '../../ledger/create-ledger.js'
import type { Io } from '../command.js'
import { isPostgres } from '../ledger/open-ledger.js'
import { ledgerOf } from '../stack/ledger-of.js'

/** The ledger that all agents of a companion share. */
export interface Books {
  readonly ledger: Ledger
  /** The file, or the words for a server; null in memory, where spend does not survive. */
  readonly where: string | null
}

/** Where the books are to be: as the configuration says, else a file in the state folder. */
export interface BooksPlace {
  /** The state folder. */
  readonly dir: string
  /** `ledger` of the configuration. */
  readonly ledger?: string | undefined
}

/**
 * Opens the books: those of the configuration, else in the state folder; in memory where this Node has no SQLite.
 * @throws LedgerUnavailableError where they cannot be used
 */
export async function openBooks(
  { dir, ledger }: BooksPlace,
  { cwd, clock }: Pick<Io, 'cwd' | 'clock'>,
  hasDriver: () => Promise<boolean> = canOpenFiles,
): Promise<Books> {
  const around = { cwd, ...(clock && { clock }) }
  if (ledger !== undefined) return { ledger: await ledgerOf(ledger, around), where: shown(ledger) }
  if (!(await hasDriver())) return { ledger: createLedger(clock ? { clock } : {}), where: null }
  const file = join(dir, 'ledger.sqlite')
  return { ledger: await ledgerOf(`sqlite:${file}`, around), where: file }
}

/** The address of a server may hold what is nobody's business. */
const shown = (ledger: string): string =>
  isPostgres(ledger) ? 'the PostgreSQL server of the configuration' : ledger.replace(/^sqlite:/, '')

async function canOpenFiles(): Promise<boolean> {
  if (process.getBuiltinModule?.('node:sqlite')) return true
  return import('libsql').then(
    () => true,
    () => false,
  )
}
