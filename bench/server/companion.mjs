// Our side: a companion with the full stack, its record signed in batches, in memory or below a folder. argv: upstream, folder or ''.
import { createSidecar } from '../../dist/esm/lib/index.js'
import { fileLog, memoryLog } from '../../dist/esm/lib/ctx/index.js'
import { rules } from '../../dist/esm/lib/policy/index.js'
import { createServer, outsideAgent } from '../../dist/esm/lib/server/index.js'
import {
  withBudget,
  withDeadline,
  withHealth,
  withLimit,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
} from '../../dist/esm/middleware/index.js'
import { ready } from './ready.mjs'

const [, , upstream, folder] = process.argv
const log = folder ? fileLog({ dir: folder }) : memoryLog({ maxBytes: Number.POSITIVE_INFINITY })

const sidecar = createSidecar({
  agent: outsideAgent('bench'),
  use: [
    withHealth(),
    withSigning({ log, batchMs: 50, files: 'none' }),
    withViolations({ rules: [rules.maxTokens(8_000), rules.tools({ deny: ['Task'] }), rules.commands({ deny: ['rm', 'curl'] })] }),
    withRetry(),
    withLimit({ concurrency: 256 }),
    withDeadline({ idleMs: 60_000 }),
    withMetrics(),
    withBudget({ usd: 1_000_000 }),
  ],
  claude: { apiKey: 'bench', baseURL: upstream },
})
const server = await createServer({ agents: [{ sidecar }] })

function heap() {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

process.on('message', () => process.send(heap()))
ready({ url: server.baseURL, headers: { 'x-api-key': server.agents[0].token } })
