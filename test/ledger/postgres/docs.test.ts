import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate, postgresStore } from '../../../lib/ledger/postgres/index.js'
import { type Server, sql, startServer } from './server.js'

const page = readFileSync(join(__dirname, '../../../docs/running-on-postgres.md'), 'utf8')
const fences = [...page.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(match => match[1]!)
/** Each name made new, so that a server that is given can be used again. */
const own = (text: string) => text.replace(/outrigger_(owner|agent|auditor)|\bledger\b/g, name => `${name}_${process.pid}`)
const as = (url: string, role: string, password: string) =>
  own(url.replace(/\/\/[^@]*@/, `//${role}:${encodeURIComponent(password)}@`).replace(/\/[^/]*$/, '/ledger'))

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.end())

describe('docs/running-on-postgres.md', () => {
  it('works as it is written, from the roles to an audit', async () => {
    for (const statement of own(fences[0]!).split('\n').filter(Boolean)) await sql(server.url, statement)
    const owner = as(server.url, 'outrigger_owner', 'change me')
    expect(await migrate({ connectionString: owner, grantTo: [own('outrigger_agent')] })).toMatchObject({ from: 0 })
    const store = postgresStore({ connectionString: as(server.url, 'outrigger_agent', 'change me, too') })
    await store.openAccount({ id: 'a', nanoUsd: 10, tokens: 'unlimited' })
    expect(await store.reserve({ id: 'a' }, { id: 'h', nanoUsd: 4, tokens: 0 })).toMatchObject({ ok: true })
    await store.close?.()
    const [roles, ...grants] = own(fences[1]!).split('\n').filter(Boolean)
    await sql(server.url, roles!)
    for (const grant of grants) await sql(owner, grant)
    const seen = await sql(as(server.url, 'outrigger_auditor', 'change me as well'), 'select id, nano_usd_held from outrigger.account')
    expect(seen).toEqual([{ id: 'a', nano_usd_held: '4' }])
  })

  it('has a row for each option', () => {
    const options = ['connectionString', 'pool', 'schema', 'timeoutMs', 'maxConnections', 'durability']
    expect([...page.matchAll(/^\| `(\w+)` \| /gm)].map(match => match[1])).toEqual(options)
  })
})
