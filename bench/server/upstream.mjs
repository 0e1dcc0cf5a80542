// A Messages API in a process of its own: one fixed answer, whole or as a stream, as fast as Node writes it.
import { createServer } from 'node:http'
import { ready } from './ready.mjs'

const usage = { input_tokens: 12, output_tokens: 4, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
const facts = { id: 'msg_bench', type: 'message', role: 'assistant', model: 'claude-opus-4-8', stop_sequence: null }
const text = 'Hello. What can I do for you today?'
const answer = JSON.stringify({ ...facts, stop_reason: 'end_turn', content: [{ type: 'text', text }], usage })

const events = [
  { type: 'message_start', message: { ...facts, stop_reason: null, content: [], usage } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ...text.split(' ').map(word => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: `${word} ` } })),
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
  { type: 'message_stop' },
].map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)

function stream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_bench' })
  for (const event of events) response.write(event)
  response.end()
}

const whole = response =>
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer), 'request-id': 'req_bench' })
    .end(answer)

const server = createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.once('end', () => (Buffer.concat(parts).includes('"stream":true') ? stream(response) : whole(response)))
})
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${server.address().port}` }))
