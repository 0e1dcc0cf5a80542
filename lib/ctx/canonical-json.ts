const deepest = 1_000

/**
 * The canonical text of a JSON value (RFC 8785): equal values have equal text, and values that differ have texts that differ. Members are in
 * the order of their UTF-16 code units; a member that is `undefined` is left out, as `JSON.stringify` does; -0 is 0; an own `__proto__` is
 * data like any other. `toJSON` is never called. Each value is read once, so the text is of what was read.
 * @throws TypeError with the path and without the content, for what JSON does not carry or not exactly: `undefined`, NaN, infinities, integers
 * beyond 2^53 - 1, BigInt, functions, symbols, holes, getters, lone surrogates, objects that are not plain, cycles and more than 1,000 levels
 */
export function canonicalJson(value: unknown): string {
  try {
    return write(value, 0)
  } catch (error) {
    throw error instanceof Unfit ? new TypeError(`no canonical JSON: ${error.path()} ${error.message}`) : error
  }
}

/**
 * Is this text, which was parsed to that value, the value's canonical text? As comparing with `canonicalJson`, and faster where it is.
 * @throws TypeError as `canonicalJson` does
 */
export function isCanonicalJson(text: string, value: unknown): boolean {
  return (JSON.stringify(value) === text && !text.includes('\\ud') && isOrdinary(value)) || canonicalJson(value) === text
}

/** Would `JSON.stringify` write it as `canonicalJson` does? Lone surrogates apart, and no further down than a record goes. */
function isOrdinary(value: unknown, depth = 0): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth > 8) return false
  if (Array.isArray(value)) return value.every(element => isOrdinary(element, depth + 1))
  let before = ''
  for (const key in value) {
    if (before > key || !isOrdinary((value as Record<string, unknown>)[key], depth + 1)) return false
    before = key
  }
  return true
}

/** What cannot be written, and the way to it, gathered from the inside out. */
class Unfit extends Error {
  readonly #way: string[] = []

  within(step: string | number): this {
    this.#way.unshift(typeof step === 'number' ? `[${step}]` : memberStep(step))
    return this
  }

  path(): string {
    const way = this.#way.join('')
    return way.length > 200 ? `$${way.slice(0, 200)}…` : `$${way}`
  }
}

const memberStep = (key: string): string => (/^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`)

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'object':
      return value === null ? 'null' : writeObject(value, depth + 1)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      return number(value)
    default:
      throw new Unfit(value === undefined ? 'is undefined' : `is a ${typeof value}`)
  }
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new Unfit('is not a finite number')
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Unfit('is an integer beyond 2^53 - 1; write it as text')
  return `${value}`
}

// What JSON escapes, and surrogates, of which the lone ones are looked for.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON escapes
const special = /["\\\x00-\x1f\ud800-\udfff]/
const loneSurrogate = /\p{Surrogate}/u

// The same without the quote: what has quotes alone to escape is written faster than by JSON.stringify.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON escapes
const rare = /[\\\x00-\x1f\ud800-\udfff]/

function text(value: string): string {
  if (!special.test(value)) return `"${value}"`
  if (!rare.test(value)) return withQuotes(value)
  if (loneSurrogate.test(value)) throw new Unfit('holds a lone surrogate')
  return JSON.stringify(value)
}

function withQuotes(value: string): string {
  let out = '"'
  let from = 0
  for (let at = value.indexOf('"'); at >= 0; at = value.indexOf('"', at + 1)) {
    out += `${value.slice(from, at)}\\`
    from = at
  }
  return `${out}${value.slice(from)}"`
}

function writeObject(value: object, depth: number): string {
  if (depth > deepest) throw new Unfit(`is deeper than ${deepest} levels, or within itself`)
  return Array.isArray(value) ? writeArray(value, depth) : writeMembers(value as Record<string, unknown>, depth)
}

function writeArray(array: readonly unknown[], depth: number): string {
  const { length } = array
  if (!isPlainArray(array)) throw new Unfit('is not a plain array')
  if (Object.keys(array).length !== length) throw new Unfit('is an array with holes or with members of its own')
  let out = '['
  for (let i = 0; i < length; i++) out += (i === 0 ? '' : ',') + element(array, i, depth)
  return `${out}]`
}

function element(array: readonly unknown[], index: number, depth: number): string {
  try {
    return write(ownValue(array, index), depth)
  } catch (error) {
    throw error instanceof Unfit ? error.within(index) : error
  }
}

function writeMembers(object: Record<string, unknown>, depth: number): string {
  if (!isPlainObject(object)) throw new Unfit('is an object that is not plain')
  if (Object.getOwnPropertySymbols(object).length > 0) throw new Unfit('has a member named by a symbol')
  let out = ''
  for (const key of inOrder(Object.keys(object))) out += member(object, key, depth, out === '' ? '' : ',')
  return `{${out}}`
}

function member(object: object, key: string, depth: number, comma: string): string {
  try {
    const value = ownValue(object, key)
    return value === undefined ? '' : `${comma}${text(key)}:${write(value, depth)}`
  } catch (error) {
    throw error instanceof Unfit ? error.within(key) : error
  }
}

function ownValue(object: object, key: string | number): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key)
  if (property === undefined) return undefined
  if (property.get !== undefined || property.set !== undefined) throw new Unfit('is a getter')
  return property.value
}

// So few are in order sooner by hand: what `sort` sets up takes longer than to put them there.
const fewKeys = 16

function inOrder(keys: string[]): string[] {
  if (keys.length > fewKeys) return keys.sort()
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i]!
    let at = i
    for (; at > 0 && keys[at - 1]! > key; at--) keys[at] = keys[at - 1]!
    keys[at] = key
  }
  return keys
}

function isPlainObject(object: object): boolean {
  const prototype = Object.getPrototypeOf(object)
  return prototype === Object.prototype || prototype === null || isRootPrototype(prototype)
}

function isPlainArray(array: object): boolean {
  const prototype = Object.getPrototypeOf(array)
  return prototype === Array.prototype || (Array.isArray(prototype) && isRootPrototype(Object.getPrototypeOf(prototype)))
}

/** `Object.prototype` of another realm. */
const isRootPrototype = (object: object | null): boolean =>
  object !== null && Object.getPrototypeOf(object) === null && Object.hasOwn(object, 'isPrototypeOf')
