import { resolve } from 'node:path'
import { ConfigError } from '../../core/errors.js'
import { createLedger, type Ledger } from '../../ledger/create-ledger.js'
import { postgresStore } from '../../ledger/postgres/index.js'
import { sqliteStore } from '../../ledger/sqlite/index.js'
import { isPostgres } from '../ledger/open-ledger.js'
import type { Around } from './stack-spec.js'

/**
 * The books that a stack pays from. A file that is not there is made: they are read again at the next start.
 * @throws ConfigError for another scheme, or an address that is none; it is not shown, since it may hold a password
 */
export async function ledgerOf(given: string, { cwd, clock }: Pick<Around, 'cwd' | 'clock'>): Promise<Ledger> {
  if (isPostgres(given)) return createLedger({ store: postgresStore({ connectionString: given }) })
  const [, scheme, rest] = /^([a-z]{2,}):(.*)$/s.exec(given) ?? []
  if (scheme !== undefined && scheme !== 'sqlite')
    throw new ConfigError(`a ledger is sqlite:FILE, the file alone, or postgres://…, not ${scheme}:`)
  if ((rest ?? given) === '') throw new ConfigError('the ledger names no file; give sqlite:FILE, the file alone, or postgres://…')
  return createLedger({ store: await sqliteStore({ path: resolve(cwd, rest ?? given), ...(clock && { clock }) }) })
}
