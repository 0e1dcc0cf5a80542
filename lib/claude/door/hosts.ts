import type { IncomingMessage } from 'node:http'
import { type FullAddress, inUrl } from './address.js'

const loopback = ['localhost', '127.0.0.1', '::1']
const everyAddress = new Set(['0.0.0.0', '::'])

/**
 * The `Host` headers that a port answers to. A page in a browser can have its own name point at loopback (DNS rebinding), but its requests
 * then bear that name.
 */
export class HostNames {
  readonly #names: ReadonlySet<string>
  readonly #port: number
  /** Bound to every address: the one that a connection came to is ours too. */
  readonly #everywhere: boolean

  constructor({ host, hosts }: FullAddress, port: number) {
    const own = [...loopback, host].map(name => `${inUrl(name)}:${port}`)
    const listed = hosts.flatMap(name => (/:\d+$/.test(name) ? name : [name, `${name}:${port}`]))
    // A client leaves the port of plain HTTP out.
    const short = port === 80 ? [...loopback, host].map(inUrl) : []
    this.#names = new Set([...own, ...listed, ...short].map(name => name.toLowerCase()))
    this.#port = port
    this.#everywhere = everyAddress.has(host)
  }

  /** Does the request name this port? */
  admits({ headers: { host = '' }, socket }: IncomingMessage): boolean {
    if (this.#names.has(host) || this.#names.has(host.toLowerCase())) return true
    const { localAddress } = socket
    return this.#everywhere && localAddress !== undefined && host === `${inUrl(localAddress.replace(/^::ffff:/, ''))}:${this.#port}`
  }
}
