/**
 * How many UTF-16 units a match of `expression` can depend on, from its start: itself, and what its lookaheads see. `Infinity` where there
 * is no bound, and where the expression uses what is not measured here: back-references, and the flag `v`.
 */
export function longestMatch(expression: RegExp): number {
  const { source, flags } = expression
  return flags.includes('v') ? Number.POSITIVE_INFINITY : new Measure(source, /u/.test(flags) ? 2 : 1).alternatives()
}

/** How much a lookbehind sees counts for nothing: it is behind the start. */
const lookbehind = /^\?<[=!]/
const groupHead = /^\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:)/
const quantifier = /^(?:\*|\+|\?|\{(\d+)(?:(,)(\d*))?\})\??/
const escapeSequence = /^\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[pP]\{[^}]*\}|c[A-Za-z]|0|k<[^>]*>|\d+|[\s\S])/
const characterClass = /^\[(?:\\[\s\S]|[^\]\\])*\]/

/** Reads an expression that the engine has accepted. */
class Measure {
  readonly #source: string
  /** Units of one character: two with the flag `u`. */
  readonly #unit: number
  #at = 0

  constructor(source: string, unit: number) {
    this.#source = source
    this.#unit = unit
  }

  alternatives(): number {
    let longest = this.#sequence()
    while (this.#take(/^\|/)) longest = Math.max(longest, this.#sequence())
    return longest
  }

  #sequence(): number {
    let sum = 0
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at]!)) sum += this.#term()
    return sum
  }

  #term(): number {
    const length = this.#atom()
    const found = this.#take(quantifier)
    const times = found ? most(found) : 1
    return length > 0 && times > 0 ? length * times : 0
  }

  #atom(): number {
    if (this.#take(/^\(/)) return this.#group()
    const escaped = this.#take(escapeSequence)
    if (escaped) return this.#escaped(escaped[0])
    if (this.#take(characterClass)) return this.#unit
    return '^$'.includes(this.#take(/^[\s\S]/)![0]) ? 0 : this.#unit
  }

  #group(): number {
    const head = this.#take(groupHead)?.[0] ?? ''
    const length = this.alternatives()
    this.#take(/^\)/)
    return lookbehind.test(head) ? 0 : length
  }

  #escaped(text: string): number {
    if (/^\\(?:[1-9]|k<)/.test(text)) return Number.POSITIVE_INFINITY
    return /^\\[bB]$/.test(text) ? 0 : this.#unit
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.#source.slice(this.#at))
    if (!found) return undefined
    this.#at += found[0].length
    return found
  }
}

function most([text, least, comma, greatest]: RegExpExecArray): number {
  if (text.startsWith('?')) return 1
  if (least === undefined) return Number.POSITIVE_INFINITY
  if (comma === undefined) return Number(least)
  return greatest ? Number(greatest) : Number.POSITIVE_INFINITY
}
