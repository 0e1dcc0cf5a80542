import { isDeepStrictEqual } from 'node:util'
import type { CTXStatement } from '../../lib/ctx/language/ast.js'
import { human } from '../../lib/ctx/targets/emitters/human.js'
import { CTXParser } from '../../lib/ctx/language/parser.js'
import { serialize } from '../../lib/ctx/language/serializer.js'
import { readSentence } from './read-sentence.js'
import { said } from './statements.js'

const parser = new CTXParser()

// Controls, line ends, and what changes the direction of writing or is not seen.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

/** What is wrong with the canonical form of a statement; nothing where all is well. */
export function writtenFlaw(statement: CTXStatement): string | undefined {
  const text = serialize(statement)
  const again = parser.parse(text)
  if (!isDeepStrictEqual(said(again), said(statement))) return `${text} is read as ${JSON.stringify(said(again))}`
  if (serialize(again) !== text) return `${text} is written again as ${serialize(again)}`
  if (again.raw !== text) return `${text} is changed when it is read`
  if (unseen.test(text)) return `${text} holds what nobody sees`
}

/** What is wrong with the sentence of a statement: it must say the statement, all of it and nothing else, on one line. */
export function sentenceFlaw(statement: CTXStatement): string | undefined {
  const sentence = human(statement)
  if (unseen.test(sentence)) return `${sentence} holds what nobody sees`
  const read = readSentence(sentence)
  if (!isDeepStrictEqual(said({ ...read, raw: '' }), said(statement))) return `${sentence} says ${JSON.stringify(read)}`
}
