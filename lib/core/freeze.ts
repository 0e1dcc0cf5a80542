/** Freezes a tree of plain data in place and returns it. Other objects (class instances, typed arrays) are left as they are. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (!isPlain(value)) return value
  Object.freeze(value)
  for (const key of Object.keys(value)) deepFreeze((value as Record<string, unknown>)[key])
  return value
}

/**
 * A frozen copy of plain data, so that what is judged cannot change afterwards; the caller's own object stays as it is. What is not plain
 * data is passed by reference.
 */
export function frozenCopy<T>(value: T): T {
  return deepFreeze(plainCopy(value, new Map()))
}

/** A fresh, mutable copy of plain data: what a tool may write to. */
export function thaw<T>(value: T): T {
  return plainCopy(value, new Map())
}

/** Have two trees of plain data the same content? */
export function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(key => Object.hasOwn(b, key) && sameData((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const proto = Object.getPrototypeOf(value)
  return proto === null || Object.getPrototypeOf(proto) === null
}

function plainCopy<T>(value: T, seen: Map<object, object>): T {
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value
  const known = seen.get(value)
  if (known) return known as T
  const copy: object = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value))
  seen.set(value, copy)
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, { value: plainCopy((value as Record<string, unknown>)[key], seen), writable: true, enumerable: true, configurable: true })
  }
  return copy as T
}
