import fc from 'fast-check'
import type { CTXFilter, CTXStatement } from '../../lib/ctx/language/ast.js'
import { mixesScripts } from '../../lib/ctx/language/escape.js'
import { type CTXOperator, type CTXPlane, decorators, pairs, verbPairs, verbs } from '../../lib/ctx/language/grammar.js'

/** Pieces that mean something to a parser, a sentence or a terminal, and words of the closed tables. */
const pieces = [
  ...['"', '\\', '\\"', '\\u{a}', '\n', '\t', ' ', '  ', '#', '@', '^', '*', '&', '=', ':', ': ', ',', ', ', '{', '}', '(', ')', "'", '`'],
  ...[
    'arch',
    'architecture',
    'decision',
    'lesson',
    'own',
    'my',
    'tagged',
    'and',
    'with',
    'for',
    'from',
    'at most',
    'to depth',
    'as',
    '?k auth #code',
  ],
  ...[
    'depth:3',
    'k:5',
    '7d',
    '^depth=3',
    '^3',
    '0',
    '12',
    'a',
    'b',
    'é',
    'e\u0301',
    'Å',
    'а',
    'ο',
    '字',
    '😀',
    '\u200b',
    '\u200d',
    '\u202e',
    '\u2028',
  ],
  ...[
    '\u00a0',
    '\u3000',
    '\u0000',
    '\u007f',
    '\u0085',
    '\ufeff',
    '\u0338',
    '\ufe0f',
    '__proto__',
    'constructor',
    'x=1',
    'key="v"',
    '-',
    '->',
    '/',
  ],
]

const nfc = (text: string): string => text.normalize('NFC')

/** Texts that are hard to carry, in NFC, without lone surrogates. */
export const hostileText: fc.Arbitrary<string> = fc
  .oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map(all => all.join('')),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ maxLength: 12 }),
  )
  .map(nfc)

/** Texts that are no Unicode at all, besides. */
export const brokenText: fc.Arbitrary<string> = fc.oneof(
  hostileText,
  fc.array(fc.constantFrom('\ud83d', '\udc00', 'a', 'e\u0301', '"', '\\'), { maxLength: 6 }).map(all => all.join('')),
)

const times = fc.oneof(
  fc.tuple(fc.nat(9999), fc.constantFrom(...'smhdwMy')).map(([n, unit]) => `${n}${unit}`),
  fc.constantFrom('2026-03-01', '2024-02-29', '2026-03-01T10:00', '2026-03-01T23:59:59Z', '2026-03-01T23:59:59.123Z', '007d'),
)
const counts = fc.nat(10_000).map(String)

const filters: fc.Arbitrary<CTXFilter> = fc.oneof(
  hostileText.filter(text => !mixesScripts(text)).map(value => ({ type: 'tag' as const, value })),
  times.map(value => ({ type: 'time' as const, value })),
  fc.tuple(fc.constantFrom('limit' as const, 'depth' as const), counts).map(([type, value]) => ({ type, value })),
  fc.tuple(fc.constantFrom('project' as const, 'format' as const), hostileText).map(([type, value]) => ({ type, value })),
)

const keys = fc
  .oneof(fc.constantFrom('title', 'a', 'b', 'input', '0', '10', 'toString', '_'), fc.stringMatching(/^\w{1,8}$/))
  .filter(key => !['__proto__', 'constructor', 'prototype'].includes(key))

const payloads = fc.oneof(
  hostileText.map(text => ({ text, raw: '' })),
  fc
    .uniqueArray(fc.tuple(keys, fc.oneof(hostileText, counts)), { minLength: 1, maxLength: 4, selector: ([key]) => key })
    .map(entries => ({ fields: Object.fromEntries(entries), raw: '' })),
)

const allPairs = Object.entries(pairs).flatMap(([operator, planes]) =>
  [...planes].map(plane => ({ operator: operator as CTXOperator, plane: plane as CTXPlane })),
)

/** Every pair of operator and plane that the language allows. */
export const everyPair: readonly { readonly operator: CTXOperator; readonly plane: CTXPlane }[] = allPairs

/** Statements of every shape, with texts that are hard to carry. Their `raw` is empty. */
export const statements: fc.Arbitrary<CTXStatement> = fc
  .record(
    {
      head: fc.constantFrom(...allPairs),
      verb: fc.option(fc.constantFrom(...verbs), { nil: undefined }),
      decorator: fc.constantFrom(...decorators).map(name => ({ name })),
      target: hostileText,
      filters: fc.array(filters, { maxLength: 4 }),
      payload: payloads,
    },
    { requiredKeys: ['head', 'filters'], noNullPrototype: true },
  )
  .map(({ head, verb, ...rest }) => ({
    ...head,
    ...(verb && verbPairs.includes(head.operator + head.plane) && { verb }),
    ...rest,
    raw: '',
  }))

/** A statement without the texts that it was read from: what it says. */
export function said({ raw: _raw, ...statement }: CTXStatement): object {
  if (!statement.payload) return statement
  const { raw: _payload, ...payload } = statement.payload
  return { ...statement, payload }
}
