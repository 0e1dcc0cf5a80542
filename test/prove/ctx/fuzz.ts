import fc from 'fast-check'
import { CtxParseError } from '../../../lib/core/errors.js'
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

/** A statement with pieces put in, taken out, doubled or turned round. */
const mutated = fc
  .tuple(
    statements.map(serialize),
    fc.array(fc.tuple(fc.nat(), fc.nat(8), fc.oneof(fc.constantFrom(...signs), brokenText)), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, changes]) => changes.reduce(changed, text))

function changed(text: string, [place, count, piece]: readonly [number, number, string]): string {
  const at = place % (text.length + 1)
  const [before, taken, after] = [text.slice(0, at), text.slice(at, at + count), text.slice(at + count)]
  if (count % 3 === 0) return before + piece + taken + after
  return count % 3 === 1 ? before + piece + after : before + taken + taken + after
}

const random = fc
  .tuple(
    fc.constantFrom('', '?k ', '+m ', '>l:chat ', '^a ', '~m ', '-s ', '{"operator":"?",'),
    fc.array(fc.oneof(fc.constantFrom(...signs), brokenText), { maxLength: 12 }),
  )
  .map(([head, parts]) => head + parts.join(''))

function flaw(text: string): string | undefined {
  const { raw } = hybrid.parse(text)
  if (raw !== text) return 'hybrid has changed the text'
  for (const parser of [strict, json]) {
    try {
      const statement = parser.parse(text)
      const wrong = writtenFlaw(statement) ?? sentenceFlaw(statement)
      if (wrong !== undefined) return wrong
    } catch (error) {
      if (!(error instanceof CtxParseError)) return `${error}`
      if (!(error.position >= 0 && error.position <= Math.max(text.normalize('NFC').length, 65_536))) return `position ${error.position}`
    }
  }
  return undefined
}

export const proof: Proof = {
  group: 'ctx',
  name: 'random and mutated inputs: a statement that is whole, or an error that says where; nothing else',
  full: 1_000_000,
  small: 20_000,
  async run({ n, seed }) {
    let failed = 0
    for (let at = 0; at < n; at += 10_000) {
      const inputs = fc.sample(fc.oneof(mutated, random), { numRuns: Math.min(10_000, n - at), seed: seed + at })
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
