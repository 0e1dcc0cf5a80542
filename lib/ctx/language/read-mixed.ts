import { CtxParseError } from '../../core/errors.js'
import type { CTXStatement } from './ast.js'

/** What was found in a text that is only partly CTX. */
export interface CTXMixedText {
  /** Of every line that is one, in their order. */
  readonly statements: readonly CTXStatement[]
  /** All other lines, in their order, as they are. */
  readonly prose: string
  /** The whole text, as it was. */
  readonly raw: string
}

const lineEnd = /\r\n|\n|\r/

/** Can it be a statement? Most lines of prose are told apart by their first two characters, without an error for each. */
const begins = /^\s*[?!>+~^-][ktsmail](?:$|[\s:])/

/** Finds the statements of a text, each a line of its own. Never throws. */
export function readMixed(raw: string, read: (line: string) => CTXStatement): CTXMixedText {
  const statements: CTXStatement[] = []
  const prose: string[] = []
  for (const line of raw.split(lineEnd)) {
    const statement = begins.test(line) ? attempt(read, line) : undefined
    if (statement) statements.push(statement)
    else prose.push(line)
  }
  return { statements, prose: prose.join('\n'), raw }
}

function attempt(read: (line: string) => CTXStatement, line: string): CTXStatement | undefined {
  try {
    return read(line)
  } catch (error) {
    if (error instanceof CtxParseError) return undefined
    throw error
  }
}

/**
 * Reads a text of statements, one a line. Empty lines are passed over; there are no comments.
 * @throws CtxParseError with `line`, and `position` within it
 */
export function readLines(text: string, read: (line: string) => CTXStatement): readonly CTXStatement[] {
  const statements: CTXStatement[] = []
  for (const [at, line] of text.split(lineEnd).entries()) if (line.trim() !== '') statements.push(readLine(line, at + 1, read))
  return statements
}

function readLine(text: string, line: number, read: (line: string) => CTXStatement): CTXStatement {
  try {
    return read(text)
  } catch (error) {
    throw error instanceof CtxParseError ? error.inLine(line) : error
  }
}
