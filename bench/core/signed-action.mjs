// One model action through the five layers, with its record and without, against the same generateText: what an action costs that is judged,
// counted, paid for and signed, before and after.
import { memoryLog } from '../../dist/esm/lib/ctx/index.js'
import { rules } from '../../dist/esm/lib/policy/index.js'
import { withBudget, withMetrics, withRetry, withSigning, withViolations } from '../../dist/esm/middleware/index.js'
import { compare, row } from '../measure.mjs'
import { actionThrough } from './model-action.mjs'

const inner = () => [
  withViolations({ rules: [rules.maxTokens(1_000), rules.tools({ deny: ['Bash'] })] }),
  withRetry(),
  withMetrics(),
  withBudget({ usd: 9_000 }),
]
const log = () => memoryLog({ maxBytes: Number.POSITIVE_INFINITY })

export const unsigned = () => actionThrough(inner())
export const signed = () => actionThrough([withSigning({ log: log() }), ...inner()])
export const batched = () => actionThrough([withSigning({ log: log(), batchMs: 5 }), ...inner()])

const against = async (name, make, goal) => {
  const peer = { module: new URL('./model-action.mjs', import.meta.url), make: 'peer' }
  const facts = { group: 'core', name: `five-layer model action${name}, against AI SDK generateText`, unit: 'µs an action', goal }
  return row(facts, await compare({ module: import.meta.url, make }, peer))
}

export const unsignedRow = () => against(' without signing', 'unsigned', '<= 0.06')
export const signedRow = () => against(', signed (intent and outcome, log in memory)', 'signed', '<= 0.75')
export const batchedRow = () => against(', group-committed (intent and outcome, log in memory)', 'batched', '<= 0.25')
