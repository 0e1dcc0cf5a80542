/** Where a port is opened, and by which names clients may call it. */
export interface Address {
  /** Default `127.0.0.1`. Anything beyond loopback must be said here. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /**
   * Names besides the bound address and loopback's that may stand in a request's `Host`: that of a container, of a proxy before the port.
   * `'name'` stands for the name with this port and without one, `'name:8080'` for itself. Default: none.
   */
  readonly hosts?: readonly string[]
}

/** An address with its defaults. */
export type FullAddress = Required<Address>

const hostPattern = /^(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i

/** @throws TypeError or RangeError with the value and the fix */
export function addressOf(where: string, { host = '127.0.0.1', port = 0, hosts = [] }: Address): FullAddress {
  if (typeof host !== 'string' || host === '') throw new TypeError(`${where}: host must be an address to listen on, like '127.0.0.1'`)
  if (!(Number.isInteger(port) && port >= 0 && port < 65_536)) throw new RangeError(`${where}: port must be from 0 to 65535, got ${port}`)
  if (!Array.isArray(hosts)) throw new TypeError(`${where}: hosts must be a list of names, like ['host.docker.internal']`)
  for (const name of hosts)
    if (typeof name !== 'string' || !hostPattern.test(name))
      throw new TypeError(`${where}: hosts: ${JSON.stringify(name)} is no host; write 'name', 'name:port' or '[address]:port'`)
  return { host, port, hosts }
}

/** An address as it stands in a URL. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
