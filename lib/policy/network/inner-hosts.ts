import { type AddressPattern, addressPattern, reachOf } from './addresses.js'
import { isLocalName, namePattern, type Place } from './hosts.js'

/** Does a rule want this host to be reached at this address, which is not public? */
export type InnerHosts = (place: Place, address: string) => boolean

/**
 * What the option `private` says: names may lead to private addresses, all but those apart; addresses and ranges may be led to by any host that is
 * allowed. A name that the public DNS does not have can only be meant so.
 * @throws TypeError where an entry is none
 */
export function innerHosts(where: string, entries: readonly string[]): InnerHosts {
  const addresses: AddressPattern[] = []
  const names: ((host: string) => boolean)[] = [isLocalName]
  for (const entry of entries) {
    const pattern = readAddress(where, entry)
    if (pattern) addresses.push(pattern)
    else names.push(namePattern(where, entry))
  }
  return ({ host }, address) =>
    addresses.some(takes => takes(address)) || (reachOf(address) === 'private' && names.some(matches => matches(host)))
}

function readAddress(where: string, entry: string): AddressPattern | undefined {
  try {
    return addressPattern(entry)
  } catch (error) {
    throw new TypeError(`${where}: private: ${JSON.stringify(entry)} is no range: ${(error as Error).message}`)
  }
}
