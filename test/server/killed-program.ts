import { createSidecar } from 'outrigger'
import { createLedger } from 'outrigger/ledger'
import { sqliteStore } from 'outrigger/ledger/sqlite'
import { withBudget, withMetrics } from 'outrigger/middleware'
import { createServer, outsideAgent } from 'outrigger/server'

// A companion in a process of its own, with books in a file: says where it is, and lives until it is killed, or told to end.
const [path = '', baseURL = '', token = ''] = process.argv.slice(2)
const ledger = createLedger({ store: await sqliteStore({ path, busyMs: 60_000 }) })
const sidecar = createSidecar({
  agent: outsideAgent('scribe'),
  use: [withMetrics(), withBudget({ usd: 1, ledger, account: 'scribe' })],
  claude: { apiKey: 'sk-ant-of-this-test', baseURL },
})
const server = await createServer({ agents: [{ sidecar, token }] })
process.stdout.write(`${server.baseURL}\n`)
process.stdin.resume().once('end', async () => {
  await server.close({ drainMs: 1 })
  await ledger.close()
})
