import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { CtxParseError } from '../../lib/core/errors.js'
import { CTXParser } from '../../lib/ctx/index.js'
import { serialize } from '../../lib/ctx/language/serializer.js'
import { said, statements } from './statements.js'

const strict = new CTXParser()
const json = new CTXParser({ mode: 'json' })

function failure(text: string): CtxParseError {
  try {
    json.parse(text)
  } catch (error) {
    return error as CtxParseError
  }
  throw new Error(`${text} was read`)
}

describe('a parser in JSON mode', () => {
  it('reads an AST, as strict reads its canonical form', () => {
    const ast = {
      operator: '+',
      plane: 'm',
      verb: 'task',
      target: 'cafe\u0301',
      filters: [{ type: 'tag', value: 'arch' }],
      payload: { text: 'x' },
    }
    expect(json.parse(JSON.stringify(ast))).toEqual(strict.parse('+m:task café #arch "x"'))
    expect(json.parse(' {"operator":"?","plane":"k"} ')).toEqual(strict.parse('?k'))
  })

  it('reads what was read, whatever it is', () => {
    fc.assert(
      fc.property(statements, statement => {
        const read = strict.parse(serialize(statement))
        expect(json.parse(JSON.stringify(read))).toEqual(read)
        expect(said(json.parse(JSON.stringify(statement)))).toEqual(said(statement))
      }),
    )
  })

  it.each<[string, string, string]>([
    ['', 'EMPTY_INPUT', 'an AST as JSON'],
    ['{', 'INVALID_OPERATOR', 'an AST as JSON'],
    ['?k auth', 'INVALID_OPERATOR', 'an AST as JSON'],
    ['[]', 'INVALID_OPERATOR', '$: an object'],
    ['null', 'INVALID_OPERATOR', '$: an object'],
    ['{}', 'INVALID_OPERATOR', 'operator: a text'],
    ['{"operator":"?"}', 'INVALID_PLANE', 'plane: a text'],
    ['{"operator":"!","plane":"l"}', 'INVALID_COMBO', 'after !'],
    ['{"operator":"x","plane":"k"}', 'INVALID_OPERATOR', 'one of'],
    ['{"operator":"toString","plane":"k"}', 'INVALID_OPERATOR', 'one of'],
    ['{"operator":"?","plane":"k","verb":3}', 'VERB_NOT_ALLOWED', 'verb: a text'],
    ['{"operator":"?","plane":"k","verb":"task"}', 'VERB_NOT_ALLOWED', 'a verb'],
    ['{"operator":"?","plane":"k","target":1}', 'INVALID_TARGET', 'target: a text'],
    ['{"operator":"?","plane":"k","target":"\\ud800"}', 'INVALID_TARGET', 'Unicode'],
    ['{"operator":"?","plane":"k","filters":{}}', 'INVALID_FILTER', 'filters: a list'],
    ['{"operator":"?","plane":"k","filters":[1]}', 'INVALID_FILTER', 'filters[0]: an object'],
    ['{"operator":"?","plane":"k","filters":[{"type":"tag"}]}', 'INVALID_FILTER', 'filters[0].value: a text'],
    ['{"operator":"?","plane":"k","filters":[{"type":"colour","value":"x"}]}', 'INVALID_FILTER', 'one of tag'],
    ['{"operator":"?","plane":"k","filters":[{"type":"tag","value":"x","no":1}]}', 'INVALID_FILTER', 'one of type, value'],
    ['{"operator":"?","plane":"k","filters":[{"type":"tag","value":"aа"}]}', 'MIXED_SCRIPT', 'one script'],
    ['{"operator":"?","plane":"k","payload":"x"}', 'INVALID_PAYLOAD', 'payload: an object'],
    ['{"operator":"?","plane":"k","payload":{}}', 'INVALID_PAYLOAD', 'a text or fields'],
    ['{"operator":"?","plane":"k","payload":{"text":"a","fields":{"b":"c"}}}', 'INVALID_PAYLOAD', 'one of the two'],
    ['{"operator":"?","plane":"k","payload":{"fields":{"a":1}}}', 'INVALID_PAYLOAD', 'payload.fields["a"]: a text'],
    ['{"operator":"?","plane":"k","payload":{"fields":{"a b":"1"}}}', 'INVALID_PAYLOAD', 'a name of letters'],
    ['{"operator":"?","plane":"k","payload":{"fields":{"__proto__":"1"}}}', 'BANNED_KEY', 'a name other than'],
    ['{"operator":"?","plane":"k","__proto__":{}}', 'BANNED_KEY', 'a name other than'],
    ['{"operator":"?","plane":"k","decorator":{"name":"similar","args":["x"]}}', 'INVALID_FILTER', 'no decorator takes arguments'],
    ['{"operator":"?","plane":"k","decorator":{"name":"constructor"}}', 'INVALID_FILTER', 'one of similar'],
    ['{"operator":"?","plane":"k","sql":"x"}', 'INVALID_OPERATOR', 'one of operator'],
    [`{"operator":"?","plane":"k","target":"${'x'.repeat(70_000)}"}`, 'INPUT_TOO_LARGE', 'at most'],
    [' '.repeat(2_100_000), 'INPUT_TOO_LARGE', 'at most'],
    ['['.repeat(500_000) + ']'.repeat(500_000), 'INVALID_OPERATOR', '$: an object'],
  ])('refuses %.60s', (text, reason, expected) => {
    expect(failure(text)).toMatchObject({ code: 'ERR_CTX_PARSE', reason, position: reason === 'INPUT_TOO_LARGE' ? expect.any(Number) : 0 })
    expect(failure(text).expected).toContain(expected)
  })
})

describe('a parser in JSON mode, of names', () => {
  it.each<[string, string]>([
    ['{"operator":"-","operator":"?","plane":"k"}', '"operator"'],
    ['{"operator":"?","plane":"k","target":"a\\\\","target" : "b"}', '"target" :'],
    ['  {"operator":"+","plane":"m","payload":{"fields":{"a":"1","b":"{","\\u0061":"2"}}}', '"\\u0061"'],
    ['{"operator":"?","plane":"k","filters":[{"type":"tag","value":"x"},{"type":"tag","value":"y","type":"project"}]}', '"type":"project"'],
  ])('refuses one that stands twice: %s', (text, second) => {
    expect(failure(text)).toMatchObject({ reason: 'INVALID_PAYLOAD', position: text.lastIndexOf(second), expected: 'each name once' })
  })

  it('takes one in several objects, and in a text', () => {
    const text = '{"operator":"+","plane":"m","target":"{\\"target\\":1","payload":{"fields":{"target":"\\"plane\\":","plane":"x"}}}'
    expect(json.parse(text)).toEqual(strict.parse('+m "{\\"target\\":1" target="\\"plane\\":" plane="x"'))
  })

  it('shows nothing of one that turns the line round or ends it', () => {
    for (const name of ['\u202ea\n', 'a\u0000', 'a\ud800'])
      expect(failure(JSON.stringify({ operator: '+', plane: 'm', payload: { fields: { [name]: 1 } } })).message).toMatch(/^[ -~]+$/)
  })
})

describe('a parser in JSON mode, of sizes', () => {
  it.each(['#a ', '*a ', '^1 '])('reads every statement of many %j, however it is indented', part => {
    const read = strict.parse(`?k ${part.repeat(21_800)}`)
    for (const indent of [undefined, 4])
      expect(isDeepStrictEqual(json.parse(JSON.stringify(read, null, indent)).filters, read.filters)).toBe(true)
  })

  it('passes over a byte order mark and white space around, as strict does', () => {
    expect(json.parse('\ufeff {"operator":"?","plane":"k"}\n')).toEqual(strict.parse('\ufeff ?k\n'))
  })
})

describe('a parser', () => {
  it.each([{ mode: 'loose' }, { mode: null }, { mod: 'strict' }])('refuses the options %j', options => {
    expect(() => new CTXParser(options as never)).toThrow(TypeError)
  })
})
