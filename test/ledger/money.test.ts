import fc from 'fast-check'
import { formatUsd, parseUsd } from '../../lib/ledger/index.js'

describe('parseUsd', () => {
  it.each([
    ['0', 0],
    ['0.25', 250_000_000],
    ['2', 2_000_000_000],
    ['0.000000001', 1],
    ['9007199.254740991', Number.MAX_SAFE_INTEGER],
    [0, 0],
    [-0, 0],
    [0.1, 100_000_000],
    [0.29, 290_000_000],
    [1e-7, 100],
    [1.5e-7, 150],
    [1e-9, 1],
    [9007199, 9_007_199_000_000_000],
  ])('reads %p as %p nano-USD', (value, nano) => expect(parseUsd(value)).toBe(nano))

  it.each([
    '',
    ' ',
    '1 ',
    '+1',
    '-1',
    '-0.1',
    '1e3',
    '.5',
    '5.',
    '1,5',
    '$1',
    '0x10',
    '007',
    'NaN',
    'Infinity',
    '0.0000000001',
    '9007199.254740992',
    '9'.repeat(400),
  ])('refuses the string %p', value => expect(() => parseUsd(value)).toThrow(RangeError))

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1e-10, 0.1 + 0.2, 1e21, 2 ** 53 + 1, 9007199.3])(
    'refuses the number %p',
    value => expect(() => parseUsd(value)).toThrow(RangeError),
  )

  it.each([null, undefined, {}, [], true, 1n])('refuses %p as no amount at all', value =>
    expect(() => parseUsd(value as never)).toThrow(TypeError),
  )

  it('says the value and the fix', () =>
    expect(() => parseUsd('abc')).toThrow("'abc' is no amount of USD; give a decimal string such as '0.25'"))
})

describe('formatUsd', () => {
  it.each([
    [0, '0.00'],
    [250_000_000, '0.25'],
    [1_000_000_000, '1.00'],
    [1, '0.000000001'],
    [-30, '-0.00000003'],
    [Number.MAX_SAFE_INTEGER, '9007199.254740991'],
  ])('writes %p as %p', (nano, text) => expect(formatUsd(nano)).toBe(text))

  it('is what parseUsd reads, for every amount', () => {
    fc.assert(fc.property(fc.maxSafeNat(), nano => parseUsd(formatUsd(nano)) === nano))
  })

  it('refuses what is no integer', () => expect(() => formatUsd(0.5)).toThrow(RangeError))
})
