import * as fc from 'fast-check'
import { decodeBase64, encodeBase64 } from '../../lib/ctx/base64-strict.js'

const key = Buffer.alloc(32, 0xfb)
const text = encodeBase64(key)

describe('decodeBase64', () => {
  it('gives back what was encoded, of a part of a buffer too', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        const view = new Uint8Array([9, ...bytes, 9]).subarray(1, bytes.length + 1)
        expect(encodeBase64(view)).toBe(Buffer.from(bytes).toString('base64'))
        expect(Buffer.from(decodeBase64(encodeBase64(view), bytes.length)!)).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it('takes one text for one value: whatever is taken is written again as it was', () => {
    fc.assert(
      fc.property(fc.oneof(fc.base64String(), fc.string(), fc.stringMatching(/^[A-Za-z0-9+/_=\s-]{0,24}$/)), candidate => {
        const bytes = decodeBase64(candidate)
        if (bytes) expect(encodeBase64(bytes)).toBe(candidate)
      }),
    )
  })

  it.each<[string, unknown]>([
    ['whitespace in front', ` ${text}`],
    ['a newline behind', `${text}\n`],
    ['a newline within', `${text.slice(0, 8)}\n${text.slice(8)}`],
    ['the URL alphabet', text.replaceAll('+', '-').replaceAll('/', '_')],
    ['no padding', text.replace('=', '')],
    ['too much padding', `${text}=`],
    ['padding within', `AA==${text}`],
    ['bits left over', 'AB=='],
    ['bits left over, of a key', text.replace(/.=$/, 'v=')],
    ['a letter outside', `${text.slice(0, 43)}é`],
    ['bytes', key],
    ['nothing', undefined],
    ['null', null],
  ])('refuses %s', (_what, value) => {
    expect(decodeBase64(value)).toBeUndefined()
    expect(decodeBase64(value, 32)).toBeUndefined()
  })

  it('refuses another length', () => {
    expect(decodeBase64(key.toString('hex'), 32)).toBeUndefined()
    expect(decodeBase64(text, 31)).toBeUndefined()
    expect(decodeBase64(text, 33)).toBeUndefined()
    expect(decodeBase64(text, 64)).toBeUndefined()
    expect(decodeBase64('A'.repeat(1 << 20), 64)).toBeUndefined()
    expect(decodeBase64(text, 32)).toEqual(key)
    expect(decodeBase64('', 0)).toEqual(Buffer.alloc(0))
  })
})
