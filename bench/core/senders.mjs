// A process that keeps `argv[2]` sidecars alive and times sends on ten of them whenever it is asked to.
import { createSidecar } from '../../dist/esm/lib/index.js'
import { withBudget, withMetrics, withRetry } from '../../dist/esm/middleware/index.js'

const alive = Array.from({ length: Number(process.argv[2]) }, (_, n) =>
  createSidecar({
    agent: { name: `agent-${n}`, send: async message => message },
    use: [withRetry(), withMetrics(), withBudget({ usd: 1 })],
    claude: { apiKey: 'bench' },
  }),
)
const ten = alive.slice(0, 10)

async function timed(sends) {
  const start = process.hrtime.bigint()
  for (let n = 0; n < sends; n++) await ten[n % ten.length].send('hello')
  return Number(process.hrtime.bigint() - start) / 1000 / sends
}

await timed(20_000)
process.on('message', async sends => process.send(await timed(sends)))
process.send('ready')
