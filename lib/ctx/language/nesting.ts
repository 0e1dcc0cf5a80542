import { CtxParseError } from '../../core/errors.js'
import { unescaped } from './escape.js'
import { limits } from './grammar.js'

const begins = /^[?!>+~^-][ktsmail](?::\w+)?(?:\s|$)/
// One that is not closed takes all the rest, which is then read once.
const quotedParts = /"((?:[^"\\]|\\.)*)(?:(")|\\?$)/gs

const wellEscaped = (text: string): string => {
  try {
    return unescaped(text)
  } catch {
    return text
  }
}

/** The statements that are quoted in a text which is one itself. */
const quotedIn = (text: string): string[] =>
  [...text.matchAll(quotedParts)]
    .filter(([, , closed]) => closed)
    .map(([, inner]) => wellEscaped(inner!))
    .filter(isStatement)

const isStatement = (text: string): boolean => begins.test(text)

/** How deep statements are quoted within each other: 0 for a text that is none, 1 for a statement, 2 for one that quotes another. */
export function nestingOf(text: string): number {
  let depth = 0
  for (let level = isStatement(text) ? [text] : []; level.length > 0 && depth <= limits.depth; depth++) level = level.flatMap(quotedIn)
  return depth
}

/** @throws CtxParseError `DEPTH_EXCEEDED` where a value of a statement nests deeper than the language allows */
export function checkNesting(value: string, position: number): void {
  const depth = nestingOf(value)
  if (depth <= limits.depth) return
  const expected = `statements quoted at most ${limits.depth} deep`
  throw new CtxParseError({ reason: 'DEPTH_EXCEEDED', position, found: 'a deeper one', expected })
}
