import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { ask, until } from '../seam/mounts.js'
import { companion, type TestCompanion, type TestCompanionOptions } from './companion.js'

/** What a client saw of its answer. */
export interface Told {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The connection ended before the answer did. */
  readonly broken: boolean
}

/** A request on a connection of its own. */
export function opened({ baseURL, token }: TestCompanion, body: string): ClientRequest {
  const headers = { 'x-api-key': token, 'content-type': 'application/json' }
  return httpRequest(`${baseURL}/v1/messages`, { method: 'POST', agent: false, headers }).end(body)
}

/** Asks on a connection of its own, which the end of the answer ends. */
export async function asked(ours: TestCompanion, body: string, seen: (text: string) => void = () => {}): Promise<Told> {
  const [response] = (await once(opened(ours, body), 'response')) as [IncomingMessage]
  let text = ''
  let broken = false
  response.setEncoding('utf8').on('data', chunk => {
    text += chunk
    seen(text)
  })
  response.on('error', () => {
    broken = true
  })
  await new Promise(resolve => response.on('close', resolve))
  return { status: response.statusCode!, headers: response.headers, text, broken }
}

export const plain = JSON.stringify(ask)
export const streamed = JSON.stringify({ ...ask, stream: true })

/** The error of an answer, or of the event that ends it. */
export function errorOf({ status, text }: Told): any {
  const json = status === 200 ? text.slice(text.lastIndexOf('event: error\ndata: ')).slice('event: error\ndata: '.length) : text
  return json.startsWith('{') ? JSON.parse(json) : undefined
}

/** How long a companion of `within` waits for its upstream. */
export const deadline = { firstTokenMs: 30_000, idleMs: 10_000 }

/** A server in front of which a companion stands. */
export interface Upstream {
  readonly url: string
  readonly requests: readonly unknown[]
  readonly openSockets: number
  close(): Promise<void>
}

/** A companion in front of a server, while `work` runs. */
export async function within(
  up: Upstream,
  options: TestCompanionOptions,
  work: (ours: TestCompanion, clock: VirtualClock) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock()
  const ours = await companion(up.url, { clock, deadline, ...options })
  try {
    await work(ours, clock)
  } finally {
    const closed = ours.close()
    // Where the work has failed, something may still run.
    await clock.advance(10_000)
    await closed
    await up.close()
  }
}

/** Nothing is left of requests that have ended: no action, no timer, no socket of a client, none of the upstream that is in use. */
export async function nothingLeft(ours: TestCompanion, clock: VirtualClock, up: Upstream): Promise<void> {
  await until(() => ours.sidecar.snapshot().inFlight === 0, 'the end of every action')
  await until(() => ours.sockets.size === 0, 'the end of every socket of a client')
  await until(() => up.openSockets <= 1, 'the end of the sockets to the upstream')
  expect(clock.pending).toBe(0)
}
