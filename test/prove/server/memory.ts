import { Agent, request } from 'node:http'
import { question, tokenOf } from '../../server/two-agents.js'
import { startCompanion } from '../../server/start-companion.js'
import type { Proof } from '../proof.js'

const together = 8
const streamed = question.replace('{', '{"stream":true,')

/** Good requests of one agent, plain and streamed in turn, through a stack of layers: what stays in memory. */
export const proof: Proof = {
  group: 'server',
  name: 'the heap after garbage collection is flat over good requests, plain and streamed',
  full: 100_000,
  small: 1_000,
  async run({ n }) {
    const companion = await startCompanion()
    const agent = new Agent({ keepAlive: true, maxSockets: together })
    try {
      // What layers keep of the latest calls is bounded, and full by then.
      const warm = Math.min(5_000, n / 2)
      let failed = await asked(companion.baseURL, agent, warm)
      const { heap: before } = await companion.facts()
      failed += await asked(companion.baseURL, agent, n - warm)
      const { heap, sent, open } = await companion.facts()
      const wrong = [
        ...(sent === n ? [] : [`${sent} of ${n} requests went upstream`]),
        ...(open === 0 ? [] : [`${open} requests were left`]),
        ...(heap <= 1.1 * before ? [] : [`the heap grew from ${before} to ${heap} bytes`]),
      ]
      for (const flaw of wrong) process.stderr.write(`memory: ${flaw}\n`)
      return { tried: n, failed: failed + wrong.length }
    } finally {
      agent.destroy()
      await companion.stop()
    }
  },
}

/** How many of `n` requests did not get their whole answer. */
async function asked(baseURL: string, agent: Agent, n: number): Promise<number> {
  let left = n
  let failed = 0
  const one = async () => {
    while (left-- > 0) if (!(await isAnswered(baseURL, agent, left % 2 === 0 ? question : streamed))) failed++
  }
  await Promise.all(Array.from({ length: together }, one))
  return failed
}

function isAnswered(baseURL: string, agent: Agent, body: string): Promise<boolean> {
  const headers = { 'x-api-key': tokenOf('a'), 'content-length': Buffer.byteLength(body) }
  return new Promise(resolve => {
    const sent = request(`${baseURL}/v1/messages`, { method: 'POST', agent, headers }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve(response.statusCode === 200 && text.includes('Two miles.') && (body === question || text.includes('message_stop'))),
      )
    })
    sent.on('error', () => resolve(false)).end(body)
  })
}
