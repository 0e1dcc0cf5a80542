// A send on the same ten sidecars, with 10,000 alive and with ten.
import { createSidecar } from '../../dist/esm/lib/index.js'
import { withBudget, withMetrics, withRetry } from '../../dist/esm/middleware/index.js'
import { compare, row } from '../measure.mjs'

/** Sends on ten of `count` sidecars that stay alive. */
export function sendsAmong(count) {
  const alive = Array.from({ length: Number(count) }, (_, n) =>
    createSidecar({
      agent: { name: `agent-${n}`, send: async message => message },
      use: [withRetry(), withMetrics(), withBudget({ usd: 1 })],
      claude: { apiKey: 'bench' },
    }),
  )
  let n = 0
  return () => alive[n++ % 10].send('hello')
}

export async function manyRow() {
  const among = count => ({ module: import.meta.url, make: 'sendsAmong', args: [count] })
  const facts = { group: 'core', name: 'a send on ten sidecars with 10,000 alive, against 10 alive', unit: 'µs a send', goal: '<= 1.3' }
  return row(facts, await compare(among('10000'), among('10')))
}
