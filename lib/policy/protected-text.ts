import { resolve, sep } from 'node:path'
import { isProtected } from './protected-paths.js'

/** Names that a pattern of the shell is tried on. */
const sampleNames = ['.context', 'outrigger.config.json', 'outrigger.config.js', 'outrigger.config.mjs', 'outrigger.config.ts']

/**
 * Does the text of a command name what steers the sidecar? It is read as text, quotes and escapes taken out, so that no wrapper hides a name. A
 * name that is only made when the command runs is not seen.
 */
export function namesProtected(command: string, also: readonly string[]): boolean {
  return [command, unescaped(command)].some(text => wordsOf(text).some(word => isNamed(word, also) || matchesProtected(word)))
}

function isNamed(word: string, also: readonly string[]): boolean {
  return isProtected(word, also) || (also.length > 0 && isProtected(resolve(word).split(sep).join('/'), also))
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

function globMatches(glob: string, name: string): boolean {
  const shape = glob.replace(/\*+|\?|\[[^\]]*\]|[^*?]/g, token => {
    if (token.startsWith('*')) return '.*'
    return token === '?' || (token.length > 1 && token.startsWith('[')) ? '.' : token.replace(/[$()+.^|{}[\]\\/-]/, '\\$&')
  })
  return new RegExp(`^${shape}$`, 'i').test(name)
}
