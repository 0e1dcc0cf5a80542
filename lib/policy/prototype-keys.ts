/** Names by which an object reaches behind itself: code that copies members one by one sets them on every object of the process. */
const banned: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** The first such member in a value, at any depth; each object is looked at once. */
export function prototypeKey(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
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
