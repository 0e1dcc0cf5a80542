import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { CtxParseError } from '../../../lib/core/errors.js'
import type { CTXStatement } from '../../../lib/ctx/language/ast.js'
import { CTXParser } from '../../../lib/ctx/language/parser.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { sentenceFlaw, writtenFlaw } from '../../ctx/flaws.js'
import { brokenText, statements } from '../../ctx/statements.js'
import type { Proof } from '../proof.js'

const strict = new CTXParser()
const hybrid = new CTXParser({ mode: 'hybrid' })
const json = new CTXParser({ mode: 'json' })

const signs = [
  '"',
  '\\',
  ' ',
  '#',
  '@',
  '^',
  '*',
  '&',
  '=',
  ':',
  '\n',
  '\\u{',
  '}',
  '->',
  '\0',
  '\ud800',
  'é',
  '?k',
  '+m',
  '^depth=',
  '#k:5',
  '@7d',
  '="',
]

const jsonSigns = ['{', '}', '[', ']', ',', 'null', '1', '"a":', '"target":"x",', '{"type":"tag","value":"x"}', '"\\u202e\\n":1,']

/** A statement, or one as JSON, with pieces put in, taken out, doubled or turned round. */
const mutated = fc
  .tuple(
    fc.oneof(
      statements.map(serialize),
      statements.map(statement => JSON.stringify(statement)),
    ),
    fc.array(fc.tuple(fc.nat(), fc.nat(8), fc.oneof(fc.constantFrom(...signs, ...jsonSigns), brokenText)), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, changes]) => changes.reduce(changed, text))

function changed(text: string, [place, count, piece]: readonly [number, number, string]): string {
  const at = place % (text.length + 1)
  const [before, taken, after] = [text.slice(0, at), text.slice(at, at + count), text.slice(at + count)]
  if (count % 3 === 0) return before + piece + taken + after
  return count % 3 === 1 ? before + piece + after : before + taken + taken + after
}

/** An AST as JSON with a member too many, or one that is no such thing, somewhere in it. */
const wrongAst = fc
  .tuple(
    statements,
    fc.nat(4),
    fc.oneof(
      brokenText,
      fc.constantFrom('operator', 'plane', 'target', 'filters', 'payload', 'text', 'fields', 'name', 'value', '__proto__'),
    ),
    fc.oneof(brokenText, fc.constantFrom(null, 1, true, [], {}, ['a'], { a: 1 })),
  )
  .map(([statement, place, name, value]) => JSON.stringify(withMember(statement, place, { [name]: value })))

function withMember(statement: CTXStatement, place: number, member: object): object {
  const { decorator, filters, payload } = statement
  if (place === 1) return { ...statement, decorator: { ...decorator, ...member } }
  if (place === 2) return { ...statement, filters: [...filters, { type: 'tag', value: 'x', ...member }] }
  if (place === 3) return { ...statement, payload: { ...payload, ...member } }
  return place === 4 ? { ...statement, payload: { fields: { ...payload?.fields, ...member } } } : { ...statement, ...member }
}

const random = fc
  .tuple(
    fc.constantFrom('', '?k ', '+m ', '>l:chat ', '^a ', '~m ', '-s ', '{"operator":"?",'),
    fc.array(fc.oneof(fc.constantFrom(...signs), brokenText), { maxLength: 12 }),
  )
  .map(([head, parts]) => head + parts.join(''))

/** What the parser gives: a statement, or why there is none. Every other error goes on. */
function read(parser: CTXParser<'strict' | 'json'>, text: string): CTXStatement | CtxParseError {
  try {
    return parser.parse(text)
  } catch (error) {
    if (error instanceof CtxParseError) return error
    throw error
  }
}

/** Where it is wrong, within the text, and nothing that nobody sees. */
function errorFlaw({ message, reason, position, found, expected }: CtxParseError, text: string): string | undefined {
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(message)) return `${JSON.stringify(message)} holds what nobody sees`
  if (reason !== 'INPUT_TOO_LARGE' && !(position >= 0 && position <= text.normalize('NFC').length)) return `position ${position}`
  return found === '' || expected === '' ? 'an error that does not say what is wrong' : undefined
}

const readFlaw = (result: CTXStatement | CtxParseError, text: string): string | undefined =>
  result instanceof CtxParseError ? errorFlaw(result, text) : (writtenFlaw(result) ?? sentenceFlaw(result))

function hybridFlaw(result: CTXStatement | CtxParseError, text: string): string | undefined {
  const { raw, statements } = hybrid.parse(text)
  if (raw !== text) return 'hybrid has changed the text'
  if (!(result instanceof CtxParseError) && !isDeepStrictEqual(statements, [result])) return 'hybrid does not find what strict takes'
}

function flaw(text: string): string | undefined {
  try {
    const result = read(strict, text)
    return readFlaw(result, text) ?? hybridFlaw(result, text) ?? readFlaw(read(json, text), text)
  } catch (error) {
    return `${error}`
  }
}

export const proof: Proof = {
  group: 'ctx',
  name: 'random and mutated inputs: a statement that is whole, or an error that says where; nothing else',
  full: 1_000_000,
  small: 20_000,
  async run({ n, seed }) {
    let failed = 0
    for (let at = 0; at < n; at += 10_000) {
      const inputs = fc.sample(fc.oneof(mutated, random, wrongAst), { numRuns: Math.min(10_000, n - at), seed: seed + at })
      for (const text of inputs) {
        const wrong = flaw(text)
        if (wrong === undefined) continue
        failed++
        process.stderr.write(`fuzz: ${JSON.stringify(text)}: ${wrong}\n`)
      }
    }
    return { tried: n, failed }
  },
}
