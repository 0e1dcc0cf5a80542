import Anthropic from '@anthropic-ai/sdk'
import { createSidecar } from 'outrigger'
import { withBudget, withMetrics } from 'outrigger/middleware'
import { createServer, outsideAgent } from 'outrigger/server'
import { mockModel } from 'outrigger/testing'

describe('createServer', () => {
  it('speaks for an agent by its token', async () => {
    const model = mockModel({ otherwise: () => ({ text: 'hello' }) })
    const sidecar = createSidecar({
      agent: outsideAgent('scribe'),
      use: [withMetrics(), withBudget({ usd: 1 })],
      claude: { upstream: model.upstream },
    })
    await using server = disposable(await createServer({ agents: [{ sidecar }] }))
    const { token } = server.agents[0]!
    const client = new Anthropic({ apiKey: token, baseURL: server.baseURL })
    const message = await client.messages.create({ model: 'claude-opus-4-8', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] })
    expect(message.content).toMatchObject([{ type: 'text', text: 'hello' }])
    expect(server.snapshot().agents).toMatchObject([{ name: 'scribe', calls: 1 }])
    const stranger = new Anthropic({ apiKey: 'outrigger-other', baseURL: server.baseURL })
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 })
  })
})

function disposable<T extends { close(): Promise<void> }>(server: T): T & AsyncDisposable {
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() })
}
