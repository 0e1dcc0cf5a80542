import { resolve, sep } from 'node:path'
import { ownFiles, type Places } from '../../core/own-files.js'
import { isProtected } from './protected-paths.js'

/** Names that a pattern of the shell is tried on. */
const sampleNames = [
  '.context',
  ...['config', 'policy'].flatMap(stem => ['json', 'js', 'mjs', 'ts'].map(ending => `outrigger.${stem}.${ending}`)),
  ...['outrigger', 'ledger'].flatMap(stem => ['', '-wal', '-shm', '-journal'].map(ending => `${stem}.sqlite${ending}`)),
]

/** No shell takes a longer command as an argument, on Linux. */
const longest = 131_072

/**
 * Does the text of a command name what steers the sidecar? It is read as text, quotes and escapes taken out, so that no wrapper hides a name. A
 * name that is only made when the command runs is not seen.
 */
export function namesProtected(command: string, also: Places): boolean {
  return (
    command.length > longest ||
    [command, unescaped(command)].some(text => {
      const words = wordsOf(text)
      return answers(words) || words.some(word => isNamed(word, also) || matchesProtected(word))
    })
  )
}

/** Does it run what answers for people? Whoever is asked about does not answer himself. */
function answers(words: readonly string[]): boolean {
  return words.includes('approve') && words.some(word => /(?:^|\/)(?:outrigger|bin\.js)(?:@|$)/.test(word))
}

function isNamed(word: string, also: Places): boolean {
  return isProtected(word, also) || ((also.size > 0 || ownFiles().size > 0) && isProtected(resolve(word).split(sep).join('/'), also))
}

function wordsOf(text: string): readonly string[] {
  return text.replace(/\\\n|\$(?=["'])|["'\\]/g, '').split(/[\s;&|<>(){}=,:`@#]+/)
}

/** `$'\x2e'` and the like. */
function unescaped(text: string): string {
  return text.replace(/\\(?:x([\da-f]{1,2})|u([\da-f]{1,4})|([0-7]{1,3}))/gi, (_all, hex, unicode, octal) =>
    String.fromCharCode(octal === undefined ? Number.parseInt(hex ?? unicode, 16) : Number.parseInt(octal, 8)),
  )
}

/** A pattern that spells a protected name, like `.con*`. One that says nothing of the name, like `*` or `*.json`, does not count. */
function matchesProtected(word: string): boolean {
  return word
    .split('/')
    .some(part => /[*?[]/.test(part) && part.length < 64 && saysOfName(part) && sampleNames.some(name => globMatches(part, name)))
}

const saysOfName = (part: string): boolean => /[^*?[\]!^.-]/.test(part.replace(/\.(json|[cm]?[jt]s)$/, ''))

/** Does the whole name match, as bash matches it: a dot in front only by a dot? Each part of the pattern is looked for once: no pattern takes long. */
function globMatches(glob: string, name: string): boolean {
  if (name.startsWith('.') && !glob.startsWith('.')) return false
  const [first = '', ...rest] = glob.replace(/\[[^\]]*\]/g, '?').split(/\*+/)
  if (rest.length === 0) return first.length === name.length && matchesAt(first, name, 0)
  const last = rest.pop()!
  if (!matchesAt(first, name, 0)) return false
  let at = first.length
  for (const part of rest) {
    while (at <= name.length - part.length && !matchesAt(part, name, at)) at++
    at += part.length
  }
  return at + last.length <= name.length && matchesAt(last, name, name.length - last.length)
}

function matchesAt(part: string, name: string, at: number): boolean {
  return at + part.length <= name.length && [...part].every((letter, n) => letter === '?' || letter.toLowerCase() === name[at + n])
}
