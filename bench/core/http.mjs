// messages.create over loopback: through the guarded client and five layers' worth of care, against a bare client of the same SDK.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import { createSidecar } from '../../dist/esm/lib/index.js'
import { withBudget, withMetrics, withRetry } from '../../dist/esm/middleware/index.js'
import { compare, row } from '../measure.mjs'

const request = { model: 'claude-opus-4-8', max_tokens: 100, messages: [{ role: 'user', content: 'Say hello.' }] }

export async function httpRow() {
  const upstream = fork(new URL('./upstream.mjs', import.meta.url))
  try {
    const [baseURL] = await once(upstream, 'message')
    const bare = new Anthropic({ apiKey: 'bench', baseURL })
    const sidecar = createSidecar({
      agent: { name: 'bench', send: async () => '' },
      use: [withRetry(), withMetrics(), withBudget({ usd: 9_000 })],
      claude: { apiKey: 'bench', baseURL },
    })
    const { claude } = sidecar.io
    const facts = {
      group: 'core',
      name: 'messages.create over HTTP through the sidecar, against a bare SDK client',
      unit: 'µs a call',
      goal: '<= 1',
    }
    return row(
      facts,
      await compare(
        () => claude.messages.create(request),
        () => bare.messages.create(request),
        { rounds: 31 },
      ),
    )
  } finally {
    upstream.kill()
  }
}
