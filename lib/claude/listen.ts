import type { IncomingMessage, ServerResponse } from 'node:http'
import { within } from '../core/within.js'
import { type Address, addressOf } from './door/address.js'
import { limitNames, limitsOf, type ServerLimits } from './door/limits.js'
import { type Counted, OpenRequests } from './door/open-requests.js'
import { openPort, type Port } from './door/open-port.js'
import { type Door, serveRequest } from './door/serve-request.js'
import { credentialsIn, randomToken, sameSecret, unauthorised } from './door/token.js'
import type { Seam } from './seam.js'

/** The handler on a port of its own, for an agent that is itself a child process. */
export interface Listening {
  /** What the child gets as `ANTHROPIC_BASE_URL`. */
  readonly baseURL: string
  /** What the child gets as `ANTHROPIC_API_KEY`. It opens this port and nothing else. */
  readonly token: string
  /** Stops listening and ends open requests. */
  close(): Promise<void>
}

/** Address and limits of `listen()`: those of a companion. */
export interface ListenOptions extends Address, ServerLimits {}

const known: readonly string[] = ['host', 'port', 'hosts', ...limitNames]

function refuseUnknown(options: ListenOptions): void {
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw new TypeError(`listen: unknown option "${key}"; known are ${known.join(', ')}`)
}

/**
 * Serves the handler on HTTP. Every request must bear the token, as `x-api-key` or as a bearer.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export async function listen(seam: Seam, options: ListenOptions = {}): Promise<Listening> {
  refuseUnknown(options)
  const address = addressOf('listen', options)
  const limits = limitsOf('listen', options)
  const token = randomToken()
  const open = new OpenRequests(limits.maxOpenRequests)
  const door = doorOf(seam, token, open, limits.maxBodyBytes)
  const port = await openPort(address, limits, (request, response) => void serveRequest(door, request, response))
  port.unref()
  return { baseURL: port.baseURL, token, close: () => closed(seam, port, open) }
}

// How long the answers of what has ended may take to flow out, in milliseconds.
const flowOutMs = 1_000

async function closed({ runtime }: Seam, port: Port, open: OpenRequests): Promise<void> {
  if (runtime.reaped !== undefined) await within(runtime.clock, flowOutMs, open.idle())
  await port.close()
}

function doorOf(seam: Seam, token: string, open: OpenRequests, maxBodyBytes: number): Door {
  const counted: Counted = { open: 0 }
  const admit = (request: IncomingMessage, response: ServerResponse) => {
    const obstacle = obstacleAt(request, token)
    if (obstacle) throw unauthorised(obstacle)
    open.enter(counted, response)
    return seam
  }
  return { maxBodyBytes, admit }
}

/** Every credential that the client sends must be the token. */
function obstacleAt({ headers }: IncomingMessage, token: string): string | undefined {
  const given = credentialsIn(headers)
  const right = given.filter(value => sameSecret(value, token))
  if (right.length === 0) return 'wrong or missing token: use the one that listen() gave'
  if (right.length < given.length)
    return 'a second credential came with the token: take ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN out of the child, whichever is not the token'
}
