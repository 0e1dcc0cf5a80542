import type { Word, WordPart } from 'unbash'

/** One argument of a command, as far as it is known before the command runs. */
export interface Argument {
  /** Its text; `undefined` where the shell makes it. */
  readonly text: string | undefined
  /** What it begins with for certain. */
  readonly start: string
  /** It stays one word, whatever the shell makes of it. */
  readonly single: boolean
  /** No option can come of it: each word that the shell makes of it begins with something known, and not with `-`. */
  readonly operand: boolean
}

/** The text of a word that is the same whatever happens; `undefined` where the shell makes something of it. */
export function literalOf({ parts, text, value }: Word): string | undefined {
  if (text.startsWith('~')) return undefined
  if (parts === undefined) return value
  const texts = parts.map(partText)
  return texts.includes(undefined) ? undefined : texts.join('')
}

function partText(part: WordPart): string | undefined {
  if (part.type === 'Literal' || part.type === 'SingleQuoted') return part.value
  if (part.type === 'AnsiCQuoted') return part.value.includes('\0') ? undefined : part.value
  if (part.type !== 'DoubleQuoted') return undefined
  const inner = part.parts.map(child => (child.type === 'Literal' ? child.value : undefined))
  return inner.includes(undefined) ? undefined : inner.join('')
}

/** An argument from its word. */
export function argumentOf(word: Word): Argument {
  const text = literalOf(word)
  if (text !== undefined) return { text, start: text, single: true, operand: !text.startsWith('-') }
  const [first, ...rest] = word.parts ?? []
  const start = word.text.startsWith('~') ? '~' : ((first && leadingText(first)) ?? '')
  const single = [first, ...rest].every(part => part === undefined || partText(part) !== undefined || staysOneWord(part))
  const known = /^[^-]/.test(start) && rest.every(part => partText(part) !== undefined || part.type === 'Glob' || staysOneWord(part))
  return { text, start, single, operand: known }
}

function leadingText(part: WordPart): string | undefined {
  const whole = partText(part)
  if (whole !== undefined || part.type !== 'DoubleQuoted') return whole
  const [first] = part.parts
  return first?.type === 'Literal' ? first.value : undefined
}

/** `"$x"` does, `"$@"` and `"${list[@]}"` do not. */
const staysOneWord = (part: WordPart): boolean => part.type === 'DoubleQuoted' && !part.text.includes('@')
