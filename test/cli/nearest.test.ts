import { nearest } from '../../lib/cli/nearest.js'

describe('nearest', () => {
  it.each([
    ['budgt', 'budget'],
    ['BUDGET', 'budget'],
    ['retyr', 'retry'],
    ['x', undefined],
    ['configuration', undefined],
  ])('%s → %s', (name, expected) => {
    expect(nearest(name, ['budget', 'retry', 'agent'])).toBe(expected)
  })

  it('knows nothing without candidates', () => {
    expect(nearest('a', [])).toBeUndefined()
  })
})
