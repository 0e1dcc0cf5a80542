import { runMain } from '../../cli/run-main.js'
import { migrate, postgresStore } from '../../../lib/ledger/postgres/index.js'
import { type Server, sql, startServer } from './server.js'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.end())

const named = (name: string) => `${name}_${process.pid}`
const as = (role: string) => server.url.replace(/\/\/[^@]*@/, `//${role}:secret@`)

describe('migrate', () => {
  it('makes the ledger once, and again changes nothing', async () => {
    const schema = named('once')
    expect(await migrate({ connectionString: server.url, schema })).toEqual({ schema, from: 0, to: 1 })
    expect(await migrate({ connectionString: server.url, schema })).toEqual({ schema, from: 1, to: 1 })
  })

  it('runs once when many start it at once', async () => {
    const schema = named('many')
    const all = await Promise.all(Array.from({ length: 8 }, () => migrate({ connectionString: server.url, schema })))
    expect(all.map(({ from }) => from).sort()).toEqual([0, 1, 1, 1, 1, 1, 1, 1])
    expect(await sql(server.url, `select version from "${schema}".migration`)).toEqual([{ version: 1 }])
  })

  it('leaves books of a newer version alone', async () => {
    const schema = named('newer')
    await migrate({ connectionString: server.url, schema })
    await sql(server.url, `insert into "${schema}".migration (version) values (99)`)
    await expect(migrate({ connectionString: server.url, schema })).rejects.toThrow(/version 99.*update outrigger/)
  })

  it('is all or nothing', async () => {
    const schema = named('half')
    await sql(server.url, `create schema "${schema}"; create table "${schema}".counter (x int)`)
    await expect(migrate({ connectionString: server.url, schema })).rejects.toMatchObject({ name: 'LedgerUnavailableError' })
    expect(await sql(server.url, `select to_regclass('"${schema}".account') as account`)).toEqual([{ account: null }])
  })

  it('is what a store without a ledger asks for', async () => {
    const store = postgresStore({ connectionString: server.url, schema: named('none') })
    await expect(store.read('a')).rejects.toThrow(/run outrigger ledger migrate/)
    await store.close?.()
  })

  it('lets a role use the ledger and touch no table; other roles do not get in', async () => {
    const schema = named('rights')
    const [agent, stranger, owner] = [named('agent'), named('stranger'), named('owner')]
    for (const role of [agent, stranger, owner]) await sql(server.url, `create role ${role} login password 'secret'`)
    await sql(server.url, `create schema "${schema}" authorization ${owner}`)
    await migrate({ connectionString: as(owner), schema, grantTo: [agent] })
    const store = postgresStore({ connectionString: as(agent), schema })
    await store.openAccount({ id: 'a', nanoUsd: 10, tokens: 'unlimited' })
    expect(await store.reserve({ id: 'a' }, { id: 'h', nanoUsd: 10, tokens: 0 })).toMatchObject({ ok: true })
    await store.close?.()
    for (const table of ['account', 'hold', 'entry', 'change', 'counter', 'migration'])
      await expect(sql(as(agent), `select * from "${schema}".${table}`)).rejects.toMatchObject({ code: '42501' })
    await expect(sql(as(agent), `update "${schema}".account set nano_usd_spent = 0`)).rejects.toMatchObject({ code: '42501' })
    const outside = postgresStore({ connectionString: as(stranger), schema })
    await expect(outside.read('a')).rejects.toThrow(/--grant-to/)
    await outside.close?.()
  })
})

describe('outrigger ledger migrate', () => {
  it('migrates the books of the environment, which the other commands then show', async () => {
    const [agent, database] = [named('cli_agent'), named('cli')]
    await sql(server.url, `create role ${agent} login password 'secret'`)
    await sql(server.url, `create database ${database}`)
    const url = server.url.replace(/\/[^/]*$/, `/${database}`)
    const ledger = (...args: string[]) => runMain(['ledger', ...args], { env: { OUTRIGGER_LEDGER: url } })
    expect(await ledger('migrate', '--grant-to', agent)).toEqual({
      code: 0,
      stdout: 'the books in outrigger went from version 0 to 1\n',
      stderr: '',
    })
    expect((await ledger('migrate')).stdout).toContain('nothing was changed')
    const store = postgresStore({ connectionString: url.replace(/\/\/[^@]*@/, `//${agent}:secret@`) })
    await store.openAccount({ id: 'team', nanoUsd: 10_000_000_000, tokens: 'unlimited' })
    await store.close?.()
    expect(await ledger('show')).toMatchObject({ code: 0, stdout: expect.stringContaining('team') })
    expect(await ledger('migrate', '--schema', named('cli_schema'))).toMatchObject({ code: 0 })
  })

  it('refuses what is no server and what is no schema', async () => {
    expect(await runMain(['ledger', 'migrate', '--store', 'sqlite:x'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('postgres://'),
    })
    const wrong = await runMain(['ledger', 'migrate', '--store', server.url, '--schema', 'a b'])
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--schema') })
  })
})
