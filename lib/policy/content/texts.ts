const deepest = 200

/** What cannot be looked at whole: too deep. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

/**
 * Every text in a value: strings and the keys of objects, through lists, objects, maps and sets; each object once. Bytes and the `data` of base64 sources
 * are left out: they are no text.
 * @throws UnreadableError where it is nested too deep
 */
export function* textsOf(value: unknown): Generator<string> {
  yield* walk(value, 0, new Set())
}

function* walk(value: unknown, depth: number, seen: Set<object>): Generator<string> {
  if (typeof value === 'string') return yield value
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return
  if (depth > deepest) throw new UnreadableError('nested too deep')
  seen.add(value)
  if (Array.isArray(value) || value instanceof Set) for (const item of value) yield* walk(item, depth + 1, seen)
  else for (const [key, item] of entriesOf(value)) yield* walkEntry(key, item, depth, seen)
}

function* walkEntry(key: unknown, item: unknown, depth: number, seen: Set<object>): Generator<string> {
  yield* walk(key, depth + 1, seen)
  yield* walk(item, depth + 1, seen)
}

function entriesOf(value: object): Iterable<readonly [unknown, unknown]> {
  if (value instanceof Map) return value
  if (value instanceof Error) return [...Object.entries(value), ['message', value.message]]
  const isImage = (value as { readonly type?: unknown }).type === 'base64'
  return isImage ? Object.entries(value).filter(([key]) => key !== 'data') : Object.entries(value)
}
