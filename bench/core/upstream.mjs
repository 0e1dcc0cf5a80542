// A Messages API server in a process of its own: one fixed answer, as fast as Node writes it.
import { createServer } from 'node:http'

const answer = JSON.stringify({
  id: 'msg_bench',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-4-8',
  stop_reason: 'end_turn',
  stop_sequence: null,
  content: [{ type: 'text', text: 'hello' }],
  usage: { input_tokens: 12, output_tokens: 4, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
})

const server = createServer((request, response) => {
  request.resume().once('end', () => response.writeHead(200, { 'content-type': 'application/json', 'request-id': 'req_bench' }).end(answer))
})
server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}`))
process.once('disconnect', () => process.exit())
