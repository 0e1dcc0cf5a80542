import fc from 'fast-check'
import { namesTwice } from '../../lib/claude/names-twice.js'

describe('namesTwice', () => {
  it.each(['{"a":1,"a":2}', '{"a":{"b":1,"c":[{"d":1,"d":1}]}}', '{"a":1,"\\u0061":2}', '[{"":1 , "" : 2}]', '{"\\\\":1,"\\\\":1}'])(
    'is true of %s',
    json => expect(namesTwice(json)).toBe(true),
  )

  it.each(['{"a":{"a":1},"b":{"a":1}}', '["a","a"]', '{"a":"a","b":"\\"a\\":1"}', '"a"', '5', '', '{"a":["b","b"],"b":1}'])(
    'is false of %s',
    json => expect(namesTwice(json)).toBe(false),
  )

  it('is false of whatever JSON.stringify writes', () => {
    fc.assert(fc.property(fc.json(), json => expect(namesTwice(JSON.stringify(JSON.parse(json)))).toBe(false)))
  })

  it('is true as soon as any field of an object is written again', () => {
    const fields = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 })
    fc.assert(
      fc.property(fields, fc.nat(), (value, place) => {
        const name = Object.keys(value)[place % Object.keys(value).length]!
        expect(namesTwice(`[0,${JSON.stringify(value).slice(0, -1)},${JSON.stringify(name)}:null}]`)).toBe(true)
      }),
    )
  })

  it('takes deep nesting and long texts', () => {
    expect(namesTwice(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).toBe(false)
    expect(namesTwice(JSON.stringify({ a: 'x'.repeat(20_000_000) }))).toBe(false)
  })
})
