/** One text of a value, and where it stands: sealed is what must not be replaced. */
export interface TextAt {
  readonly text: string
  readonly sealed: boolean
}

const deepest = 200

/** A value that cannot be looked at whole. */
export class TooDeepError extends Error {
  override readonly name = 'TooDeepError'
}

/** Fields of the blocks of a message that nobody can read, by the type of their block. */
const opaque: readonly (readonly [type: RegExp, field: string])[] = [
  [/^thinking$/, 'signature'],
  [/^redacted_thinking$/, 'data'],
  [/^(?:web_search|web_fetch|compaction|code_execution)/, 'encrypted_content'],
  [/^web_search_result_location$/, 'encrypted_index'],
]

/** Blocks that are signed, are run, or have been run elsewhere: changed, they would be refused, or do something else. */
const sealedBlock = /(?:tool_use|thinking|compaction|.+_tool_result)$/

/**
 * Every text in a value: strings and the keys of objects, through lists, objects, maps and sets; each object once. Bytes and the `data` of base64 sources
 * are left out. What is no plain data, keys, and calls and thoughts of a model are sealed.
 * @param ofModel - what it is came from the API itself: what only the API can read is left out too
 * @throws TooDeepError where it is nested too deep
 */
export function* textsIn(
  value: unknown,
  { sealed = false, ofModel = false }: { readonly sealed?: boolean; readonly ofModel?: boolean } = {},
): Generator<TextAt> {
  yield* walk(value, { sealed, ofModel, depth: 0, seen: new Set() })
}

interface Walk {
  readonly sealed: boolean
  readonly ofModel: boolean
  readonly depth: number
  readonly seen: Set<object>
}

function* walk(value: unknown, at: Walk): Generator<TextAt> {
  if (typeof value === 'string') return yield { text: value, sealed: at.sealed }
  if (typeof value !== 'object' || value === null || at.seen.has(value) || ArrayBuffer.isView(value)) return
  if (at.depth > deepest) throw new TooDeepError('nested too deep')
  at.seen.add(value)
  const inside = { ...at, depth: at.depth + 1, sealed: at.sealed || isSealed(value) }
  if (Array.isArray(value) || value instanceof Set) for (const item of value) yield* walk(item, inside)
  else
    for (const [key, item] of entriesOf(value, at.ofModel)) {
      yield* walk(key, { ...inside, sealed: true })
      yield* walk(item, inside)
    }
}

function isSealed(value: object): boolean {
  return !isPlain(value) || (!Array.isArray(value) && isSealedBlock(value))
}

function isSealedBlock({ type }: { readonly type?: unknown }): boolean {
  return typeof type === 'string' && sealedBlock.test(type)
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function entriesOf(value: object, ofModel: boolean): Iterable<readonly [unknown, unknown]> {
  if (value instanceof Map) return value
  if (value instanceof Error) return [...Object.entries(value), ['message', value.message]]
  const { type } = value as { readonly type?: unknown }
  const hidden = (field: string) =>
    (type === 'base64' && field === 'data') || (ofModel && opaque.some(([of, name]) => name === field && of.test(String(type))))
  return Object.entries(value).filter(([field]) => !hidden(field))
}

/** A copy of plain data in which texts are replaced; what is sealed stays as it is. */
export function withTexts(value: unknown, texts: ReadonlyMap<string, string>): unknown {
  return copy(value, texts, new Map())
}

function copy(value: unknown, texts: ReadonlyMap<string, string>, made: Map<object, unknown>): unknown {
  if (typeof value === 'string') return texts.get(value) ?? value
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || isSealed(value)) return value
  if (made.has(value)) return made.get(value)
  return Array.isArray(value) ? copyList(value, texts, made) : copyObject(value, texts, made)
}

function copyList(list: readonly unknown[], texts: ReadonlyMap<string, string>, made: Map<object, unknown>): unknown {
  const out: unknown[] = []
  made.set(list, out)
  for (const item of list) out.push(copy(item, texts, made))
  return out
}

function copyObject(value: object, texts: ReadonlyMap<string, string>, made: Map<object, unknown>): unknown {
  const out: object = Object.create(Object.getPrototypeOf(value) as object | null)
  made.set(value, out)
  const isBytes = (value as { readonly type?: unknown }).type === 'base64'
  for (const field of Reflect.ownKeys(value)) {
    const item: unknown = Reflect.get(value, field)
    const seen = typeof field === 'symbol' || (isBytes && field === 'data') ? item : copy(item, texts, made)
    Object.defineProperty(out, field, { value: seen, writable: true, enumerable: isShown(value, field), configurable: true })
  }
  return out
}

function isShown(value: object, field: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, field)
}
