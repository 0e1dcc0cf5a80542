import { ConfigError } from '../../core/errors.js'
import { type PostgresConnection, type PostgresPool, type PostgresSource, poolOf, schemaOf, unavailable } from './connection.js'
import { functions } from './schema/functions.js'
import { tables } from './schema/tables.js'

/** What each version adds; a version that was released never changes. */
const versions: readonly string[] = [`${tables}\n${functions}`]

/** The version of the tables and functions that this package works with. */
export const schemaVersion: number = versions.length

/** Options of {@link migrate}. */
export interface MigrateOptions extends PostgresSource {
  /** Roles that may use the ledger afterwards: they may call its functions, and touch no table. Default: none. */
  readonly grantTo?: readonly string[]
}

/** What {@link migrate} did. */
export interface Migrated {
  readonly schema: string
  /** The version that was there; 0 for none. */
  readonly from: number
  readonly to: number
}

/**
 * Makes the tables and functions of the ledger, or brings them up to date, in one transaction: all of it or nothing. Running it again
 * changes nothing; two at once wait for each other. Needs the right to create a schema in the database, or to own the schema.
 * @throws ConfigError when the books are of a newer version than this package knows.
 * @throws LedgerUnavailableError when the server cannot be reached, or refuses.
 */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  const schema = schemaOf(options)
  const pool = await poolOf(options)
  try {
    return await transaction(pool, client => upgrade(client, schema, options.grantTo ?? []))
  } catch (error) {
    throw error instanceof ConfigError ? error : unavailable(error, schema)
  } finally {
    if (!options.pool) await pool.end()
  }
}

async function transaction<T>(pool: PostgresPool, work: (client: PostgresConnection) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let failed: Error | undefined
  try {
    await client.query({ text: 'begin isolation level read committed' })
    const result = await work(client)
    await client.query({ text: 'commit' })
    return result
  } catch (error) {
    failed = error as Error
    throw error
  } finally {
    client.release(failed)
  }
}

async function upgrade(client: PostgresConnection, schema: string, grantTo: readonly string[]): Promise<Migrated> {
  await client.query({ text: `select pg_advisory_xact_lock(hashtextextended('outrigger ledger ' || $1, 0))`, values: [schema] })
  const from = await versionOf(client, schema)
  if (from > schemaVersion)
    throw new ConfigError(`the ledger in "${schema}" is of version ${from}, and this package knows ${schemaVersion}: update outrigger`)
  if (from < schemaVersion) await run(client, schema, from)
  for (const role of grantTo) await client.query({ text: grants(schema, role) })
  return { schema, from, to: schemaVersion }
}

async function versionOf(client: PostgresConnection, schema: string): Promise<number> {
  const { rows } = await client.query({ text: `select to_regnamespace($1) is not null as there`, values: [quoted(schema)] })
  if (!rows[0]?.there) await client.query({ text: `create schema ${quoted(schema)}` })
  await client.query({ text: `set local search_path = ${quoted(schema)}, pg_temp` })
  const { rows: tables } = await client.query({
    text: `select to_regclass($1) is not null as there`,
    values: [`${quoted(schema)}.migration`],
  })
  if (!tables[0]?.there) return 0
  const { rows: found } = await client.query({ text: 'select coalesce(max(version), 0)::int as version from migration' })
  return Number(found[0]?.version)
}

async function run(client: PostgresConnection, schema: string, from: number): Promise<void> {
  if (from === 0) await client.query({ text: ledgerOfMigrations })
  for (const [index, text] of versions.entries()) {
    if (index < from) continue
    await client.query({ text })
    await client.query({ text: 'insert into migration (version) values ($1)', values: [index + 1] })
  }
  await client.query({ text: `revoke all on all functions in schema ${quoted(schema)} from public` })
}

const ledgerOfMigrations = `
create table migration (version int primary key, at timestamptz not null default now());
create function schema_version() returns int language sql stable security definer set search_path from current as
  $body$ select max(version) from migration $body$;`

const grants = (schema: string, role: string): string => `
grant usage on schema ${quoted(schema)} to ${quoted(role)};
grant execute on all functions in schema ${quoted(schema)} to ${quoted(role)};`

/** A name as SQL. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
