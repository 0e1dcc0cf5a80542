import * as fc from 'fast-check'
import { pae, recordType } from '../../lib/ctx/record/pae.js'

const read = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')

/** Takes the encoding apart again, by its lengths. */
function parts(encoded: Uint8Array): [string, string] {
  const text = Buffer.from(encoded)
  const lengthAt = (start: number): [number, number] => {
    const end = text.indexOf(' ', start)
    return [Number(text.toString('ascii', start, end)), end + 1]
  }
  const [typeLength, typeStart] = lengthAt(7)
  const [bodyLength, bodyStart] = lengthAt(typeStart + typeLength + 1)
  expect(text.length).toBe(bodyStart + bodyLength)
  return [text.toString('utf8', typeStart, typeStart + typeLength), text.toString('utf8', bodyStart)]
}

const wellFormed = fc.string({ unit: 'binary' })

describe('pae', () => {
  it('is as the protocol of DSSE shows', () => {
    expect(read(pae('http://example.com/HelloWorld', 'hello world'))).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
  })

  it.each([
    ['é', 'DSSEv1 1 t 2 é'],
    ['😀', 'DSSEv1 1 t 4 😀'],
    ['', 'DSSEv1 1 t 0 '],
    ['a\nb\0c\x1f', 'DSSEv1 1 t 6 a\nb\0c\x1f'],
  ])('counts bytes, not UTF-16 units: %j', (body, expected) => {
    expect(read(pae('t', body))).toBe(expected)
  })

  it('is the same for a text and for its bytes', () => {
    expect(pae(recordType, Buffer.from('{"a":"é"}'))).toEqual(pae(recordType, '{"a":"é"}'))
  })

  it('can be cut in one way only, whatever the parts hold', () => {
    const part = fc.oneof(wellFormed, fc.string({ unit: fc.constantFrom(' ', '0', '1', '9', '\n', '\0', '\x1f') }))
    fc.assert(
      fc.property(
        part.filter(type => type !== ''),
        part,
        (type, body) => expect(parts(pae(type, body))).toEqual([type, body]),
      ),
    )
  })

  it('differs by the type, for the same bytes', () => {
    expect(recordType).toBe('application/vnd.outrigger.record.v1+json')
    expect(pae(recordType, '{}')).not.toEqual(pae('application/vnd.outrigger.record.v2+json', '{}'))
    expect(pae('a', 'b 1 c')).not.toEqual(pae('a 5 b', 'c'))
  })

  it.each<[string, unknown, unknown]>([
    ['an empty type', '', '{}'],
    ['no type', undefined, '{}'],
    ['a lone surrogate in the type', 't\ud800', '{}'],
    ['a lone surrogate in the body', 't', '\udfff'],
    ['no body', 't', undefined],
    ['an object as the body', 't', {}],
    ['words as the body', 't', new Uint16Array(2)],
  ])('refuses %s', (_what, type, body) => {
    expect(() => pae(type as string, body as string)).toThrow(TypeError)
  })
})
