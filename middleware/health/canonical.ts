import * as crypto from 'node:crypto'

type OneShot = (algorithm: 'sha256', data: string, encoding: 'base64') => string

// In one call it takes a third of the time; Node has it since 20.12.
const { hash } = crypto as { readonly hash?: OneShot }

const sha256: (text: string) => string = hash
  ? text => hash('sha256', text, 'base64')
  : text => crypto.createHash('sha256').update(text).digest('base64')

/** How near to the present a time must be to count as a stamp of the call, in milliseconds. */
const presentMs = 5 * 60_000
/** Of a longer text, in UTF-16 units, only the digest is taken along. */
const longText = 4_096
/** What is deeper than that has no text. */
const deepest = 64

// Fields that exist to be different each time. Written without case, `_` and `-`.
const nonces: ReadonlySet<string> = new Set([
  'nonce',
  'cachebuster',
  'cachebust',
  'correlationid',
  'idempotencykey',
  'requestid',
  'spanid',
  'traceid',
])
// What the Messages API makes anew for each answer.
const fresh: ReadonlySet<string> = new Set(['tooluseid', 'encryptedcontent', 'encryptedindex', 'cachecontrol'])
const isoTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/

/** A value that has no text of its own, such as a response whose body nobody has read: no two of them are the same. */
export class Opaque extends Error {}

/**
 * One text for arguments that ask for the same. Set aside are: the order of fields, runs of white space, whether a part is JSON or text of it,
 * fields whose names say that they differ each time (nonces, ids of requests and traces), and times within five minutes of the present.
 * All else tells arguments apart. It can only merge calls; that they are a loop also takes an equal result, and that nothing new comes in
 * between.
 * @param now - wall time, milliseconds since 1970
 * @throws Opaque for a value that has no text
 */
export function canonicalArguments(input: unknown, now: number): string {
  return new Text(now).of(input, 0)
}

/** One text for equal results: the order of fields is set aside, and nothing else. @throws Opaque */
export function canonicalResult(result: unknown): string {
  return new Text(undefined).of(result, 0)
}

/** One text for what fails in the same way: numbers, such as positions and lines, are set aside. */
export function canonicalFailure(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return `failed ${text.replace(/\d+/g, '#')}`
}

/** A short digest of the parts, in order: what was said is never kept. */
export function digest(...parts: readonly string[]): string {
  return sha256(parts.map(part => `${part.length}:${part}`).join('')).slice(0, 22)
}

/** Does a text want to be JSON, and is not? Such as a model writes when it breaks off. */
export function isBrokenJson(input: unknown): boolean {
  return typeof input === 'string' && /^\s*[{[]/.test(input) && jsonIn(input) === undefined
}

class Text {
  readonly #now: number | undefined
  readonly #open = new Set<object>()

  /** @param now - given: arguments; not given: a result */
  constructor(now: number | undefined) {
    this.#now = now
  }

  of(value: unknown, depth: number): string {
    if (depth > deepest) throw new Opaque('too deep')
    switch (typeof value) {
      case 'string':
        return this.#string(value, depth)
      case 'number':
        return this.#now !== undefined && isPresent(value < 1e11 ? value * 1000 : value, this.#now) ? '<now>' : String(value)
      case 'object':
        return value === null ? 'null' : this.#within(value, depth)
      case 'function':
      case 'symbol':
        throw new Opaque(typeof value)
      default:
        return String(value)
    }
  }

  #string(text: string, depth: number): string {
    // With its length, nothing in it can be taken for what follows; to escape it would cost more than to hash it.
    if (this.#now === undefined) return text.length > longText ? digest(text) : `${text.length}"${text}"`
    if (isoTime.test(text) && isPresent(Date.parse(text), this.#now)) return '<now>'
    const json = /^\s*[{[]/.test(text) ? jsonIn(text) : undefined
    return json === undefined ? JSON.stringify(text.replace(/\s+/g, ' ').trim()) : this.of(json, depth + 1)
  }

  #within(value: object, depth: number): string {
    if (this.#open.has(value)) throw new Opaque('circular')
    this.#open.add(value)
    try {
      return this.#object(value, depth + 1)
    } finally {
      this.#open.delete(value)
    }
  }

  #object(value: object, depth: number): string {
    if (Array.isArray(value)) return this.#items(value, depth)
    if (value instanceof Date) return this.of(value.toJSON(), depth)
    if (value instanceof Error) return this.of({ name: value.name, message: value.message }, depth)
    if (value instanceof Map || value instanceof Set) return this.of([...value], depth)
    if (ArrayBuffer.isView(value)) return digest(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'))
    return this.#fields(value as Readonly<Record<string, unknown>>, depth)
  }

  #items(value: readonly unknown[], depth: number): string {
    let text = '['
    for (const item of value) text += `${this.of(item, depth)},`
    return `${text}]`
  }

  #fields(value: Readonly<Record<string, unknown>>, depth: number): string {
    const names = Object.keys(value)
    if (names.length === 0 && !isPlain(value)) throw new Opaque('no fields')
    const told = names.filter(name => value[name] !== undefined && !this.#setsAside(name)).sort()
    let text = '{'
    for (const name of told) text += `${JSON.stringify(name)}:${this.of(value[name], depth)},`
    return `${text}}`
  }

  #setsAside(name: string): boolean {
    const plain = name.toLowerCase().replace(/[_-]/g, '')
    return fresh.has(plain) || (this.#now !== undefined && nonces.has(plain))
  }
}

function isPresent(time: number, now: number): boolean {
  return Math.abs(time - now) <= presentMs
}

function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === null || Object.getPrototypeOf(proto) === null
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
