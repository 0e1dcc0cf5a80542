import { postgresStore } from 'outrigger/ledger/postgres'

// Run as a process of its own: so many reservations of a fixed cost, all at once, each settled; then says how many were admitted.
const [connectionString = '', schema = '', name = '', calls = '', cost = ''] = process.argv.slice(2)
const store = postgresStore({ connectionString, schema, timeoutMs: 600_000 })
const amounts = { nanoUsd: Number(cost), tokens: 0 }

async function pay(id: string): Promise<number> {
  const answer = await store.reserve({ id: 'agent' }, { id, ...amounts })
  if (!answer.ok) return 0
  const settled = await store.settle({ id: 'agent' }, { id, ...amounts })
  if (!settled.ok || settled.repeated) throw new Error(`${id} was not settled once`)
  return 1
}

const paid = await Promise.all(Array.from({ length: Number(calls) }, (_, n) => pay(`${name}-${n}`)))
await store.close?.()
process.stdout.write(String(paid.reduce((sum, one) => sum + one, 0)))
