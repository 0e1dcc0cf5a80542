import { ADDRCONFIG } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { fetchFailed } from './fetch-failed.js'

/** Finds the addresses of a host name, IPv4 or IPv6, as text. Rejects where it has none. */
export type Lookup = (host: string) => Promise<readonly string[]>

/** As the platform's `fetch` finds them: by the operating system. */
export const systemLookup: Lookup = async host => (await lookup(host, { all: true, hints: ADDRCONFIG })).map(({ address }) => address)

/**
 * Asks, and takes only addresses for an answer.
 * @throws TypeError as `fetch` does, where there are none
 */
export async function addressesOf(host: string, ask: Lookup): Promise<readonly string[]> {
  const found: unknown = await asked(host, ask)
  if (!Array.isArray(found) || found.length === 0) throw fetchFailed('the lookup of the host gave no address')
  if (!found.every(address => typeof address === 'string' && isIP(address) !== 0))
    throw fetchFailed('the lookup of the host gave something else than addresses')
  return Object.freeze([...found])
}

async function asked(host: string, ask: Lookup): Promise<unknown> {
  try {
    return await ask(host)
  } catch (error) {
    throw fetchFailed(error)
  }
}
