// A reservation and its settling on books in PostgreSQL: three levels of accounts, history, on the disk when it answers. Against two bare
// round trips of the same client to the same server, each of which puts one row on the disk: less cannot be durable.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Pool } from 'pg'
import { migrate, postgresStore } from '../../dist/esm/lib/ledger/postgres/index.js'
import { compare, row } from '../measure.mjs'

const cost = { nanoUsd: 1_000, tokens: 10 }
const most = 9_007_199_254_740_991

/** Books with an account two levels below the root, beside so many others. */
async function filled(url, schema, others) {
  const pool = new Pool({ connectionString: url })
  await migrate({ pool, schema })
  const store = postgresStore({ pool, schema })
  const open = (id, parent) => store.openAccount({ id, parent, nanoUsd: most, tokens: 'unlimited' })
  await open('organisation')
  await open('project', 'organisation')
  await open('task', 'project')
  await pool.query(`insert into ${schema}.account select (jsonb_populate_record(a, jsonb_build_object('key', n, 'id', 'other-' || n,
    'path', to_jsonb(a.path[1:2] || n)))).* from ${schema}.account a, generate_series(1000, 999 + ${others}) n where a.id = 'task'`)
  await pool.query(`select setval('${schema}.account_key', ${others + 1_000}); `)
  await pool.query(`vacuum analyze ${schema}.account`)
  await pool.end()
}

export async function pair(connectionString, schema) {
  const store = postgresStore({ connectionString, schema, maxConnections: 1 })
  let calls = 0
  const run = `${process.pid}-${Date.now()}`
  return async () => {
    const id = `${run}-${calls++}`
    await store.reserve({ id: 'task' }, { id, ...cost })
    await store.settle({ id: 'task' }, { id, ...cost })
  }
}

export async function bare(connectionString) {
  const pool = new Pool({ connectionString, max: 1 })
  await pool.query('create table if not exists bare (id int primary key, n bigint); truncate bare; insert into bare values (1, 0)')
  const once = () => pool.query({ name: 'bare', text: 'update bare set n = n + 1 where id = $1', values: [1] })
  return async () => {
    await once()
    await once()
  }
}

async function onServer(work) {
  const server = fork(new URL('../../test/ledger/postgres/server-process.mjs', import.meta.url))
  try {
    const [{ url }] = await once(server, 'message')
    return await work(url)
  } finally {
    server.disconnect()
    await once(server, 'exit')
  }
}

const side = (make, ...args) => ({ module: import.meta.url, make, args })

export const postgresPairRow = () =>
  onServer(async url => {
    await filled(url, 'books', 10)
    const name = 'PostgreSQL: reserve and settle, against two bare round trips that each put a row on the disk'
    return row({ group: 'ledger', name, unit: 'µs a pair', goal: '<= 1.5' }, await compare(side('pair', url, 'books'), side('bare', url)))
  })

export const postgresFlatRow = () =>
  onServer(async url => {
    await filled(url, 'few', 10)
    await filled(url, 'many', 100_000)
    const name = 'PostgreSQL: reserve and settle beside 100,000 accounts, against beside 10'
    return row(
      { group: 'ledger', name, unit: 'µs a pair', goal: '<= 1.3' },
      await compare(side('pair', url, 'many'), side('pair', url, 'few')),
    )
  })
