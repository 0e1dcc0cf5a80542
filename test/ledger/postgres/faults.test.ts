import { Pool } from 'pg'
import { LedgerUnavailableError } from '../../../lib/ledger/index.js'
import { migrate, postgresStore } from '../../../lib/ledger/postgres/index.js'
import { type Server, sql, startServer } from './server.js'

let server: Server
const books = { nanoUsd: 100, tokens: 'unlimited' } as const
const cost = { nanoUsd: 10, tokens: 0 }

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.end())

let schemas = 0
/** A schema that no other test touches, and a store on it. */
async function opened(more: object = {}) {
  const schema = `faults_${process.pid}_${schemas++}`
  await migrate({ connectionString: server.url, schema })
  const store = postgresStore({ connectionString: server.url, schema, ...more })
  await store.openAccount({ id: 'a', ...books })
  return { store, schema }
}

const held = async (schema: string) =>
  (await sql<{ held: string }>(server.url, `select nano_usd_held as held from "${schema}".account where id = 'a'`))[0]?.held

/** Holds the account's row locked while `work` runs. */
async function locked(schema: string, work: () => Promise<void>): Promise<void> {
  const pool = new Pool({ connectionString: server.url, max: 1 })
  const client = await pool.connect()
  try {
    await client.query(`begin; select 1 from "${schema}".account where id = 'a' for update`)
    await work()
    await client.query('rollback')
  } finally {
    client.release()
    await pool.end()
  }
}

/** Resolves when a session waits for a lock in a call of the function. */
async function waiting(name: string): Promise<number> {
  for (;;) {
    const found = await sql<{ pid: number }>(
      server.url,
      `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%".' || $1 || '(%'`,
      [name],
    )
    if (found[0]) return found[0].pid
  }
}

describe('postgresStore, when the server fails', () => {
  it('refuses while the server is down, admits nothing, and works again afterwards', async () => {
    if (!server.own) return
    const { store, schema } = await opened()
    await server.own.stop()
    for (const id of ['1', '2']) await expect(store.reserve({ id: 'a' }, { id, ...cost })).rejects.toThrow(LedgerUnavailableError)
    await expect(store.read('a')).rejects.toThrow(LedgerUnavailableError)
    const cold = postgresStore({ connectionString: server.url, schema })
    await expect(cold.reserve({ id: 'a' }, { id: '3', ...cost })).rejects.toThrow(LedgerUnavailableError)
    await server.own.start()
    expect(await held(schema)).toBe('0')
    for (const each of [store, cold]) expect(await each.reserve({ id: 'a' }, { id: '4', ...cost })).toMatchObject({ ok: true })
    expect(await held(schema)).toBe('10')
    await cold.close?.()
    await store.close?.()
  })

  it('gives up a lock that does not come, and has changed nothing', async () => {
    const { store, schema } = await opened({ timeoutMs: 200 })
    await locked(schema, async () => {
      await expect(store.reserve({ id: 'a' }, { id: 'h', ...cost })).rejects.toMatchObject({
        name: 'LedgerUnavailableError',
        message: expect.stringMatching(/nothing was changed/),
      })
    })
    expect(await held(schema)).toBe('0')
    expect(await store.reserve({ id: 'a' }, { id: 'h', ...cost })).toMatchObject({ ok: true, repeated: false })
    await store.close?.()
  })

  it('answers the same id rightly when the connection is killed in the middle', async () => {
    const { store, schema } = await opened()
    let answer: unknown
    await locked(schema, async () => {
      answer = store.reserve({ id: 'a' }, { id: 'h', ...cost })
      await sql(server.url, 'select pg_terminate_backend($1, 5000)', [await waiting('reserve')])
      await waiting('reserve')
    })
    expect(await answer).toMatchObject({ ok: true, hold: { id: 'h', state: 'held' } })
    expect(await store.reserve({ id: 'a' }, { id: 'h', ...cost })).toMatchObject({ ok: true, repeated: true })
    expect(await held(schema)).toBe('10')
    await store.close?.()
  })

  it('says that a connection broke when it breaks again, and the id is still good', async () => {
    const { store, schema } = await opened()
    await locked(schema, async () => {
      const answer = expect(store.reserve({ id: 'a' }, { id: 'h', ...cost })).rejects.toThrow(LedgerUnavailableError)
      for (let n = 0; n < 2; n++) {
        const pid = await waiting('reserve')
        await sql(server.url, 'select pg_terminate_backend($1, 5000)', [pid])
      }
      await answer
    })
    expect(await store.reserve({ id: 'a' }, { id: 'h', ...cost })).toMatchObject({ ok: true, repeated: false })
    expect(await held(schema)).toBe('10')
    await store.close?.()
  })

  it('takes a settle that was committed and never heard of as done', async () => {
    const { store, schema } = await opened()
    await store.reserve({ id: 'a' }, { id: 'h', ...cost })
    await sql(server.url, `select "${schema}".end_hold('settle', 'a', 0, 'h', 7, 0, 'measured', null, null, 'disk')`)
    expect(await store.settle({ id: 'a' }, { id: 'h', nanoUsd: 7, tokens: 0 })).toMatchObject({ ok: true, repeated: true })
    expect((await store.read('a'))?.nanoUsd).toMatchObject({ spent: 7, held: 0 })
    await store.close?.()
  })

  it('asks again, a few times, when the server ends a transaction to put it in order', async () => {
    const { schema } = await opened()
    const real = new Pool({ connectionString: server.url, max: 2 })
    let failures = 3
    const flaky = {
      connect: () => real.connect(),
      end: () => real.end(),
      query: (config: { text: string }) =>
        config.text.includes('reserve') && failures-- > 0
          ? Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' }))
          : real.query(config),
    }
    const store = postgresStore({ pool: flaky as never, schema })
    expect(await store.reserve({ id: 'a' }, { id: 'h', ...cost })).toMatchObject({ ok: true })
    failures = 100
    await expect(store.reserve({ id: 'a' }, { id: 'i', ...cost })).rejects.toThrow(LedgerUnavailableError)
    expect(failures).toBe(95)
    await real.end()
  })
})

describe('postgresStore, what it promises', () => {
  it('refuses to promise a standby that is not there', async () => {
    const { schema } = await opened()
    const store = postgresStore({ connectionString: server.url, schema, durability: 'replicated' })
    await expect(store.openAccount({ id: 'b', ...books })).rejects.toThrow(/no synchronous standby/)
    await store.close?.()
  })

  it('waits for the disk although the session does not', async () => {
    const { schema } = await opened()
    const pool = new Pool({ connectionString: server.url, max: 1, options: '-c synchronous_commit=off' })
    const settings: string[] = []
    const spying = {
      end: () => pool.end(),
      connect: () => pool.connect(),
      query: async (config: { text: string; values?: unknown[] }) => {
        if (!config.text.includes('reserve')) return pool.query(config)
        const client = await pool.connect()
        await client.query('begin')
        const answer = await client.query({ text: config.text, values: config.values })
        settings.push((await client.query('show synchronous_commit')).rows[0].synchronous_commit)
        await client.query('commit')
        client.release()
        return answer
      },
    }
    const store = postgresStore({ pool: spying as never, schema })
    expect(store.durability).toBe('disk')
    await store.reserve({ id: 'a' }, { id: 'h', ...cost })
    const loose = postgresStore({ pool: spying as never, schema, durability: 'none' })
    await loose.reserve({ id: 'a' }, { id: 'i', ...cost })
    expect(settings).toEqual(['on', 'off'])
    await pool.end()
  })

  it('refuses a session whose statements do not see what was committed', async () => {
    const { schema } = await opened()
    const pool = new Pool({ connectionString: server.url, max: 1, options: '-c default_transaction_isolation=serializable' })
    const store = postgresStore({ pool, schema })
    await expect(store.reserve({ id: 'a' }, { id: 'h', ...cost })).rejects.toThrow(/read committed/)
    await pool.end()
  })
})

describe('postgresStore, its options', () => {
  const url = 'postgres://localhost/x'
  it.each([
    ['neither a pool nor a connectionString', {}, TypeError],
    ['both', { pool: { query() {}, connect() {}, end() {} }, connectionString: url }, TypeError],
    ['a pool that is none', { pool: {} }, TypeError],
    ['another database', { connectionString: 'mysql://x' }, TypeError],
    ['a schema that is no name', { connectionString: url, schema: 'a"; drop' }, TypeError],
    ['an unknown option', { connectionString: url, table: 'x' }, TypeError],
    ['a promise that is none', { connectionString: url, durability: 'maybe' }, TypeError],
    ['no time', { connectionString: url, timeoutMs: 0 }, RangeError],
    ['no connections', { connectionString: url, maxConnections: 0 }, RangeError],
  ])('refuse %s', (_, options, type) => {
    expect(() => postgresStore(options as never)).toThrow(type)
  })

  it('refuse ids that PostgreSQL would change', async () => {
    const store = postgresStore({ connectionString: url })
    for (const id of ['a\0b', '\ud800']) await expect(store.openAccount({ id, ...books })).rejects.toThrow(TypeError)
  })

  it('say that a closed store is closed', async () => {
    const { store } = await opened()
    await store.close?.()
    await expect(store.read('a')).rejects.toThrow(LedgerUnavailableError)
  })
})
