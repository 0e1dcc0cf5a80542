import { type CTXParserOptions, CTXParser } from '../../lib/ctx/index.js'
import { CtxParseError, isOutriggerError } from '../../lib/index.js'

const parser = new CTXParser()
const parse = (text: string) => parser.parse(text)

function failure(text: string): CtxParseError {
  try {
    parse(text)
  } catch (error) {
    return error as CtxParseError
  }
  throw new Error(`${text} was read`)
}

/** A statement quoted in statements, so many deep, in a spelling that does not double with each. */
function nested(depth: number): string {
  let text = '?k x'
  for (let i = 0; i < depth; i++) text = `?k "${text.replaceAll('\\', '\\u{5c}').replaceAll('"', '\\u{22}')}"`
  return text
}

describe('CTXParser', () => {
  it('takes a statement apart', () => {
    expect(parse('+m:task @relate "PR #42" #arch @7d ^3 ^depth=2 *site &json title="A \\"b\\"" n=1')).toEqual({
      operator: '+',
      plane: 'm',
      verb: 'task',
      decorator: { name: 'relate' },
      target: 'PR #42',
      filters: [
        { type: 'tag', value: 'arch' },
        { type: 'time', value: '7d' },
        { type: 'limit', value: '3' },
        { type: 'depth', value: '2' },
        { type: 'project', value: 'site' },
        { type: 'format', value: 'json' },
      ],
      payload: { fields: { title: 'A "b"', n: '1' }, raw: 'title="A \\"b\\"" n=1' },
      raw: '+m:task @relate "PR #42" #arch @7d ^3 ^depth=2 *site &json title="A \\"b\\"" n=1',
    })
  })

  it('has no parts that the statement has not', () => {
    expect(Object.keys(parse('?k'))).toEqual(['operator', 'plane', 'filters', 'raw'])
  })

  it('takes the first bare or quoted word for the target, unless it is a field or follows a filter', () => {
    expect(parse('+k source="docs/"')).toMatchObject({ payload: { fields: { source: 'docs/' } } })
    expect(parse('+k source="docs/"').target).toBeUndefined()
    expect(parse('+m #a "text"')).toMatchObject({ payload: { text: 'text', raw: '"text"' } })
    expect(parse('+m "a" "b"')).toMatchObject({ target: 'a', payload: { text: 'b' } })
    expect(parse('+m a->b=c')).toMatchObject({ target: 'a->b=c' })
    expect(parse('+m =b')).toMatchObject({ target: '=b' })
  })

  it('takes a quoted text after = for the payload, where it would be the target else', () => {
    expect(parse('+m ="a"')).toEqual({ operator: '+', plane: 'm', filters: [], payload: { text: 'a', raw: '="a"' }, raw: '+m ="a"' })
    expect(failure('+m ="a" "b"')).toMatchObject({ reason: 'INVALID_PAYLOAD', position: 8 })
    expect(failure('+m ="a')).toMatchObject({ reason: 'UNTERMINATED_STRING' })
  })

  it('takes the payload before, between and after filters', () => {
    const { raw: _raw, ...parts } = parse('+m a #x ^1 "t"')
    for (const text of ['+m a "t" #x ^1', '+m a #x "t" ^1']) expect(parse(text)).toEqual({ ...parts, raw: text })
  })

  it('reads a word after @ as a decorator before the target, and as a time elsewhere', () => {
    expect(parse('?m @similar x')).toMatchObject({ decorator: { name: 'similar' }, target: 'x' })
    expect(parse('?m @7d')).toMatchObject({ filters: [{ type: 'time', value: '7d' }] })
    expect(failure('?m x @similar')).toMatchObject({ reason: 'INVALID_FILTER', position: 5 })
  })

  it('reads #depth:3 and #k:5 as depth and limit, and other tags with : as tags', () => {
    expect(parse('?m #depth:3 #k:5 #threshold:0.7 #k:x #"k:5"').filters).toEqual([
      { type: 'depth', value: '3' },
      { type: 'limit', value: '5' },
      { type: 'tag', value: 'threshold:0.7' },
      { type: 'tag', value: 'k:x' },
      { type: 'tag', value: 'k:5' },
    ])
  })

  it.each(['7d', '15m', '3M', '2026-03-01', '2024-02-29', '2026-03-01T10:00', '2026-03-01T10:00:59Z', '2026-03-01T10:00:59.5Z'])(
    'takes %s for a time',
    time => {
      expect(parse(`?m @${time}`).filters).toEqual([{ type: 'time', value: time }])
    },
  )

  it.each(['7', '7D', 'd', '2026-13-01', '2026-02-29', '2026-3-1', '2026-03-01T24:00', '2026-03-01T10:60', '٧d'])(
    'does not take %s for one',
    time => {
      expect(failure(`?m @${time}`).reason).toBe('INVALID_FILTER')
    },
  )

  it('takes quoted text for what it is, escapes included', () => {
    expect(parse('+m:example "?k auth #code ^3"').target).toBe('?k auth #code ^3')
    expect(parse('+m "vault \'DevOps\' \\"x\\" \\\\ \\u{a}\\u{1F600}"').target).toBe('vault \'DevOps\' "x" \\ \n😀')
  })

  it('brings everything to NFC, what was escaped included', () => {
    expect(parse('?k cafe\u0301').target).toBe('caf\u00e9')
    expect(parse('?k "cafe\\u{301}"').target).toBe('caf\u00e9')
  })

  it("keeps fields with the names of an object's own methods as plain data", () => {
    const { fields } = parse('>t x toString=1 hasOwnProperty="2" valueOf=3').payload!
    expect(Object.entries(fields!)).toEqual([
      ['toString', '1'],
      ['hasOwnProperty', '2'],
      ['valueOf', '3'],
    ])
  })

  it.each([
    ['', 'EMPTY_INPUT', 0, 'the end'],
    [' \n\t ', 'EMPTY_INPUT', 4, 'the end'],
    ['?', 'INPUT_TOO_SHORT', 0, '"?"'],
    ['kk auth', 'INVALID_OPERATOR', 0, '"kk"'],
    ['é?', 'INVALID_OPERATOR', 0, '"é?"'],
    ['? k', 'INVALID_PLANE', 1, 'the end'],
    ['?z auth', 'INVALID_PLANE', 1, '"z"'],
    ['?kauth', 'INVALID_PLANE', 2, '"auth"'],
    ['?k\tauth', 'INVALID_PLANE', 2, 'U+0009'],
    ['^m x', 'INVALID_COMBO', 0, '"^m"'],
    ['!l x', 'INVALID_COMBO', 0, '"!l"'],
    ['~a x', 'INVALID_COMBO', 0, '"~a"'],
    ['?k:task x', 'VERB_NOT_ALLOWED', 2, '":task"'],
    ['+m:sing x', 'VERB_NOT_ALLOWED', 2, '"sing"'],
    ['+m: x', 'VERB_NOT_ALLOWED', 2, 'the end'],
    ['?k foo#bar', 'INVALID_TARGET', 3, '"foo#bar"'],
    ['?k foo"bar"', 'INVALID_TARGET', 3, '"foo\\"bar\\""'],
    ['?k "a"b', 'INVALID_TARGET', 6, '"b"'],
    ['?k a\u202eb', 'INVALID_TARGET', 4, 'U+202E'],
    ['?k a\u00a0b', 'INVALID_TARGET', 4, 'U+00A0'],
    ['?k \ud800', 'INVALID_TARGET', 3, 'U+D800'],
    ['?k "a\nb"', 'INVALID_TARGET', 5, 'U+000A'],
    ['?k "a\u2028b"', 'INVALID_TARGET', 5, 'U+2028'],
    ['?k "a\u202eb"', 'INVALID_TARGET', 5, 'U+202E'],
    ['?k "\ud800"', 'INVALID_TARGET', 3, 'U+D800'],
    ['?k "\\u{d800}"', 'INVALID_TARGET', 3, 'U+D800'],
    ['?k "a\\nb"', 'INVALID_TARGET', 5, '"\\\\n"'],
    ['?k "\\u{110000}"', 'INVALID_TARGET', 4, '"\\\\u"'],
    ['?k "\\u0041"', 'INVALID_TARGET', 4, '"\\\\u"'],
    ['?k #', 'INVALID_FILTER', 3, '"#"'],
    ['?k #a@b', 'INVALID_FILTER', 3, '"#a@b"'],
    ['?k #a\u200bb', 'INVALID_FILTER', 5, 'U+200B'],
    ['?k ^many', 'INVALID_FILTER', 3, '"^many"'],
    ['?k ^depth=', 'INVALID_FILTER', 3, '"^depth="'],
    ['?k ^1234567890123456', 'INVALID_FILTER', 3, '"^1234567890123456"'],
    ['?k a b', 'INVALID_PAYLOAD', 5, '"b"'],
    ['?k a=', 'INVALID_PAYLOAD', 5, 'the end'],
    ['+m x "a" "b"', 'INVALID_PAYLOAD', 9, '"\\"b\\""'],
    ['+m x a=1 "b"', 'INVALID_PAYLOAD', 9, '"\\"b\\""'],
    ['+m x a=1 #t b=2', 'INVALID_PAYLOAD', 12, '"b=2"'],
    ['+m x a=1 a=2', 'INVALID_PAYLOAD', 9, '"a"'],
    ['?k "auth', 'UNTERMINATED_STRING', 8, 'the end'],
    ['?k "auth\\"', 'UNTERMINATED_STRING', 10, 'the end'],
    ['+m x a="b', 'UNTERMINATED_STRING', 9, 'the end'],
    ['>t x __proto__=1', 'BANNED_KEY', 5, '"__proto__"'],
    ['>t x a=1 constructor="2"', 'BANNED_KEY', 9, '"constructor"'],
    ['>t prototype=1', 'BANNED_KEY', 3, '"prototype"'],
    ['?k #p\u0430ypal', 'MIXED_SCRIPT', 3, '"p\u0430ypal"'],
    ['?k #"\u03b1 beta"', 'MIXED_SCRIPT', 3, '"\u03b1 beta"'],
    ['  ?z', 'INVALID_PLANE', 3, '"z"'],
  ])('refuses %j: %s at %i, found %s', (text, reason, position, found) => {
    expect(failure(text)).toMatchObject({ name: 'CtxParseError', reason, position, found, expected: expect.stringMatching(/\w/) })
  })

  it('takes tags of one script', () => {
    for (const tag of ['архитектура', 'αβγ', '設計', 'naïve', 'p0']) expect(parse(`?k #${tag}`).filters[0]!.value).toBe(tag)
  })

  it('takes up to 65,536 bytes of UTF-8', () => {
    expect(parse(`?k ${'é'.repeat(32_766)}a`).target).toHaveLength(32_767)
    expect(failure(`?k ${'é'.repeat(32_767)}`)).toMatchObject({ reason: 'INPUT_TOO_LARGE', found: '65537 bytes' })
  })

  it('counts the bytes of the NFC form, and does not normalise what is too large in any', () => {
    expect(parse(`?k "${'u\u0308\u0304'.repeat(32_000)}"`).target).toBe('\u01d6'.repeat(32_000))
    const marks = '\u0301'.repeat(257)
    expect(failure(`?k "a${marks}"`)).toMatchObject({ reason: 'INPUT_TOO_LARGE', position: 5, found: 'more combining marks in a row' })
    expect(failure(`?k "a${marks.repeat(1_100)}"`)).toMatchObject({ reason: 'INPUT_TOO_LARGE', found: '565406 bytes' })
  })

  it('takes 256 combining marks in a row, and says where there are more', () => {
    expect(parse(`?k "${`a${'\u0301'.repeat(256)}`.repeat(2)}"`).target).toHaveLength(2 * 256)
    expect(failure(`  ?k "${`a${'\u0301'.repeat(256)}`.repeat(2)}\u0301"`)).toMatchObject({ position: 2 + 4 + 257 + 1 })
  })

  it('takes statements quoted in statements up to 16 deep', () => {
    expect(parse(nested(16))).toMatchObject({ operator: '?' })
    expect(failure(nested(17)).reason).toBe('DEPTH_EXCEEDED')
    expect(failure(`+m x text="${nested(16).replaceAll('\\', '\\u{5c}').replaceAll('"', '\\u{22}')}"`).reason).toBe('DEPTH_EXCEEDED')
  })

  it('reads a long hostile text in linear time', () => {
    for (const piece of ['"', '\\', '\\"', '#', '"?k ', '=', '\\u{', ' ', '?k "\\u{22}'])
      for (const text of [`?k ${piece.repeat(65_000 / piece.length)}`, `?k "${piece.repeat(65_000 / piece.length)}"`]) {
        const began = performance.now()
        try {
          parse(text)
        } catch (error) {
          expect(error).toBeInstanceOf(CtxParseError)
        }
        expect(performance.now() - began).toBeLessThan(1_000)
      }
  })

  it('fails with an error of ours that carries its facts over HTTP and little of the text', () => {
    const error = failure(`?k "${'secret '.repeat(20)}" ${'x'.repeat(100)}`)
    expect(isOutriggerError(error, 'ERR_CTX_PARSE')).toBe(true)
    expect(error.http).toEqual({ status: 400, type: 'invalid_request_error' })
    expect(error.facts).toEqual({ reason: error.reason, position: error.position, found: error.found, expected: error.expected })
    expect(error.message).not.toContain('secret')
    expect(error.found).toBe(`"${'x'.repeat(24)}…"`)
  })

  it('refuses options and inputs that are not there', () => {
    expect(() => new CTXParser({ mode: 'loose' } as unknown as CTXParserOptions)).toThrow(TypeError)
    expect(() => new CTXParser({ strict: true } as CTXParserOptions)).toThrow('there is no option "strict"')
    expect(() => parser.parse(null as unknown as string)).toThrow('parse takes a text, not null')
  })
})
