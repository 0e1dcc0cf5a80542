import fc from 'fast-check'
import { parseWithPlaces, placeOf } from '../../lib/core/json-positions.js'

const syntaxError = (text: string): unknown => {
  try {
    return parseWithPlaces(text)
  } catch (error) {
    const { message, offset } = error as { message: string; offset: number }
    return { message, ...placeOf(text, offset) }
  }
}

describe('parseWithPlaces', () => {
  it('gives every JSON text the value that JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent)
        expect(parseWithPlaces(text).value).toEqual(JSON.parse(text))
      }),
    )
  })

  it('accepts exactly what JSON.parse accepts', () => {
    const accepted = (parse: (text: string) => unknown, text: string): boolean => {
      try {
        parse(text)
        return true
      } catch {
        return false
      }
    }
    const pieces = fc.array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', '-0', '01', 'true', 'nul', ' ', '\n', '"\t"', '"\\u12"', '\u00a0'),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(pieces, parts => {
        const text = parts.join('')
        fc.pre(!/("a"|"b").*\1/s.test(text))
        expect(accepted(parseWithPlaces, text)).toBe(accepted(JSON.parse, text))
      }),
      { numRuns: 2000 },
    )
  })

  it('places keys and items by JSON pointer', () => {
    const text = '{\n  "a": { "b/c": [1,\n 2] }\n}'
    const { places } = parseWithPlaces(text)
    const at = (pointer: string) => placeOf(text, places.get(pointer)!)
    expect([at('/a'), at('/a/b~1c'), at('/a/b~1c/1')]).toEqual([
      { line: 2, column: 3 },
      { line: 2, column: 10 },
      { line: 3, column: 2 },
    ])
  })

  it.each([
    ['{"a": 1,}', { message: 'expected a key in double quotes, found "}"', line: 1, column: 9 }],
    ['{\n "a" 1}', { message: 'expected ":", found "1"', line: 2, column: 6 }],
    ['{"a": 1\n', { message: 'expected "," or "}", found the end', line: 2, column: 1 }],
    ["{'a': 1}", { message: 'expected a key in double quotes, found "\'"', line: 1, column: 2 }],
    ['', { message: 'expected a value, found the end', line: 1, column: 1 }],
    ['[1] x', { message: 'expected the end, found "x"', line: 1, column: 5 }],
    ['["\\q"]', { message: 'this string holds a control character or an unknown escape', line: 1, column: 2 }],
    ['{"a": 1, "a": 2}', { message: 'the key "a" stands here for the second time', line: 1, column: 10 }],
  ])('says what is wrong where: %j', (text, expected) => {
    expect(syntaxError(text)).toEqual(expected)
  })
})
