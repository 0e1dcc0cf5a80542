import * as fc from 'fast-check'
import { runInNewContext } from 'node:vm'
import { canonicalJson, isCanonicalJson } from '../../lib/ctx/canonical-json.js'

/** The slow and plain way: a copy whose members are in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const copy = Object.create(null)
  for (const key of Object.keys(value).sort()) copy[key] = sorted((value as Record<string, unknown>)[key])
  return copy
}

/** In the order of `keys`, which JSON.stringify cannot give to members that look like indices. */
function plainly(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.keys(value).sort()
  return `{${members.map(key => `${JSON.stringify(key)}:${plainly((value as Record<string, unknown>)[key])}`).join(',')}}`
}

const exact = (value: unknown): boolean =>
  typeof value === 'number'
    ? !Number.isInteger(value) || Number.isSafeInteger(value)
    : typeof value !== 'object' || value === null || Object.values(value).every(exact)
const json = () => fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }).filter(exact)
const indexFree = (value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  Object.entries(value).every(([k, v]) => (Array.isArray(value) || !/^\d+$/.test(k)) && indexFree(v))

const looped: Record<string, unknown> = {}
looped.self = looped
let deep: unknown = 0
for (let i = 0; i < 1_001; i++) deep = [deep]
class Point {
  x = 1
}
class List extends Array {}
class Rootless {
  x = 1
}
Object.setPrototypeOf(Rootless.prototype, null)

describe('canonicalJson', () => {
  it('writes the example of RFC 8785', () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E21e-1,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}'.replace(
        '1E21e-1',
        '1E15',
      ),
    )
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1000000000000000,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('orders members by UTF-16 code units, as the RFC shows', () => {
    const value = { '€': 1, '\r': 2, '\ufb33': 3, 1: 4, '😀': 5, '\x80': 6, ö: 7 }
    expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\x80":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
  })

  it('orders members that look like indices as text', () => {
    expect(canonicalJson({ 10: 1, 9: 2, a: 3, '-1': 4 })).toBe('{"-1":4,"10":1,"9":2,"a":3}')
  })

  it('is JSON.stringify of a copy in order', () => {
    fc.assert(
      fc.property(json(), value => {
        expect(canonicalJson(value)).toBe(plainly(value))
        if (indexFree(value)) expect(canonicalJson(value)).toBe(JSON.stringify(sorted(value)))
      }),
      { numRuns: 500 },
    )
  })

  it('is read back as the same value, so that two values never share a text', () => {
    fc.assert(
      fc.property(json(), value => {
        const again = JSON.parse(canonicalJson(value))
        expect(plainly(again)).toBe(plainly(value))
        expect(canonicalJson(again)).toBe(canonicalJson(value))
      }),
      { numRuns: 500 },
    )
  })

  it('has two texts for two values, and one for one, whatever the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null))), json(), (a, b) => {
        const turned = Object.fromEntries(Object.entries(a).reverse())
        expect(canonicalJson(turned)).toBe(canonicalJson(a))
        expect(canonicalJson(a) === canonicalJson(b)).toBe(plainly(a) === plainly(b))
        expect(canonicalJson([a, b])).not.toBe(canonicalJson([[a], b]))
      }),
    )
  })

  it.each<[string, unknown, string]>([
    ['-0 as 0', -0, '0'],
    ['a member that is undefined not at all', { a: undefined, b: 1 }, '{"b":1}'],
    ['an own __proto__ as data', JSON.parse('{"__proto__":{"a":1},"b":2}'), '{"__proto__":{"a":1},"b":2}'],
    ['an own toJSON that is data', { toJSON: 'x' }, '{"toJSON":"x"}'],
    ['an object without a prototype', Object.assign(Object.create(null), { b: 1, a: 2 }), '{"a":2,"b":1}'],
    ['objects and arrays of another realm', runInNewContext('({ b: [1, {}], a: 2 })'), '{"a":2,"b":[1,{}]}'],
    ['the greatest exact integers', [2 ** 53 - 1, -(2 ** 53) + 1], '[9007199254740991,-9007199254740991]'],
    ['small and fractional numbers', [1e-7, 5e-324, 0.1], '[1e-7,5e-324,0.1]'],
    ['what JSON does not escape', '\x7f\u2028é😀', '"\x7f\u2028é😀"'],
    ['nothing', {}, '{}'],
  ])('writes %s', (_name, value, expected) => {
    expect(canonicalJson(value)).toBe(expected)
  })

  it.each<[string, unknown, string]>([
    ['undefined', undefined, '$ is undefined'],
    ['undefined in an array', { a: [1, undefined] }, '$.a[1] is undefined'],
    ['a hole', { a: Object.assign(new Array(3), [1]) }, '$.a is an array with holes'],
    ['an array with a member', Object.assign([1], { more: 1 }), '$ is an array with'],
    ['NaN', { a: Number.NaN }, '$.a is not a finite number'],
    ['an infinity', [Number.NEGATIVE_INFINITY], '$[0] is not a finite number'],
    ['1e400', JSON.parse('[1e400]'), '$[0] is not a finite number'],
    ['an integer that JSON.parse has rounded', JSON.parse('[9007199254740993]'), '$[0] is an integer beyond'],
    ['a great negative integer', [-(2 ** 53)], '$[0] is an integer beyond'],
    ['a BigInt', { n: 1n }, '$.n is a bigint'],
    ['a function', { 'a b': () => 1 }, '$["a b"] is a function'],
    ['a symbol', [Symbol('s')], '$[0] is a symbol'],
    ['a member named by a symbol', { [Symbol('s')]: 1 }, '$ has a member named by a symbol'],
    ['a Date', { at: new Date(0) }, '$.at is an object that is not plain'],
    ['a Map', new Map(), '$ is an object that is not plain'],
    ['a Uint8Array', new Uint8Array(2), '$ is an object that is not plain'],
    ['a boxed text', [new String('x')], '$[0] is an object that is not plain'],
    ['an instance of a class', new Point(), '$ is an object that is not plain'],
    ['an instance of a class without a root', new Rootless(), '$ is an object that is not plain'],
    ['an array of a class', List.of(1, 2), '$ is not a plain array'],
    ['an object with a toJSON', { toJSON: () => 'other' }, '$.toJSON is a function'],
    ['an inherited toJSON', Object.create({ toJSON: () => 'other' }), '$ is an object that is not plain'],
    ['a getter', { get a() { return 1 } }, '$.a is a getter'], // biome-ignore format: one row
    ['a setter', { set a(_: number) {} }, '$.a is a getter'],
    ['a getter in an array', Object.defineProperty([0], 0, { get: () => 1, enumerable: true }), '$[0] is a getter'],
    ['a lone high surrogate', { a: 'x\ud800' }, '$.a holds a lone surrogate'],
    ['a lone low surrogate', ['\udfffx'], '$[0] holds a lone surrogate'],
    ['a lone surrogate in a name', { '\udc00\ud800': 1 }, 'holds a lone surrogate'],
    ['a value within itself', looped, 'within itself'],
    ['more than 1,000 levels', deep, 'deeper than 1000 levels'],
  ])('refuses %s', (_name, value, message) => {
    expect(() => canonicalJson(value)).toThrow(TypeError)
    expect(() => canonicalJson(value)).toThrow(message)
  })

  it('keeps the content and long paths out of the message', () => {
    const refused = (value: unknown) => {
      try {
        return canonicalJson(value)
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(refused({ a: 'secret-words \ud800' })).not.toContain('secret')
    expect(refused({ n: 9007199254740994 })).not.toContain('900719925474099')
    expect(refused({ ['k'.repeat(5_000)]: Number.NaN }).length).toBeLessThan(300)
  })

  it('calls no toJSON, of a prototype that was tampered with either', () => {
    const tampered = Object.prototype as { toJSON?: unknown }
    Object.defineProperty(tampered, 'toJSON', { value: () => 'other', configurable: true, enumerable: false })
    try {
      expect(canonicalJson({ a: ['x"y'] })).toBe('{"a":["x\\"y"]}')
    } finally {
      delete tampered.toJSON
    }
  })
})

describe('isCanonicalJson', () => {
  const slowly = (text: string): boolean | 'throws' => {
    try {
      return canonicalJson(JSON.parse(text)) === text
    } catch {
      return 'throws'
    }
  }
  const quickly = (text: string): boolean | 'throws' => {
    try {
      return isCanonicalJson(text, JSON.parse(text))
    } catch {
      return 'throws'
    }
  }

  it.each([
    '{"a":1,"b":[1.5,"x",null,true,{"c":"\\n"}]}',
    '{"b":1,"a":2}',
    '{"a":{"z":1,"y":2}}',
    '{"10":1,"9":2}',
    '{"9":1,"10":2}',
    '{"a":1,"a":1}',
    '{ "a":1}',
    '{"a":1.0}',
    '{"a":-0}',
    '{"a":1e21}',
    '{"a":1e999}',
    '{"a":9007199254740991}',
    '{"a":9007199254740992}',
    '{"a":9007199254740993}',
    '{"a":"\\ud800"}',
    '{"a":"\\ud83d\\ude00"}',
    '{"a":"\\\\ud"}',
    '{"a":"\\u0041"}',
    '{"a":"\\/"}',
    '{"__proto__":1}',
    '{"":1,"a":2}',
    '{"é":1,"z":2}',
    '[[[[[[[[[[[[1]]]]]]]]]]]]',
  ])('judges %s as writing it again does', text => {
    expect([text, quickly(text)]).toEqual([text, slowly(text)])
  })

  it('judges any text as writing it again does', () => {
    const texts = fc.oneof(
      fc.json({ maxDepth: 12 }),
      fc.jsonValue().map(value => plainly(value)),
      fc.jsonValue().map(value => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(texts, text => {
        expect([text, quickly(text)]).toEqual([text, slowly(text)])
      }),
      { numRuns: 1_000 },
    )
  })
})
