import { addUsage, noUsage, worseCertainty } from '../../lib/core/usage.js'

describe('noUsage', () => {
  it('is a frozen, measured zero', () => {
    expect(Object.isFrozen(noUsage)).toBe(true)
    expect(addUsage(noUsage, noUsage)).toEqual(noUsage)
  })
})

describe('worseCertainty', () => {
  it('orders unknown, estimated, measured', () => {
    const all = ['measured', 'estimated', 'unknown'] as const
    expect(all.flatMap(a => all.map(b => worseCertainty(a, b)))).toEqual([
      'measured',
      'estimated',
      'unknown',
      'estimated',
      'estimated',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
    ])
  })
})
