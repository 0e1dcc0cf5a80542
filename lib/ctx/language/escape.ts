/** Characters that nobody sees, or that turn the line round: never written raw, so that a statement is one line that reads as it is. */
const hidden = '[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]|[^\\S ]'
const hiddenOne = new RegExp(hidden, 'u')
const escaped = new RegExp(`["\\\\]|${hidden}`, 'gu')
const plain = /^[ !#-[\]-~]*$/

const asEscape = (char: string): string => (char === '"' || char === '\\' ? `\\${char}` : `\\u{${char.codePointAt(0)!.toString(16)}}`)

/** Where the first hidden character stands; -1 without one. */
export const hiddenAt = (text: string): number => text.search(hiddenOne)

/** Half a surrogate pair is no character: there is no UTF-8 for it. */
export const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text)

/** Does it stand between quotes as it is, for machines and for people? */
export const isPlain = (text: string): boolean => plain.test(text)

/** The text with `"`, `\` and every hidden character escaped. */
export const escapedText = (text: string): string => (plain.test(text) ? text : text.replace(escaped, asEscape))

const hiddenAll = new RegExp(hidden, 'gu')

/** The text with everything that nobody sees shown as an escape, half surrogate pairs too: safe to print on a terminal. */
export const visible = (text: string): string => text.replace(hiddenAll, asEscape).replace(/\p{Cs}/gu, asEscape)

const asUnits = (char: string): string =>
  Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')

/** As JSON, on one line, with everything that nobody sees escaped: no reader of lines cuts it. A string is a string of GraphQL, too. */
export function visibleJson(value: unknown): string {
  const json = JSON.stringify(value)
  return printable.test(json) ? json : json.replace(hiddenAll, asUnits)
}

/** Most texts: they are told apart far faster than their hidden characters are looked for. */
const printable = /^[ -~]*$/

/** As a quoted string of the grammar. */
export const quote = (text: string): string => `"${escapedText(text)}"`

const foreign = /[\p{Script=Cyrillic}\p{Script=Greek}]/u
const foreignAll = new RegExp(foreign, 'gu')

/** Does it hold Latin letters together with Cyrillic or Greek ones, many of which look the same? */
export const mixesScripts = (text: string): boolean => foreign.test(text) && /\p{Script=Latin}/u.test(text)

/** As `quote`, and in a word of mixed scripts the letters that are not Latin are escaped too: for people to read. */
export function quoteForReading(text: string): string {
  if (plain.test(text)) return `"${text}"`
  return quote(text).replace(/[\p{L}\p{M}\p{N}]+/gu, word => (mixesScripts(word) ? word.replace(foreignAll, asEscape) : word))
}

/** Does `quoteForReading` show it as it is, between its quotes? */
export const readsAsItIs = (text: string): boolean => quoteForReading(text).length === text.length + 2

/** The characters that must not stand raw in a quoted string: controls, line ends and what changes the direction of writing. */
export const rawRefused: RegExp = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

const byNumber = /\\u\{([0-9a-fA-F]{1,6})\}/y

/** What the escape at this place stands for, and where it ends. What is no escape is a backslash. */
function escapeAt(text: string, at: number): [char: string, end: number] {
  const char = text.charAt(at + 1)
  if (char === '"' || char === '\\') return [char, at + 2]
  byNumber.lastIndex = at
  const hex = char === 'u' ? byNumber.exec(text)?.[1] : undefined
  return hex === undefined ? ['\\', at + 1] : [String.fromCodePoint(Number.parseInt(hex, 16)), byNumber.lastIndex]
}

/** The text behind the escapes; they must be right. A loop: to replace them all, V8 first keeps a list of them. @throws RangeError for the number of no character */
export function unescaped(text: string): string {
  let [behind, from] = ['', 0]
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', from)) {
    const [char, end] = escapeAt(text, at)
    behind += text.slice(from, at) + char
    from = end
  }
  return from === 0 ? text : behind + text.slice(from)
}
