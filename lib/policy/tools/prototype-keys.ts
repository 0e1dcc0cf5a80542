/** Names by which an object reaches behind itself: code that copies members one by one sets them on every object of the process. */
const banned: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** What is nested deeper, or may lead back to itself, is walked with a memory. */
const shallow = 8

/** The first such member in a value, at any depth. Of plain data that is not deep it allocates next to nothing. */
export function prototypeKey(value: unknown): string | undefined {
  const found = inPlain(value, 0)
  return found === unsure ? inAny(value as object) : found
}

const unsure = Symbol('unsure')

function inPlain(value: unknown, depth: number): string | typeof unsure | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > shallow || value instanceof Map || value instanceof Set) return unsure
  if (Array.isArray(value)) return inArray(value, depth)
  if (ArrayBuffer.isView(value)) return undefined
  for (const key in value) {
    if (banned.has(key)) return key
    const member = (value as Record<string, unknown>)[key]
    if (typeof member !== 'object' || member === null) continue
    const found = inPlain(member, depth + 1)
    if (found !== undefined) return found
  }
}

function inArray(array: readonly unknown[], depth: number): string | typeof unsure | undefined {
  for (let at = 0; at < array.length; at++) {
    const found = inPlain(array[at], depth + 1)
    if (found !== undefined) return found
  }
}

function inAny(value: object): string | undefined {
  const seen = new Set<object>([value])
  // A set goes on with what is added to it while it is walked: no depth is too deep.
  for (const object of seen) {
    for (const [key, member] of entriesOf(object)) {
      if (typeof key === 'string' && banned.has(key)) return key
      if (typeof member === 'object' && member !== null) seen.add(member)
      if (typeof key === 'object' && key !== null) seen.add(key)
    }
  }
}

function entriesOf(object: object): Iterable<readonly [unknown, unknown]> {
  if (ArrayBuffer.isView(object)) return []
  if (object instanceof Map) return object
  if (object instanceof Set) return object.entries()
  return Array.isArray(object) ? object.map(element => [undefined, element] as const) : Object.entries(object)
}
