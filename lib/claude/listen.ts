import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveRequest } from './door/serve-request.js'
import { credentialsIn, sameSecret, unauthorised } from './door/token.js'
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

/** Limits and address of `listen()`. */
export interface ListenOptions {
  /** Default 0: any free port. */
  readonly port?: number
  /** Default `127.0.0.1`. Anything beyond loopback must be said here. */
  readonly host?: string
  /** The largest request body, in bytes. Default 67,108,864 (64 MB). */
  readonly maxBodyBytes?: number
}

const known = ['port', 'host', 'maxBodyBytes']

function check(options: ListenOptions): void {
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw new TypeError(`listen: unknown option "${key}"; known are ${known.join(', ')}`)
  const { port = 0, maxBodyBytes = 1 } = options
  if (!(Number.isInteger(port) && port >= 0 && port < 65_536)) throw new RangeError(`listen: port must be from 0 to 65535, got ${port}`)
  if (!(Number.isInteger(maxBodyBytes) && maxBodyBytes > 0))
    throw new RangeError(`listen: maxBodyBytes must be a whole number above 0, got ${maxBodyBytes}`)
}

/**
 * Serves the handler on HTTP. Every request must bear the token, as `x-api-key` or as a bearer.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export async function listen(seam: Seam, options: ListenOptions = {}): Promise<Listening> {
  check(options)
  const { port = 0, host = '127.0.0.1', maxBodyBytes = 64 * 2 ** 20 } = options
  const token = `outrigger-${randomBytes(24).toString('base64url')}`
  const admit = (request: IncomingMessage) => {
    const obstacle = obstacleAt(request, token)
    if (obstacle) throw unauthorised(obstacle)
    return seam
  }
  const server = createServer((request, response) => void serveRequest({ admit, maxBodyBytes }, request, response))
  // The listener stays: an error of the server later on must not end the process.
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, host, resolve))
  server.unref()
  const { port: bound } = server.address() as AddressInfo
  return { baseURL: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, token, close: () => closed(server) }
}

function closed(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Every credential that the client sends must be the token. */
function obstacleAt({ headers }: IncomingMessage, token: string): string | undefined {
  const given = credentialsIn(headers)
  const right = given.filter(value => sameSecret(value, token))
  if (right.length === 0) return 'wrong or missing token: use the one that listen() gave'
  if (right.length < given.length)
    return 'a second credential came with the token: take ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN out of the child, whichever is not the token'
}
