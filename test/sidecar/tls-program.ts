import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSidecar } from 'outrigger'
import { withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'

/** A process of its own, because it reads its certificates when it starts: fetches over TLS, and says what came of it as JSON. */
const [key, cert] = process.argv.slice(2).map(file => readFileSync(file!))
const asked: string[] = []
const note = (name: string, done: (error: null) => void) => {
  asked.push(name)
  done(null)
}
const server = createServer({ key: key!, cert: cert!, SNICallback: note }, (request, response) => response.end(request.headers.host))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const sidecar = createSidecar({
  agent: { name: 'probe', send: async () => '' },
  use: [withViolations({ rules: [rules.network({ allow: ['*.example.com:*'], private: ['*.example.com'] })] })],
  claude: { apiKey: 'none' },
  lookup: async () => ['127.0.0.1'],
})

async function outcome(name: string): Promise<string> {
  try {
    return await (await sidecar.fetch(`https://${name}:${port}/`)).text()
  } catch (error) {
    return String(((error as Error).cause as { code?: unknown }).code)
  }
}

const answers = [await outcome('site.example.com'), await outcome('other.example.com')]
process.stdout.write(JSON.stringify({ port, answers, asked }))
server.closeAllConnections()
server.close()
