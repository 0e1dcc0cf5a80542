/** Freezes a tree of plain data in place and returns it. Other objects (class instances, typed arrays) are left as they are. */
export function deepFreeze<T>(value: T): T {
  freeze(value, new Set())
  return value
}

function freeze(value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || !isPlain(value)) return
  seen.add(value)
  Object.freeze(value)
  for (const key of Object.keys(value)) freeze((value as Record<string, unknown>)[key], seen)
}

/**
 * A frozen copy of plain data, so that what is judged cannot change afterwards; the caller's own object stays as it is. What is not plain
 * data is passed by reference.
 */
export function frozenCopy<T>(value: T): T {
  return copyOf(value, true)
}

/** A fresh, mutable copy of plain data: what a tool or an agent may write to, without a change of what was judged. */
export function thaw<T>(value: T): T {
  return copyOf(value, false)
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const proto = Object.getPrototypeOf(value)
  return proto === null || Object.getPrototypeOf(proto) === null
}

function copyOf<T>(value: T, frozen: boolean): T {
  return typeof value === 'object' && value !== null ? plainCopy(value, frozen, new Map()) : value
}

function plainCopy<T>(value: T, frozen: boolean, seen: Map<object, object>): T {
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value
  const known = seen.get(value)
  if (known) return known as T
  const copy: object = Array.isArray(value) ? new Array(value.length) : Object.create(Object.getPrototypeOf(value))
  seen.set(value, copy)
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, {
      value: plainCopy((value as Record<string, unknown>)[key], frozen, seen),
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
  return (frozen ? Object.freeze(copy) : copy) as T
}
