import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createLedger, type Ledger } from '../../ledger/create-ledger.js'
import { sqliteStore } from '../../ledger/sqlite/index.js'
import { type CommandIo, type CommandOption, UsageError } from '../command.js'

/** `--store` of every command that works on books. */
export const storeOption: CommandOption = {
  type: 'string',
  short: 's',
  value: 'S',
  about: 'the books: sqlite:FILE, or the file alone; default: OUTRIGGER_LEDGER of the environment',
}

/** Opens the books that are meant, works on them and closes them. @throws UsageError where nothing says which, or they are not there */
export async function withLedger<T>(io: CommandIo, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = createLedger({ store: await sqliteStore({ path: pathOf(io), ...(io.clock && { clock: io.clock }) }) })
  try {
    return await work(ledger)
  } finally {
    await ledger.close()
  }
}

function pathOf({ options: { store }, env, cwd }: CommandIo): string {
  const given = typeof store === 'string' ? store : env.OUTRIGGER_LEDGER
  if (!given) throw new UsageError('no books are named; say --store sqlite:FILE, or set OUTRIGGER_LEDGER')
  const [, scheme, rest] = /^([a-z]{2,}):(.*)$/s.exec(given) ?? []
  if (scheme !== undefined && scheme !== 'sqlite') throw new UsageError(`--store takes sqlite:FILE, not ${scheme}:`)
  const path = resolve(cwd, rest ?? given)
  // Books that are misspelt would be new ones, and empty.
  if (!existsSync(path)) throw new UsageError(`there are no books in ${rest ?? given}`)
  return path
}
