import type { CTXPayload, CTXStatement } from './ast.js'
import {
  type CTXDecoratorName,
  type CTXOperator,
  type CTXPlane,
  type CTXVerb,
  decorators,
  limits,
  pairs,
  planes,
  simple,
  verbPairs,
  verbs,
} from './grammar.js'
import { nfc } from './marks.js'
import { isFilterStart, readFilter } from './read-filter.js'
import { isFieldStart, isMarkedText, readPayload } from './read-payload.js'
import { readJson } from './read-json.js'
import { type CTXMixedText, readLines, readMixed } from './read-mixed.js'
import { Scanner } from './scanner.js'
import { serialize } from './serializer.js'
import { tooLarge } from './size.js'

/** How a parser takes what it is given. */
export type CTXParserMode = 'strict' | 'hybrid' | 'json'

/** Options of a parser. */
export interface CTXParserOptions<Mode extends CTXParserMode = CTXParserMode> {
  /**
   * `strict`, the default: one statement, or an error that says where and why. `hybrid`: prose, in which every line that strict takes is found;
   * nothing is an error. `json`: one AST as JSON.
   */
  readonly mode?: Mode
}

const modes: readonly unknown[] = ['strict', 'hybrid', 'json'] satisfies readonly CTXParserMode[]

/** Reads CTX statements. It keeps nothing between two of them. */
export class CTXParser<Mode extends CTXParserMode = 'strict'> {
  readonly #mode: CTXParserMode

  /** @throws TypeError for an option or a mode that is not there */
  constructor(options: CTXParserOptions<Mode> = {}) {
    const unknown = Object.keys(options).find(name => name !== 'mode')
    if (unknown !== undefined) throw new TypeError(`CTXParser: there is no option "${unknown}"; there is: mode`)
    const { mode = 'strict' } = options
    if (!modes.includes(mode)) throw new TypeError(`CTXParser: mode is ${JSON.stringify(mode)}; it is one of ${modes.join(', ')}`)
    this.#mode = mode
  }

  /**
   * Takes a statement apart, or in hybrid mode a text in which there are some. What is read is brought to NFC first.
   * @throws CtxParseError with `reason`, `position`, `found`, `expected`; never in hybrid mode
   * @throws TypeError when it is no string
   */
  parse(text: string): Mode extends 'hybrid' ? CTXMixedText : CTXStatement {
    checkText('parse', text)
    const read: CTXStatement | CTXMixedText =
      this.#mode === 'hybrid' ? readMixed(text, readOne) : readOne(this.#mode === 'json' ? serialize(readJson(text)) : text)
    return read as Mode extends 'hybrid' ? CTXMixedText : CTXStatement
  }

  /**
   * Takes several statements apart, one a line, whatever the mode is. Empty lines are passed over; a line with `#` is no comment.
   * @throws CtxParseError as `parse`, with the `line`; then nothing is read
   */
  parseAll(text: string): readonly CTXStatement[] {
    checkText('parseAll', text)
    return readLines(text, readOne)
  }
}

function checkText(method: string, text: unknown): void {
  if (typeof text !== 'string') throw new TypeError(`CTXParser: ${method} takes a text, not ${text === null ? 'null' : typeof text}`)
}

const readOne = (text: string): CTXStatement => readStatement(admitted(text))

/** Parts that an AST has only where the statement has them. */
type Parts = { -readonly [K in keyof CTXStatement]?: CTXStatement[K] }

/** In UTF-16 units. NFC makes at most 3 of them one byte: what is longer is too large whatever it holds, and is not worth normalising. */
const longest = 4 * limits.mostBytes

function admitted(input: string): Scanner {
  const text = input.trim()
  if (text.length > longest) tooLarge(Buffer.byteLength(text))
  const offset = input.length - input.trimStart().length
  const scanner = new Scanner(nfc(text, offset), offset)
  const bytes = Buffer.byteLength(scanner.text)
  if (bytes === 0) scanner.fail('EMPTY_INPUT', 'a statement such as ?k auth')
  if (bytes < limits.leastBytes) scanner.fail('INPUT_TOO_SHORT', 'an operator and a plane, such as ?k')
  if (bytes > limits.mostBytes) tooLarge(bytes)
  return scanner
}

function readStatement(scan: Scanner): CTXStatement {
  const parts: Parts = readHead(scan)
  scan.skipSpace()
  readDecorator(scan, parts)
  readTarget(scan, parts)
  const { filters, payload } = readParts(scan)
  return { ...parts, filters, ...(payload && { payload }), raw: scan.text } as CTXStatement
}

function readHead(scan: Scanner): Parts {
  const operator = scan.next as CTXOperator
  if (!Object.hasOwn(pairs, operator)) scan.fail('INVALID_OPERATOR', `one of ${Object.keys(pairs).join(' ')}`)
  scan.at++
  const plane = scan.next as CTXPlane
  if (plane === ('' as string) || !planes.includes(plane)) scan.fail('INVALID_PLANE', `one of ${[...planes].join(' ')}`)
  const pair = operator + plane
  if (!pairs[operator].includes(plane)) scan.fail('INVALID_COMBO', `after ${operator} one of ${[...pairs[operator]].join(' ')}`, pair, 0)
  scan.at++
  const verb = scan.next === ':' ? readVerb(scan, pair) : undefined
  if (!scan.done && scan.next !== ' ') scan.fail('INVALID_PLANE', `a space after ${pair}`)
  return { operator, plane, ...(verb && { verb }) }
}

function readVerb(scan: Scanner, pair: string): CTXVerb {
  const verb = scan.word.slice(1)
  if (!verbPairs.includes(pair)) scan.fail('VERB_NOT_ALLOWED', `no verb after ${pair}; verbs go with ${verbPairs.join(' ')}`)
  if (!(verbs as readonly string[]).includes(verb)) scan.fail('VERB_NOT_ALLOWED', `one of ${verbs.join(' ')}`, verb)
  scan.at += verb.length + 1
  return verb as CTXVerb
}

function readDecorator(scan: Scanner, parts: Parts): void {
  const name = scan.word.slice(1)
  if (scan.next !== '@' || !(decorators as readonly string[]).includes(name)) return
  scan.at += name.length + 1
  scan.skipSpace()
  parts.decorator = { name: name as CTXDecoratorName }
}

function readTarget(scan: Scanner, parts: Parts): void {
  if (scan.done || isFilterStart(scan.next) || isFieldStart(scan.word) || isMarkedText(scan.word)) return
  const expected = 'a target without # @ ^ * & " in it, or a quoted one'
  parts.target = scan.next === '"' ? scan.takeQuoted('INVALID_TARGET') : scan.takeWord(simple, 'INVALID_TARGET', expected)
  scan.skipSpace()
}

function readParts(scan: Scanner): Pick<CTXStatement, 'filters' | 'payload'> {
  const filters = []
  let payload: CTXPayload | undefined
  for (; !scan.done; scan.skipSpace()) {
    if (isFilterStart(scan.next)) filters.push(readFilter(scan))
    else if (payload) scan.fail('INVALID_PAYLOAD', 'one payload, in one piece')
    else payload = readPayload(scan)
  }
  return { filters, payload }
}
