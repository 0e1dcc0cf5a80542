import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { type CTXStatement, CTXParser, serialize } from '../../lib/ctx/index.js'
import { writtenFlaw } from './flaws.js'
import { said, statements } from './statements.js'

const parser = new CTXParser()
const lines = readFileSync(join(__dirname, '../vectors/ctx-statements.txt'), 'utf8').trim().split('\n')
const ast = (facts: object): CTXStatement => ({ operator: '+', plane: 'm', filters: [], raw: '', ...facts }) as CTXStatement

describe('serialize', () => {
  it.each([
    ['  ?k   "auth"  #code  @7d ^3 ', '?k auth #code @7d ^3'],
    ['+m "decision" "text" #arch', '+m decision #arch "text"'],
    ['?m #depth:3 #k:5', '?m ^depth=3 ^5'],
    ['>l:complete claude-haiku-4-5 attempts="1" stop=end_turn', '>l:complete "claude-haiku-4-5" attempts=1 stop="end_turn"'],
    ['>t "a=b" x="1.0"', '>t "a=b" x="1.0"'],
    ['?k #"two words" *"my project" &"json"', '?k #"two words" *"my project" &json'],
    ['?k "caf\u0065\u0301"', '?k caf\u00e9'],
    ['+m "a\u200db"', '+m "a\\u{200d}b"'],
    ['+m "\\u{A}\\u{00000a}"', '+m "\\u{a}\\u{a}"'],
    ['?k ""', '?k ""'],
    ['?k', '?k'],
    ['+m "\u0301a" #"\u0301b"', '+m "\u0301a" #"\u0301b"'],
    ['+m ="text"', '+m ="text"'],
    ['+m =""', '+m =""'],
    ['+m a ="text"', '+m a "text"'],
    ['+m ="text" #tag', '+m #tag "text"'],
  ])('writes %j as %j', (text, canonical) => {
    expect(serialize(parser.parse(text))).toBe(canonical)
  })

  it.each(lines)('writes %s so that it is read again as it was', line => {
    const statement = parser.parse(line)
    expect(said(parser.parse(serialize(statement)))).toEqual(said(statement))
    expect(writtenFlaw(statement)).toBeUndefined()
  })

  it('writes every statement so', () => {
    fc.assert(
      fc.property(statements, statement => {
        expect(writtenFlaw(statement)).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([null, undefined, '?k auth', [], 3])('refuses %j, which is no AST', value => {
    expect(() => serialize(value as never)).toThrow(expect.objectContaining({ name: 'CtxParseError', reason: 'INVALID_OPERATOR' }))
  })

  it('refuses what was short enough as it was written, and is too large in the canonical form', () => {
    const read = parser.parse(`?k "${'\u200d'.repeat(20_000)}"`)
    expect(() => serialize(read)).toThrow(expect.objectContaining({ reason: 'INPUT_TOO_LARGE', found: '160005 bytes' }))
  })

  it('tells a tag from what is spelt like one', () => {
    expect(serialize(ast({ filters: [{ type: 'tag', value: 'depth:3' }] }))).toBe('+m #"depth:3"')
    expect(serialize(ast({ filters: [{ type: 'depth', value: '3' }] }))).toBe('+m ^depth=3')
  })

  it.each([
    ['an operator', { operator: '%' }, 'INVALID_OPERATOR'],
    ['a pair', { operator: '^', plane: 'm' }, 'INVALID_COMBO'],
    ['a plane of several letters', { plane: 'ms' }, 'INVALID_COMBO'],
    ['a verb', { verb: 'sing' }, 'VERB_NOT_ALLOWED'],
    ['the place of a verb', { plane: 'k', verb: 'task' }, 'VERB_NOT_ALLOWED'],
    ['a decorator', { decorator: { name: 'bold' } }, 'INVALID_FILTER'],
    ['a decorator with arguments', { decorator: { name: 'decay', args: ['1'] } }, 'INVALID_FILTER'],
    ['a target', { target: 3 }, 'INVALID_TARGET'],
    ['a target with half a character', { target: '\ud800' }, 'INVALID_TARGET'],
    ['a time', { filters: [{ type: 'time', value: 'soon' }] }, 'INVALID_FILTER'],
    ['a count', { filters: [{ type: 'limit', value: '-1' }] }, 'INVALID_FILTER'],
    ['a filter', { filters: [{ type: 'colour', value: 'red' }] }, 'INVALID_FILTER'],
    ['a tag of two scripts', { filters: [{ type: 'tag', value: 'p\u0430y' }] }, 'MIXED_SCRIPT'],
    ['a payload of nothing', { payload: { fields: {}, raw: '' } }, 'INVALID_PAYLOAD'],
    ['a payload of two sorts', { payload: { text: 'a', fields: { a: '1' }, raw: '' } }, 'INVALID_PAYLOAD'],
    ['the name of a field', { payload: { fields: { 'a b': '1' }, raw: '' } }, 'INVALID_PAYLOAD'],
    ['a name that is not allowed', { payload: { fields: JSON.parse('{"__proto__":"1"}'), raw: '' } }, 'BANNED_KEY'],
    ['an operator in a list', { operator: ['+'] }, 'INVALID_OPERATOR'],
    ['an operator that is no text', { operator: Symbol('+') }, 'INVALID_OPERATOR'],
    ['a plane that is no text', { plane: ['m'] }, 'INVALID_PLANE'],
    ['a decorator that is null', { decorator: null }, 'INVALID_FILTER'],
    ['the list of filters, which is missing,', { filters: undefined }, 'INVALID_FILTER'],
    ['a filter that is null', { filters: [null] }, 'INVALID_FILTER'],
    ['a payload that is null', { payload: null }, 'INVALID_PAYLOAD'],
    ['a payload that is a text', { payload: 'text' }, 'INVALID_PAYLOAD'],
    ['fields in a list', { payload: { fields: ['a'] } }, 'INVALID_PAYLOAD'],
    ['the size', { target: 'a'.repeat(65_536) }, 'INPUT_TOO_LARGE'],
  ])('refuses an AST where %s is wrong', (_what, facts, reason) => {
    expect(() => serialize(ast(facts))).toThrow(expect.objectContaining({ name: 'CtxParseError', reason }))
  })
})
