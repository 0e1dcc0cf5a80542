/** A place in a text: both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The text is not JSON: says what was found where. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

const token = /\s*(?:([{}[\],:])|("(?:[^"\\\r\n]|\\.)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/y

/** The line and column of an offset. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

function checkString(text: string, offset: number): void {
  try {
    JSON.parse(text)
  } catch {
    throw new JsonSyntaxError('this string holds a control character or an unknown escape', offset)
  }
}

class Scanner {
  readonly places = new Map<string, number>()
  private at = 0

  constructor(private readonly text: string) {}

  all(): void {
    this.value('')
    if (this.text.slice(this.at).trim() !== '') throw this.unexpected('the end')
  }

  private unexpected(expected: string): JsonSyntaxError {
    const offset = this.at + this.text.slice(this.at).search(/\S|$/)
    const found = offset < this.text.length ? `"${this.text[offset]}"` : 'the end'
    return new JsonSyntaxError(`expected ${expected}, found ${found}`, offset)
  }

  private next(expected: string, accepts: (found: string) => boolean): { found: string; offset: number } {
    token.lastIndex = this.at
    const match = token.exec(this.text)
    const found = match?.[1] ?? match?.[2] ?? match?.[3]
    if (found === undefined || !accepts(found)) throw this.unexpected(expected)
    this.at = token.lastIndex
    const offset = this.at - found.length
    if (found.startsWith('"')) checkString(found, offset)
    return { found, offset }
  }

  private value(pointer: string): void {
    const { found, offset } = this.next('a value', text => !'}],:'.includes(text))
    if (!this.places.has(pointer)) this.places.set(pointer, offset)
    if (found === '{') this.list('}', () => this.member(pointer))
    if (found === '[') this.list(']', index => this.value(`${pointer}/${index}`))
  }

  private list(close: string, item: (index: number) => void): void {
    if (this.closes(close)) return
    for (let index = 0; ; index++) {
      item(index)
      if (this.next(`"," or "${close}"`, text => text === ',' || text === close).found === close) return
    }
  }

  private closes(close: string): boolean {
    if (!this.text.slice(this.at).trimStart().startsWith(close)) return false
    this.next(`"${close}"`, text => text === close)
    return true
  }

  private member(parent: string): void {
    const { found, offset } = this.next('a key in double quotes', text => text.startsWith('"'))
    const pointer = `${parent}/${escaped(JSON.parse(found) as string)}`
    if (this.places.has(pointer)) throw new JsonSyntaxError(`the key ${found} stands here for the second time`, offset)
    this.places.set(pointer, offset)
    this.next('":"', text => text === ':')
    this.value(pointer)
  }
}

/**
 * Reads JSON and remembers where everything stands: JSON pointer → offset, of the key for a member of an object, else of the value.
 * @throws JsonSyntaxError, also when a key stands twice in one object.
 */
export function parseWithPlaces(text: string): { readonly value: unknown; readonly places: ReadonlyMap<string, number> } {
  const scanner = new Scanner(text)
  scanner.all()
  return { value: JSON.parse(text) as unknown, places: scanner.places }
}
