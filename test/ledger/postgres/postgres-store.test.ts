import { Pool } from 'pg'
import type { LedgerStore } from '../../../lib/ledger/index.js'
import { migrate, postgresStore } from '../../../lib/ledger/postgres/index.js'
import { testStore } from '../../../lib/testing/test-store.js'
import { runModel } from '../model.js'
import { type Server, startServer } from './server.js'

let server: Server
let pool: Pool
let schemas = 0

beforeAll(async () => {
  server = await startServer()
  pool = new Pool({ connectionString: server.url, max: 10 })
  pool.on('error', () => {})
})

afterAll(async () => {
  await pool?.end()
  await server?.end()
})

/** Empty books: a schema of its own, made once; emptied for the next. */
async function emptied(): Promise<LedgerStore> {
  const schema = 'contract'
  await migrate({ pool, schema })
  await pool.query(
    `truncate "${schema}".account, "${schema}".hold, "${schema}".entry, "${schema}".change; update "${schema}".counter set seq = 0`,
  )
  return postgresStore({ pool, schema })
}

/** A schema that no other test touches. */
async function fresh(): Promise<string> {
  const schema = `own_${process.pid}_${schemas++}`
  await migrate({ pool, schema })
  return schema
}

describe('postgresStore', () => {
  describe('keeps the contract of a store', () => {
    it.each(testStore(emptied, { concurrent: 64 }).map(({ name, run }) => [name, run] as const))('%s', (_, run) => run())
  })

  it('agrees with the model after every random operation', async () => {
    expect(await runModel({ n: 240, seed: 5, makeStore: emptied })).toEqual({ tried: 240, failed: 0, first: undefined })
  })

  it('answers each operation with the account afterwards', async () => {
    const store = postgresStore({ pool, schema: await fresh() })
    await store.openAccount({ id: 'a', nanoUsd: 100, tokens: 'unlimited', window: 'day:1' })
    await store.openAccount({ id: 'b', parent: 'a', nanoUsd: 'unlimited', tokens: 50 })
    const answer = await store.reserve({ id: 'b' }, { id: 'h', nanoUsd: 30, tokens: 7 })
    expect(answer.ok && answer.reading).toEqual(await store.read('b'))
    const settled = await store.settle({ id: 'b' }, { id: 'h', nanoUsd: 31, tokens: 7 })
    expect(settled.ok && settled.reading).toEqual(await store.read('b'))
    expect(settled.ok && settled.reading?.nanoUsd).toMatchObject({ spent: 31, held: 0, available: 69 })
  })
})
