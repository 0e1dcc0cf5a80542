import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createLedger, type Ledger } from '../../ledger/create-ledger.js'
import { postgresStore } from '../../ledger/postgres/index.js'
import { sqliteStore } from '../../ledger/sqlite/index.js'
import type { LedgerStore } from '../../ledger/types.js'
import { type CommandIo, type CommandOption, UsageError } from '../command.js'

/** `--store` of every command that works on books. */
export const storeOption: CommandOption = {
  type: 'string',
  short: 's',
  value: 'S',
  about: 'the books: sqlite:FILE, the file alone, or postgres://…; default: OUTRIGGER_LEDGER of the environment',
}

/** Opens the books that are meant, works on them and closes them. @throws UsageError where nothing says which, or they are not there */
export async function withLedger<T>(io: CommandIo, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = createLedger({ store: await storeOf(io) })
  try {
    return await work(ledger)
  } finally {
    await ledger.close()
  }
}

async function storeOf(io: CommandIo): Promise<LedgerStore> {
  const given = named(io)
  if (isPostgres(given)) return postgresStore({ connectionString: given })
  return sqliteStore({ path: pathOf(given, io.cwd), ...(io.clock && { clock: io.clock }) })
}

/** What `--store` or the environment says. @throws UsageError where neither does */
export function named({ options: { store }, env }: CommandIo): string {
  const given = typeof store === 'string' ? store : env.OUTRIGGER_LEDGER
  if (!given) throw new UsageError('no books are named; say --store sqlite:FILE or --store postgres://…, or set OUTRIGGER_LEDGER')
  return given
}

/** Is it a server's address? */
export const isPostgres = (given: string): boolean => /^postgres(ql)?:\/\//.test(given)

function pathOf(given: string, cwd: string): string {
  const [, scheme, rest] = /^([a-z]{2,}):(.*)$/s.exec(given) ?? []
  if (scheme !== undefined && scheme !== 'sqlite') throw new UsageError(`--store takes sqlite:FILE or postgres://…, not ${scheme}:`)
  const path = resolve(cwd, rest ?? given)
  // Books that are misspelt would be new ones, and empty.
  if (!existsSync(path)) throw new UsageError(`there are no books in ${rest ?? given}`)
  return path
}
