/** Four bytes of an IPv4 address. */
export type Octets = readonly [number, number, number, number]

/** Chooses a whole number below `n`. */
export type Choose = (n: number) => number

const value = ([a, b, c, d]: Octets): number => a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d
const hex = (n: number, width = 0): string => n.toString(16).padStart(width, '0')
const pair = (a: number, b: number): string => hex(a * 256 + b)
const halves = ([a, b, c, d]: Octets): string => `${pair(a, b)}:${pair(c, d)}`

/** One number as the URL standard reads it. */
const numerals: readonly ((n: number, choose: Choose) => string)[] = [
  n => String(n),
  n => `0${n.toString(8)}`,
  (n, choose) => `${'0'.repeat(1 + choose(5))}${n.toString(8)}`,
  n => `0x${hex(n)}`,
  n => `0X${hex(n).toUpperCase()}`,
  (n, choose) => `0x${'0'.repeat(choose(5))}${hex(n)}`,
]

/** Letters that the URL standard takes for a digit, a dot or nothing. */
const disguises: readonly ((text: string, choose: Choose) => string)[] = [
  text => text,
  text => `${text}.`,
  text => text.replaceAll('.', '。'),
  text => text.replaceAll('.', '．'),
  text => text.replaceAll('.', '%2e'),
  text => text.replace(/[0-9]/g, digit => String.fromCodePoint(0xff10 + Number(digit))),
  text => text.replace(/[1-9]/g, digit => String.fromCodePoint(0x2460 + Number(digit) - 1)),
  text => text.replace(/[0-9]/g, digit => String.fromCodePoint(0x1d7ce + Number(digit))),
  text => text.replace(/[0-9]/g, digit => `%3${digit}`),
  (text, choose) => {
    const at = choose(text.length)
    return `${text.slice(0, at)}%${hex(text.charCodeAt(at), 2)}${text.slice(at + 1)}`
  },
  (text, choose) => {
    const at = choose(text.length)
    return `${text.slice(0, at)}\u00ad${text.slice(at)}`
  },
]

/** The parts of an address in dotted form: the last of one, two, three or four takes the rest. */
function partsOf(octets: Octets, count: number): readonly number[] {
  const rest = value(octets) % 2 ** (8 * (5 - count))
  return [...octets.slice(0, count - 1), rest]
}

function dotted(octets: Octets, choose: Choose): string {
  const parts = partsOf(octets, 1 + choose(4))
  return disguises[choose(disguises.length)]!(parts.map(part => numerals[choose(numerals.length)]!(part, choose)).join('.'), choose)
}

/** IPv6 addresses by which an IPv4 address is reached, or said to be. */
const carriers: Readonly<Record<string, (octets: Octets) => string>> = {
  mapped: octets => `::ffff:${octets.join('.')}`,
  'mapped, in hex': octets => `::ffff:${halves(octets)}`,
  'mapped, in full': octets => `0000:0000:0000:0000:0000:ffff:${halves(octets)}`,
  'mapped, upper case': octets => `::FFFF:${halves(octets).toUpperCase()}`,
  compatible: octets => `::${octets.join('.')}`,
  'compatible, in hex': octets => `::${halves(octets)}`,
  translated: octets => `::ffff:0:${octets.join('.')}`,
  NAT64: octets => `64:ff9b::${octets.join('.')}`,
  'NAT64, in hex': octets => `64:ff9b::${halves(octets)}`,
  'local NAT64': octets => `64:ff9b:1::${halves(octets)}`,
  '6to4': octets => `2002:${halves(octets)}::1`,
  'Teredo, server': octets => `2001:0:${halves(octets)}::1`,
  'Teredo, client': octets => `2001:0:808:808:0:0:${halves(octets.map(octet => octet ^ 255) as unknown as Octets)}`,
  ISATAP: octets => `2001:470:1:2:0:5efe:${halves(octets)}`,
  'ISATAP, universal': octets => `2001:470:1:2:200:5efe:${halves(octets)}`,
}

/** Ways to write an IPv4 address in a URL, by name. All but those with a zone are read by the URL standard. */
export const encodings: Readonly<Record<string, (octets: Octets, choose: Choose) => string>> = {
  dotted,
  ...Object.fromEntries(Object.entries(carriers).map(([name, write]) => [name, (octets: Octets) => `[${write(octets)}]`])),
  'mapped, with a zone': octets => `[::ffff:${octets.join('.')}%25eth0]`,
  'mapped, with a bare zone': octets => `[::ffff:${octets.join('.')}%eth0]`,
}

/** The same as a resolver would give them. */
export const resolved: Readonly<Record<string, (octets: Octets) => string>> = { itself: octets => octets.join('.'), ...carriers }

/** Ranges of IPv4 that are no place of the internet, as first byte and so on: from the special-purpose registry of IANA. */
export const innerIPv4: readonly (readonly [name: string, network: Octets, bits: number])[] = [
  ['this network', [0, 0, 0, 0], 8],
  ['private', [10, 0, 0, 0], 8],
  ['carrier-grade NAT', [100, 64, 0, 0], 10],
  ['loopback', [127, 0, 0, 0], 8],
  ['link-local', [169, 254, 0, 0], 16],
  ['metadata', [169, 254, 169, 254], 32],
  ['private', [172, 16, 0, 0], 12],
  ['protocol assignments', [192, 0, 0, 0], 24],
  ['documentation', [192, 0, 2, 0], 24],
  ['6to4 relay', [192, 88, 99, 0], 24],
  ['private', [192, 168, 0, 0], 16],
  ['benchmarking', [198, 18, 0, 0], 15],
  ['documentation', [198, 51, 100, 0], 24],
  ['documentation', [203, 0, 113, 0], 24],
  ['multicast', [224, 0, 0, 0], 4],
  ['reserved', [240, 0, 0, 0], 4],
  ['broadcast', [255, 255, 255, 255], 32],
  ['metadata of Azure', [168, 63, 129, 16], 32],
  ['metadata of Alibaba', [100, 100, 100, 200], 32],
]

/** An address of a range, chosen. */
export function addressIn(network: Octets, bits: number, choose: Choose): Octets {
  const size = 2 ** (32 - bits)
  const high = Math.floor(size / 65_536)
  const added = size <= 65_536 ? choose(size) : choose(high) * 65_536 + choose(65_536)
  const whole = value(network) + added
  return [Math.floor(whole / 2 ** 24), Math.floor(whole / 2 ** 16) % 256, Math.floor(whole / 2 ** 8) % 256, whole % 256]
}

/** IPv6 addresses of their own that are no place of the internet. */
export const innerIPv6: readonly string[] = [
  ...['::', '::1', 'fe80::1', 'febf::1', 'fec0::1', 'fc00::1', 'fd12:3456::1', 'fd00:ec2::254', 'fd20:ce::254', 'ff02::1', 'ff0e::1'],
  ...['100::1', '2001:db8::1', '3fff::1', '5f00::1', '2001:2::1', '2001:10::1', '2001:20::1', '4000::1', '64:ff9b:1::1', '2002::1'],
]
