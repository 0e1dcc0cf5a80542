import { ConfigError, LedgerUnavailableError } from '../../core/errors.js'

/** What the ledger asks of a connection of `pg`. */
export interface PostgresConnection {
  query(config: {
    readonly text: string
    readonly name?: string
    readonly values?: unknown[]
    readonly query_timeout?: number
  }): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
  release(error?: Error | boolean): void
}

/** What the ledger asks of a pool: a `Pool` of `pg` is one. */
export interface PostgresPool {
  query: PostgresConnection['query']
  connect(): Promise<PostgresConnection>
  end(): Promise<void>
}

/** Where the server is: one of `pool` and `connectionString`. */
export interface PostgresSource {
  /** A `Pool` of `pg` of your own; you end it, listen to its `error` event, and set its timeouts. */
  readonly pool?: PostgresPool
  /** `postgres://user:password@host/database`. The pool is then made by the store, and ended by `close`. */
  readonly connectionString?: string
  /** The schema that holds the ledger: a name of 1 to 63 letters, digits and `_`. Default `outrigger`. */
  readonly schema?: string
  /** How long a statement, a lock or a connection is waited for, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number
  /** Connections at most, in the store's own pool. Default 10. */
  readonly maxConnections?: number
}

const whole = (name: string, value: number, least: number): number => {
  if (Number.isSafeInteger(value) && value >= least && value <= 2 ** 31 - 1) return value
  throw new RangeError(`postgresStore: ${name}: ${String(value)}; give an integer from ${least} to ${2 ** 31 - 1}`)
}

/** Checks what says where the server is. @throws TypeError, RangeError with value and fix. */
export function checkSource({ pool, connectionString, timeoutMs = 10_000, maxConnections = 10 }: PostgresSource): void {
  if ((pool === undefined) === (connectionString === undefined)) throw new TypeError('postgresStore: give one of pool and connectionString')
  if (pool !== undefined && (typeof pool?.query !== 'function' || typeof pool.connect !== 'function'))
    throw new TypeError('postgresStore: pool must be a Pool of pg')
  if (connectionString !== undefined && (typeof connectionString !== 'string' || !/^postgres(ql)?:\/\//.test(connectionString)))
    throw new TypeError('postgresStore: connectionString must begin with postgres://')
  whole('timeoutMs', timeoutMs, 1)
  whole('maxConnections', maxConnections, 1)
}

/** The schema's name. @throws TypeError for one that is none. */
export function schemaOf({ schema = 'outrigger' }: PostgresSource): string {
  if (typeof schema === 'string' && /^[A-Za-z_]\w{0,62}$/.test(schema)) return schema
  throw new TypeError('postgresStore: schema must be a name of 1 to 63 letters, digits and "_"')
}

/** The pool that was given, or one of its own. @throws LedgerUnavailableError when `pg` is not installed. */
export async function poolOf(source: PostgresSource): Promise<PostgresPool> {
  checkSource(source)
  if (source.pool) return source.pool
  const { connectionString, timeoutMs = 10_000, maxConnections: max = 10 } = source
  const { Pool } = await loaded()
  const limits = { statement_timeout: timeoutMs, lock_timeout: timeoutMs, connectionTimeoutMillis: timeoutMs }
  const pool = new Pool({ connectionString, max, allowExitOnIdle: true, application_name: 'outrigger', ...limits })
  // An idle connection that breaks is dropped by the pool; the next operation says what is wrong.
  pool.on('error', () => {})
  return pool as unknown as PostgresPool
}

async function loaded(): Promise<typeof import('pg')> {
  try {
    return await import('pg')
  } catch (cause) {
    throw new LedgerUnavailableError('the PostgreSQL ledger needs the package pg: npm install pg', {}, cause)
  }
}

/** What PostgreSQL's own codes (https://www.postgresql.org/docs/current/errcodes-appendix.html) mean for the ledger. */
const meanings: Readonly<Record<string, string>> = {
  '3F000': 'has no ledger in schema "%": run outrigger ledger migrate',
  '42P01': 'has no ledger in schema "%": run outrigger ledger migrate',
  '42883': 'has no ledger of this version in schema "%": run outrigger ledger migrate',
  '42501': 'does not let this role use schema "%": run outrigger ledger migrate with --grant-to',
  '55P03': 'did not get a lock in time: nothing was changed',
  '57014': 'took too long over a statement: nothing was changed',
  '40001': 'could not put the operation in order with others: nothing was changed',
  '40P01': 'could not put the operation in order with others: nothing was changed',
  '28P01': 'refused the password',
  '3D000': 'has no such database',
  '25006': 'is read only',
  '53100': 'has no disk space left',
}

/** Any failure of the server or the way to it, as the error that stops a call. Repeats no connection string. */
export function unavailable(error: unknown, schema: string): Error {
  if (error instanceof LedgerUnavailableError || error instanceof ConfigError) return error
  const { code = 'no code', message } = error as { readonly code?: string; readonly message?: string }
  if (code.startsWith('ORL')) return new LedgerUnavailableError(`the ledger cannot keep its promise: ${message}`, { code }, error)
  const meaning = meanings[code]?.replace('%', schema) ?? `cannot be used (${code})`
  return new LedgerUnavailableError(`PostgreSQL ${meaning}`, { code }, error)
}
