import { CtxParseError, type CtxParseReason } from '../../core/errors.js'
import { hiddenAt, isWellFormed, rawRefused, unescaped } from './escape.js'
import { nfc } from './marks.js'
import { checkNesting } from './nesting.js'

const longestFound = 24
const wrongEscape = /\\(?!["\\]|u\{[0-9a-fA-F]{1,6}\})./s
const word = /[^ ]*/y

const codePoint = (char: string): string => `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`

/** A piece of the input for a message: short, and without characters that nobody sees. */
export function shown(text: string): string {
  if (text === '') return 'the end'
  const bad = isWellFormed(text) ? hiddenAt(text) : text.search(/\p{Cs}/u)
  if (bad >= 0) return codePoint(text.slice(bad))
  const chars = [...text]
  return JSON.stringify(chars.length > longestFound ? `${chars.slice(0, longestFound).join('')}…` : text)
}

const isEscapedItself = (char: string): boolean => char === '"' || char === '\\'

/** Where the text that is quoted from `start` on ends; -1 where it does not. A loop: a pattern keeps every place that it could go back to. */
function closingQuoteAt(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"') return at
    if (char === '\\') at++
  }
  return -1
}

/** Reads a statement from left to right. Every failure is a `CtxParseError` with its place. */
export class Scanner {
  at = 0

  constructor(
    readonly text: string,
    readonly offset: number,
  ) {}

  get done(): boolean {
    return this.at >= this.text.length
  }

  /** The next character, '' at the end. */
  get next(): string {
    return this.text[this.at] ?? ''
  }

  /** What stands up to the next space, without taking it. */
  get word(): string {
    word.lastIndex = this.at
    return word.exec(this.text)![0]
  }

  skipSpace(): void {
    while (this.text[this.at] === ' ') this.at++
  }

  fail(reason: CtxParseReason, expected: string, found: string = this.word, at: number = this.at): never {
    throw new CtxParseError({ reason, position: this.offset + at, found: shown(found), expected })
  }

  /** Takes a word that must match: outside quotes nothing is escaped and nothing may be hidden. */
  takeWord(pattern: RegExp, reason: CtxParseReason, expected: string): string {
    const found = this.word
    this.checkBare(found, reason)
    if (!pattern.test(found)) this.fail(reason, expected)
    this.at += found.length
    return found
  }

  checkBare(text: string, reason: CtxParseReason): void {
    const bad = isWellFormed(text) ? hiddenAt(text) : text.search(/\p{Cs}/u)
    if (bad >= 0) this.fail(reason, 'a visible character, or a quoted string with an escape', text.slice(bad), this.at + bad)
  }

  /** Takes a quoted string, which a space or the end must follow. */
  takeQuoted(reason: CtxParseReason): string {
    const start = this.at
    const end = closingQuoteAt(this.text, start)
    if (end < 0) this.fail('UNTERMINATED_STRING', 'a closing "', '', this.text.length)
    const inner = this.text.slice(start + 1, end)
    this.checkQuoted(inner, start + 1, reason)
    this.at = end + 1
    if (!this.done && this.next !== ' ') this.fail(reason, 'a space after the closing "')
    const value = nfc(unescaped(inner), this.offset + start)
    if (!isWellFormed(value)) this.fail(reason, 'a Unicode character', value.slice(value.search(/\p{Cs}/u)), start)
    checkNesting(value, this.offset + start)
    return value
  }

  private checkQuoted(inner: string, at: number, reason: CtxParseReason): void {
    const raw = inner.search(rawRefused)
    if (raw >= 0) this.fail(reason, 'an escape such as \\u{a} for it', inner.slice(raw), at + raw)
    const wrong = this.wrongEscapeAt(inner)
    if (wrong >= 0) this.fail(reason, 'one of the escapes \\" \\\\ \\u{hex}', inner.slice(wrong, wrong + 2), at + wrong)
  }

  private wrongEscapeAt(inner: string): number {
    for (let at = inner.indexOf('\\'); at >= 0; at = inner.indexOf('\\', at + 2)) {
      if (isEscapedItself(inner.charAt(at + 1))) continue
      if (wrongEscape.exec(inner.slice(at, at + 10))?.index === 0) return at
      const code = /^\\u\{([^}]*)\}/.exec(inner.slice(at, at + 10))?.[1]
      if (code !== undefined && Number.parseInt(code, 16) > 0x10ffff) return at
    }
    return -1
  }
}
