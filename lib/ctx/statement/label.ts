import { isWellFormed, mixesScripts } from '../language/escape.js'
import { limits } from '../language/grammar.js'
import { markRunAt } from '../language/marks.js'
import { nestingOf } from '../language/nesting.js'
import { sha256 } from '../sha256.js'

const longestName = 256
const longestFinding = 1_000
const plain = /^[\w./:-]{1,128}$/

/** May it stand in a statement as it is? Its size apart. */
export const isWritable = (text: string): boolean => isWellFormed(text) && markRunAt(text) < 0 && nestingOf(text) <= limits.depth

/** A name as a statement shows it: in NFC; the digest of a name that is too long, or that no statement can carry. */
export function label(name: string, as: 'name' | 'tag' = 'name'): string {
  if (plain.test(name)) return name
  const normal = isWritable(name) ? name.normalize('NFC') : undefined
  if (normal === undefined || normal.length > longestName || !isWritable(normal) || (as === 'tag' && mixesScripts(normal)))
    return `sha256:${sha256(JSON.stringify(name))}`
  return normal
}

const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\ufffd')

/** The first characters of a text, as a statement can carry them. */
export const firstCharacters = (text: string, count: number): string =>
  wellFormed(
    Array.from(text.slice(0, 2 * count))
      .slice(0, count)
      .join(''),
  ).normalize('NFC')

/** A finding as a statement shows it: one that is too long is cut, with the digest of the whole. */
export function clipped(text: string): string {
  const first = firstCharacters(text, longestFinding)
  const shown = text.length > longestFinding && first.length < text.length ? `${first}… sha256:${sha256(text)}` : first
  return isWritable(shown) ? shown : `sha256:${sha256(text)}`
}
