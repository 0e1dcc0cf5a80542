// A companion in a process of its own, so that its heap is its own: started with `--expose-gc` and the limits as JSON. Says its facts when asked.
import { setImmediate as turn } from 'node:timers/promises'
import { createSidecar } from 'outrigger'
import { withBudget, withHealth, withMetrics, withRetry, withViolations } from 'outrigger/middleware'
import { createServer, outsideAgent } from 'outrigger/server'

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  content: [{ type: 'text', text: 'Two miles.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 3 },
}

const events = [
  { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 10, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Two miles.' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 3 } },
  { type: 'message_stop' },
]

const whole = JSON.stringify(message)
const streamed = events.map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
let sent = 0

async function* once(text: string) {
  yield text
}

const sidecarOf = (name: string) =>
  createSidecar({
    agent: outsideAgent(name),
    use: [withHealth(), withViolations({ rules: [] }), withRetry(), withMetrics(), withBudget({ usd: 'unlimited', tokens: 'unlimited' })],
    claude: {
      upstream: async ({ body = '' }) => {
        sent++
        const stream = body.includes('"stream":true')
        const headers = { 'content-type': stream ? 'text/event-stream' : 'application/json' }
        return { status: 200, headers, body: once(stream ? streamed : whole) }
      },
    },
  })

const server = await createServer({
  agents: ['a', 'b'].map(name => ({ sidecar: sidecarOf(name), token: `outrigger-token-of-${name}` })),
  limits: JSON.parse(process.argv[2] ?? '{}'),
})

async function facts() {
  // What ended in this turn is garbage in the next.
  for (let n = 0; n < 3; n++) {
    await turn()
    ;(globalThis as { gc?: () => void }).gc!()
  }
  const sockets = process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
  const open = server.snapshot().agents.reduce((sum, agent) => sum + agent.open, 0)
  return { baseURL: server.baseURL, sent, open, sockets, heap: process.memoryUsage().heapUsed, rss: process.memoryUsage().rss }
}

process.on('message', () => void facts().then(told => process.send!(told)))
process.on('disconnect', () => void server.close({ drainMs: 0 }).then(() => process.exit(0)))
