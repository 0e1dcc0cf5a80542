/** Refuses anything but an object of known options. @throws TypeError that names the option and those that are known */
export function checkKnown(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${where}: options must be an object, got ${shown(options)}`)
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw new TypeError(`${where}: unknown option "${key}"; known are ${known.join(', ')}`)
}

/** A frozen copy of a list of non-empty strings. @throws TypeError where it is none */
export function textList(where: string, name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new TypeError(`${where}: ${name} must be a list of strings, got ${shown(value)}`)
  for (const item of value)
    if (typeof item !== 'string' || item.trim() === '')
      throw new TypeError(`${where}: ${name} must list non-empty strings, got ${shown(item)}`)
  return Object.freeze([...value])
}

/** The same, and `undefined` where the option is left out. */
export function optionalList(where: string, name: string, value: unknown): readonly string[] | undefined {
  return value === undefined ? undefined : textList(where, name, value)
}

/** @throws TypeError unless one of the words */
export function choice<T extends string>(where: string, name: string, value: T | undefined, words: readonly T[], byDefault: T): T {
  if (value === undefined) return byDefault
  if (!words.includes(value)) throw new TypeError(`${where}: ${name} must be one of ${words.join(', ')}; got ${shown(value)}`)
  return value
}

/** @throws TypeError unless true or false */
export function flag(where: string, name: string, value: boolean | undefined, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value !== 'boolean') throw new TypeError(`${where}: ${name} must be true or false, got ${shown(value)}`)
  return value
}

/** @throws TypeError or RangeError unless a whole number from `least` */
export function wholeNumber(where: string, name: string, value: unknown, least: number): number {
  if (typeof value !== 'number') throw new TypeError(`${where}: ${name} must be a whole number, got ${shown(value)}`)
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${where}: ${name} must be a whole number from ${least}, got ${value}`)
  return value
}

/** @throws TypeError unless an object that is no list */
export function plainObject<T extends object>(where: string, name: string, value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`${where}: ${name} must be an object, got ${shown(value)}`)
  return value
}

/** A value as a message shows it: short, and never more than its kind where it is an object. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
