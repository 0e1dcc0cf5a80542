import { createSidecar } from '../../lib/index.js'
import { withBudget } from '../../middleware/index.js'
import { startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'

const model = 'claude-haiku-4-5'
const text = 'x'.repeat(1_000)
const start = (named: string) => ({
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: named,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 1 },
  },
})
const events = (usage: object, named = model) => [
  start(named),
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
  { type: 'message_stop' },
]

async function charged(stream: readonly object[]) {
  const server = await startServer(script.events(stream as never))
  const sidecar = createSidecar({
    agent: {
      name: 'odd',
      send: async (_: string, { claude }) => {
        const request = { model, max_tokens: 2_000, messages: [{ role: 'user' as const, content: 'Hi' }] }
        return claude.messages.stream(request).finalMessage()
      },
    },
    use: [withBudget({ usd: 1 })],
    claude: { apiKey: 'sk-test', baseURL: server.url },
  })
  try {
    const { usage, nanoUsd } = await sidecar.call('go')
    return { usage, nanoUsd, budget: sidecar.budget.nanoUsd as { readonly spent: number; readonly held: number } }
  } finally {
    await server.close()
  }
}

describe('a whole stream with odd usage', () => {
  it('that never says the output is charged for what was seen at least, and called estimated', async () => {
    const { usage, budget } = await charged(events({}))
    expect(usage.certainty).toBe('estimated')
    expect(usage.output).toBeGreaterThanOrEqual(text.length)
    expect(budget).toMatchObject({ held: 0 })
    expect(budget.spent).toBeGreaterThanOrEqual(text.length * 5_000)
  })

  it('from a model that nobody knows is charged as the model that was asked for', async () => {
    const { nanoUsd } = await charged(events({ output_tokens: 100 }, 'gateway/internal-7'))
    expect(nanoUsd).toBe(10 * 1_000 + 100 * 5_000)
  })

  it('with figures beyond reason keeps the hold as unknown: never zero, never a crash', async () => {
    const { usage, budget } = await charged(events({ output_tokens: 2 ** 50 }))
    expect(usage.certainty).toBe('unknown')
    expect(budget.spent).toBe(0)
    expect(budget.held).toBeGreaterThan(0)
  })
})
