// messages.create over loopback: through the guarded client with three layers, against a bare client of the same SDK.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import { createSidecar } from '../../dist/esm/lib/index.js'
import { withBudget, withMetrics, withRetry } from '../../dist/esm/middleware/index.js'
import { compare, row } from '../measure.mjs'

const request = { model: 'claude-opus-4-8', max_tokens: 100, messages: [{ role: 'user', content: 'Say hello.' }] }

export function guarded(baseURL) {
  const { claude } = createSidecar({
    agent: { name: 'bench', send: async () => '' },
    use: [withRetry(), withMetrics(), withBudget({ usd: 9_000 })],
    claude: { apiKey: 'bench', baseURL },
  }).io
  return () => claude.messages.create(request)
}

export function bare(baseURL) {
  const client = new Anthropic({ apiKey: 'bench', baseURL })
  return () => client.messages.create(request)
}

export async function httpRow() {
  const upstream = fork(new URL('./upstream.mjs', import.meta.url))
  try {
    const [baseURL] = await once(upstream, 'message')
    const facts = {
      group: 'core',
      name: 'messages.create over HTTP through the sidecar, against a bare SDK client',
      unit: 'µs a call',
      goal: '<= 1',
    }
    const side = make => ({ module: import.meta.url, make, args: [baseURL] })
    return row(facts, await compare(side('guarded'), side('bare')))
  } finally {
    upstream.kill()
  }
}
