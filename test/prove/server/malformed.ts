import { Agent, request } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { question, tokenOf } from '../../server/two-agents.js'
import { type Malformed, malformedRequests } from '../../server/malformed-requests.js'
import { type StartedCompanion, startCompanion } from '../../server/start-companion.js'
import { rawClient } from '../../support/raw-client.js'
import type { Proof, Tally } from '../proof.js'

/** At once: as many slow senders wait for their time-out together. */
const together = 100
// Long for a machine that has other things to do; a client that is never answered is a failure.
const patienceMs = 60_000

/** Malformed requests of one agent over raw connections, while the other goes on working: what each comes to, what goes upstream, what stays in memory. */
export const proof: Proof = {
  group: 'server',
  name: 'malformed requests are answered 4xx or cut off, go nowhere, stay nowhere, and disturb no other agent',
  full: 10_000,
  small: 200,
  async run({ n, seed }) {
    const companion = await startCompanion({ headersTimeoutMs: 1_000, requestTimeoutMs: 1_000, maxBodyBytes: 100_000 })
    try {
      return await tried(companion, fc.sample(malformedRequests(new URL(companion.baseURL)), { numRuns: n, seed }))
    } finally {
      await companion.stop()
    }
  },
}

async function tried(companion: StartedCompanion, requests: readonly Malformed[]): Promise<Tally> {
  const other = new Neighbour(companion.baseURL)
  const warm = Math.min(1_000, Math.ceil(requests.length / 2))
  // What layers keep of the latest good calls is bounded, and full by then.
  await other.asks(Math.min(5_000, requests.length))
  let failed = 0
  let after: number | undefined
  for (let at = 0; at < requests.length; at += together) {
    const batch = Promise.all(requests.slice(at, at + together).map(each => flawOf(companion.baseURL, each)))
    const flaws = await other.meanwhile(batch)
    for (const flaw of flaws) if (flaw !== undefined) failed += said(flaw)
    if (after === undefined && at + together >= warm) after = (await settled(companion)).heap
  }
  const { heap, sent, open, sockets } = await settled(companion)
  other.end()
  failed += other.failed
  if (sent !== other.good) failed += said(`${sent} requests went upstream, ${other.good} were good`)
  if (open !== 0 || sockets > 1) failed += said(`${open} requests and ${sockets} connections were left`)
  if (heap > 1.1 * after!) failed += said(`the heap grew from ${after} to ${heap} bytes`)
  return { tried: requests.length, failed }
}

/** When every connection but the neighbour's has gone. */
async function settled(companion: StartedCompanion) {
  for (const last = performance.now() + patienceMs; ; ) {
    const facts = await companion.facts()
    if (facts.sockets <= 1 || performance.now() > last) return facts
    await turn()
  }
}

async function flawOf(baseURL: string, { kind, pieces, after }: Malformed): Promise<string | undefined> {
  const client = rawClient(baseURL)
  for (const piece of pieces) {
    client.send(piece)
    await turn()
  }
  if (after === 'ends') client.socket.end()
  if (after === 'goes') return void client.socket.destroy()
  const patience = setTimeout(() => client.socket.destroy(new Error('never answered')), patienceMs)
  const text = await client.closed()
  clearTimeout(patience)
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))
  const fine = text === '' || (statuses.length === 1 && statuses[0]! >= 400 && statuses[0]! < 500 && text.includes('"type":"error"'))
  return fine && !client.socket.errored?.message.includes('never')
    ? undefined
    : `${kind}: ${JSON.stringify(text.slice(0, 200))} for ${JSON.stringify(Buffer.concat(pieces).toString('latin1').slice(0, 400))}`
}

/** Another agent that asks one good question after the other, over one connection. */
class Neighbour {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #baseURL: string
  good = 0
  failed = 0

  constructor(baseURL: string) {
    this.#baseURL = baseURL
  }

  async meanwhile<T>(work: Promise<T>): Promise<T> {
    let over = false
    const ended = work.finally(() => {
      over = true
    })
    do await this.#ask()
    while (!over)
    return ended
  }

  async asks(n: number): Promise<void> {
    for (let done = 0; done < n; done++) await this.#ask()
  }

  end(): void {
    this.#agent.destroy()
  }

  async #ask(): Promise<void> {
    const answer = await this.#answer()
    if (answer === '200 true') this.good++
    else this.failed += said(`a good request of another agent got ${answer}`)
  }

  #answer(): Promise<string> {
    const headers = { 'x-api-key': tokenOf('b'), 'content-length': Buffer.byteLength(question) }
    return new Promise(resolve => {
      const asked = request(`${this.#baseURL}/v1/messages`, { method: 'POST', agent: this.#agent, headers }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve(`${response.statusCode} ${text.includes('Two miles.')}`))
      })
      asked.on('error', error => resolve(error.message)).end(question)
    })
  }
}

function said(flaw: string): 1 {
  process.stderr.write(`malformed: ${flaw}\n`)
  return 1
}
