// What 10,000 sidecars with three layers weigh.
import { createSidecar } from '../../dist/esm/lib/index.js'
import { withBudget, withMetrics, withRetry } from '../../dist/esm/middleware/index.js'
import { row } from '../measure.mjs'

const most = 16 * 1024

function sidecar(n) {
  return createSidecar({
    agent: { name: `agent-${n}`, send: async message => message },
    use: [withRetry(), withMetrics(), withBudget({ usd: 1 })],
    claude: { apiKey: 'bench' },
  })
}

function used() {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

export async function heapRow() {
  const warm = sidecar(-1)
  const before = used()
  const alive = Array.from({ length: 10_000 }, (_, n) => sidecar(n))
  const bytes = (used() - before) / alive.length
  if (warm.state !== alive.at(-1).state) throw new Error('the sidecars are not alike')
  return row(
    { group: 'core', name: 'heap of a sidecar, of 10,000, after GC, against 16 kB', unit: 'bytes', goal: '<= 1' },
    { ours: bytes, peer: most, ratio: bytes / most },
  )
}
