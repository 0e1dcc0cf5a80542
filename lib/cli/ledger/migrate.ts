import { visible } from '../../ctx/language/escape.js'
import { migrate } from '../../ledger/postgres/index.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { isPostgres, named, storeOption } from './open-ledger.js'

/** `outrigger ledger migrate`: makes the tables and functions of books in PostgreSQL; again, it changes nothing. */
export const migrating: Command = {
  usage: '[--grant-to ROLE] [--schema NAME] [--store postgres://…]',
  options: {
    'grant-to': { type: 'string', value: 'ROLE', about: 'a role that may use the books afterwards; several with commas between them' },
    schema: { type: 'string', value: 'NAME', about: 'where the tables are; default: outrigger' },
    store: storeOption,
  },
  args: [0, 0],
  async run(io) {
    const done = await migrate({ connectionString: serverOf(io), grantTo: rolesOf(io), ...schemaIn(io) })
    io.stdout.write(io.options.json ? `${JSON.stringify(done, null, 2)}\n` : `${told(done)}\n`)
    return exitCodes.fine
  },
}

function serverOf(io: CommandIo): string {
  const given = named(io)
  if (!isPostgres(given)) throw new UsageError('only books in PostgreSQL are migrated: say --store postgres://…, or set OUTRIGGER_LEDGER')
  return given
}

function rolesOf({ options }: CommandIo): readonly string[] {
  const roles = options['grant-to']
  return typeof roles === 'string' ? roles.split(',').map(role => role.trim()) : []
}

function schemaIn({ options: { schema } }: CommandIo): { readonly schema?: string } {
  if (typeof schema !== 'string') return {}
  if (!/^[A-Za-z_]\w{0,62}$/.test(schema)) throw new UsageError('--schema takes a name of 1 to 63 letters, digits and "_"')
  return { schema }
}

const told = ({ schema, from, to }: { readonly schema: string; readonly from: number; readonly to: number }): string =>
  from === to
    ? `the books in ${visible(schema)} are of version ${to} already: nothing was changed`
    : `the books in ${visible(schema)} went from version ${from} to ${to}`
