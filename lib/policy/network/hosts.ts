import { isIP } from 'node:net'
import { parseUrl } from '../../core/parse-url.js'
import { isPublicAddress } from './addresses.js'
import { shown } from '../check-options.js'

/** Where a URL leads, in the form that the platform's `fetch` gives it. */
export interface Place {
  /** Lower case, punycode, no dot at the end; an IPv6 address in brackets. */
  readonly host: string
  readonly port: number
  /** The port is that of the scheme. */
  readonly usualPort: boolean
}

/** What an entry of `allow` lets pass. */
export type HostPattern = (place: Place) => boolean

const usual: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }
/** Names that the public DNS does not have. */
const localName = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|home\.arpa|onion|test|invalid|example)$/
/** Names of metadata services, which hand out credentials: only by their whole name. */
const metadataName =
  /^(metadata(\.google\.internal|\.goog|\.azure\.internal|\.packet\.net|\.platformequinix\.com|\.tencentyun\.com)?|instance-data(\.ec2\.internal)?)$/

/**
 * Reads a URL as `fetch` would. What two readers could take for two places is refused.
 * @returns why it is refused, as text
 */
export function placeOf(url: unknown): Place | string {
  if (typeof url !== 'string' || url === '') return 'there is no URL to judge'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\s\\\u0000-\u001f\u007f]/.test(url)) return 'the URL holds a space, a backslash or a control character'
  const parsed = parseUrl(url)
  if (parsed === undefined) return 'the URL does not parse'
  if (!Object.hasOwn(usual, parsed.protocol)) return `scheme ${shown(parsed.protocol)} is not http or https`
  if (parsed.username !== '' || parsed.password !== '' || /^[a-z]+:\/*[^/?#]*@/i.test(url)) return 'the URL carries credentials'
  return placed(parsed)
}

function placed({ hostname, port, protocol }: URL): Place | string {
  const host = hostname.replace(/\.$/, '')
  if (host === '' || host.split('.').includes('')) return 'the host has an empty label'
  if (port === '0') return 'port 0 is none'
  return { host, port: port === '' ? usual[protocol]! : Number(port), usualPort: port === '' }
}

/** @throws TypeError where an entry of `allow` is none */
export function hostPattern(where: string, entry: string): HostPattern {
  if (entry === 'none') return () => false
  if (entry === 'public') return place => place.usualPort && isPublic(place.host)
  const { wild, name, port } = parts(`${where}: allow`, entry)
  const host = canonicalHost(`${where}: allow`, entry, name)
  const matches = nameMatches(wild, host)
  return place => matches(place.host) && portMatches(place, port)
}

/**
 * The same for a name without a port.
 * @throws TypeError where it is none
 */
export function namePattern(where: string, entry: string): (host: string) => boolean {
  const { wild, name, port } = parts(`${where}: private`, entry)
  if (port !== undefined) throw new TypeError(`${where}: private takes a name without a port; got ${shown(entry)}`)
  return nameMatches(wild, canonicalHost(`${where}: private`, entry, name))
}

/** Label by label. Names of metadata services are not below anything. */
function nameMatches(wild: boolean, host: string): (other: string) => boolean {
  return wild ? other => other.endsWith(`.${host}`) && !metadataName.test(other) : other => other === host
}

function portMatches(place: Place, port: string | undefined): boolean {
  return port === undefined ? place.usualPort : port === '*' || place.port === Number(port)
}

function parts(where: string, entry: string): { readonly wild: boolean; readonly name: string; readonly port: string | undefined } {
  const found = /^(\*\.)?(\[[0-9a-f:.]+\]|[^\s:/@?#[\]*\\]+)(?::(\*|[1-9]\d{0,4}))?$/i.exec(entry)
  if (!found || Number(found[3] ?? 1) > 65_535)
    throw new TypeError(`${where} takes hosts like example.com, *.example.com, example.com:8443, 'public' or 'none'; got ${shown(entry)}`)
  return { wild: found[1] !== undefined, name: found[2]!, port: found[3] }
}

function canonicalHost(where: string, entry: string, name: string): string {
  const place = placeOf(`http://${name}/`)
  if (typeof place === 'string') throw new TypeError(`${where}: ${shown(entry)} is no host: ${place}`)
  return place.host
}

/** A name that the public DNS may have, or an address that is reached over the internet. What a name leads to is another question. */
export function isPublic(host: string): boolean {
  const address = addressIn(host)
  return address === undefined ? !isLocalName(host) && !metadataName.test(host) : isPublicAddress(address)
}

/** A name that the public DNS does not have: it can only lead inside. */
export function isLocalName(host: string): boolean {
  return addressIn(host) === undefined && (!host.includes('.') || localName.test(host))
}

/** The address that stands in the place of a name, without brackets. */
export function addressIn(host: string): string | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  return isIP(bare) === 0 ? undefined : bare
}
