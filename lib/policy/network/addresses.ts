import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Who reaches an address: everybody, over the internet; those in the same network or on the same machine; or nobody who does not name it (link-local,
 * metadata services, reserved ranges, tunnels).
 */
export type Reach = 'public' | 'private' | 'apart'

/** Addresses that a rule names: one by itself, or a range. */
export type AddressPattern = (address: string) => boolean

/** Where clouds answer from inside with credentials, whatever the range says of it: AWS, Alibaba, Azure, Oracle, Google, Scaleway. */
const metadata: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  'fd00:ec2::254',
  'fd00:ec2::23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd20:ce::254',
  'fd00:42::42',
])
const inside: ReadonlySet<string> = new Set(['private', 'loopback', 'carrierGradeNat', 'uniqueLocal'])
const globalIPv6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number]
const nat64 = ipaddr.parseCIDR('64:ff9b::/96') as [ipaddr.IPv6, number]

/**
 * Of an address that a name leads to. An IPv4 address in IPv6, as IPv6-only networks reach it (`::ffff:0:0/96`, `64:ff9b::/96`), counts as what
 * it carries.
 */
export function reachOf(text: string): Reach {
  const address = carried(parsed(text))
  if (metadata.has(address.toString())) return 'apart'
  const range = address.range()
  if (inside.has(range)) return 'private'
  return range === 'unicast' && isGlobal(address) ? 'public' : 'apart'
}

/** An address that is written in a URL. Of IPv6 forms that carry an IPv4 address, none is public: nobody has to write one. */
export function isPublicAddress(text: string): boolean {
  return isSame(carried(parsed(text)), parsed(text)) && reachOf(text) === 'public'
}

/** The one form that equal addresses have; an IPv4 address that IPv6 maps is the IPv4 address. */
export function canonicalAddress(text: string): string {
  const address = parsed(text)
  return isMapped(address) ? address.toIPv4Address().toString() : address.toString()
}

/**
 * Reads an address, or a range like `10.0.0.0/8`. A range does not take along what only an address by itself opens.
 * @returns `undefined` where it is neither
 * @throws RangeError where the prefix is none
 */
export function addressPattern(entry: string): AddressPattern | undefined {
  const [text, prefix, ...rest] = entry.split('/')
  const bare = text!.replace(/^\[(.*)\]$/, '$1')
  if (rest.length > 0 || isIP(bare) === 0 || bare.includes('%')) return undefined
  const address = parsed(bare)
  const whole = address.kind() === 'ipv4' ? 32 : 128
  const bits = prefix === undefined ? whole : bitsOf(prefix, whole)
  if (bits === whole) return other => canonicalAddress(other) === canonicalAddress(bare)
  return other => reachOf(other) !== 'apart' && isWithin(parsed(canonicalAddress(other)), address, bits)
}

function bitsOf(prefix: string, whole: number): number {
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > whole) throw new RangeError(`the prefix must be a number up to ${whole}`)
  return Number(prefix)
}

function isWithin(address: Address, network: Address, bits: number): boolean {
  return address.kind() === network.kind() && (address as ipaddr.IPv6).match(network as ipaddr.IPv6, bits)
}

/** Without the zone, which says on which link of this machine the address is. */
function parsed(text: string): Address {
  return ipaddr.parse(text.replace(/%.*$/, ''))
}

function carried(address: Address): Address {
  if (isMapped(address)) return address.toIPv4Address()
  if (address.kind() === 'ipv4' || !address.match(nat64)) return address
  return new ipaddr.IPv4(address.toByteArray().slice(12))
}

const isMapped = (address: Address): address is ipaddr.IPv6 => address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress()

const isSame = (one: Address, other: Address): boolean => one.kind() === other.kind() && one.toString() === other.toString()

function isGlobal(address: Address): boolean {
  return address.kind() === 'ipv4' || (address.match(globalIPv6) && !isIsatap(address as ipaddr.IPv6))
}

/** An interface identifier that carries the IPv4 address of a tunnel's end. */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return (parts[4]! & 0xfdff) === 0 && parts[5] === 0x5efe
}
