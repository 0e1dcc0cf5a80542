import { shown } from '../../check-options.js'
import type { Run } from './analyse.js'
import { withoutMessages } from './git.js'
import { baseName } from './programs.js'
import type { Argument } from './words.js'

/** One entry of `allow` or `deny`: a command, with the first of its words or without. */
export interface Entry {
  readonly name: string
  readonly words: readonly string[]
}

/** @throws TypeError where an entry is no command in plain words */
export function entryOf(where: string, option: string, text: string): Entry {
  const [name, ...words] = text.trim().split(/\s+/)
  if (!/^[\x21-\x7e\s]+$/.test(text) || /[|&;<>()$`"'*?{}\\]/.test(text))
    throw new TypeError(`${where}: ${option} takes commands in plain words, like git or git status; got ${shown(text)}`)
  return Object.freeze({ name: name!, words: Object.freeze(words) })
}

/** Is this command allowed by the entry: the exact name, and exactly these first words? */
export function allows({ name, words }: Entry, run: Run): boolean {
  return run.name === name && words.every((word, at) => run.args[at]?.text === word)
}

/**
 * Is this command, or could it be, what the entry denies? The name counts with any folder and in any letter case, options in any order and
 * spelling, and words wherever they stand. Arguments that are not known could be the words of the entry.
 */
export function denies({ name, words }: Entry, run: Run): boolean {
  if (run.name !== name && baseName(run.name) !== baseName(name)) return false
  const args = baseName(name) === 'git' ? withoutMessages(run.args) : run.args
  return words.every(word => args.some(arg => couldBe(word, arg)) || hasWord(word, args))
}

/** Could the shell make this word of an argument? Of `"$x"` anything, of `src/*` no `push`. */
function couldBe(word: string, { text, start, operand }: Argument): boolean {
  return text === undefined && (!operand || word.toLowerCase().startsWith(start.toLowerCase()))
}

function hasWord(word: string, args: readonly Argument[]): boolean {
  const texts = args.flatMap(({ text }) => text ?? [])
  if (/^-[a-zA-Z]+$/.test(word)) return [...word.slice(1)].every(letter => texts.some(text => hasLetter(text, letter)))
  if (/^--[a-zA-Z]/.test(word)) return texts.some(text => isSpelling(text, word.slice(2)))
  return texts.some(text => text.toLowerCase() === word.toLowerCase())
}

/** A long option could be the letter's other spelling. */
const hasLetter = (text: string, letter: string): boolean =>
  /^--[a-zA-Z]/.test(text)
    ? text[2]!.toLowerCase() === letter.toLowerCase()
    : /^-[^-]/.test(text) && text.toLowerCase().includes(letter.toLowerCase())

/** The option itself, an abbreviation, or a bundle with its first letter. */
function isSpelling(text: string, option: string): boolean {
  const long = /^--([a-zA-Z][\w-]*)/.exec(text)?.[1]
  if (long !== undefined) return option.split('=')[0]!.startsWith(long)
  return /^-[^-]/.test(text) && text.toLowerCase().includes(option[0]!.toLowerCase())
}

/** Does a command that is not analysed name what the entry denies, anywhere in its arguments? What is not known could be it. */
export function isNamedBy({ name }: Entry, { args }: Run): boolean {
  const sought = baseName(name)
  return args.some(({ text }) => text === undefined || text.split(/[^\w.+-]+/).some(word => spells(word, sought)))
}

/** By itself, or attached to an option: `-erm`, `+rm`. */
const spells = (word: string, sought: string): boolean =>
  [word, word.replace(/^[-+]/, ''), word.replace(/^-./, '')].some(form => baseName(form) === sought)
