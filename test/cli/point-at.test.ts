import { pointAt } from '../../lib/cli/ctx/point-at.js'

describe('pointAt', () => {
  it.each([
    ['?k "a', 5, '  ?k "a', '       ^'],
    ['?k "日本é\\q"', 7, '  ?k "日本é\\q"', '           ^'],
    ['?k "😀\\q"', 6, '  ?k "😀\\q"', '        ^'],
    ['?k "a\u0300\u0316b\\q"', 7, '  ?k "à\u0316b\\q"', '        ^'],
    ['?k "\u001b[2J\\q"', 8, '  ?k "\\u{1b}[2J\\q"', '               ^'],
    ['?k\na', 2, '  ?k\\u{a}a', '    ^'],
    ['', 0, '  ', '  ^'],
  ])('%j at %d', (text, position, shown, caret) => {
    expect(pointAt(text, position)).toEqual([shown, caret])
  })

  it('shows the neighbourhood of a place in a long text, and splits no character', () => {
    const text = '😀'.repeat(500)
    for (const position of [500, 501]) {
      const [shown, caret] = pointAt(text, position)
      expect(shown).toMatch(/^ {2}…(😀)+.*…$/u)
      expect(shown.length).toBeLessThan(100)
      expect(caret.trimStart()).toBe('^')
    }
  })

  it('stays in the text where the position does not', () => {
    expect(pointAt('ab', 65_536)).toEqual(['  ab', '    ^'])
  })

  it('does not normalise what takes for ever', () => {
    expect(pointAt(`+m ${'\u0300\u0316'.repeat(200)}`, 3)[0]).toContain('+m \u0300\u0316\u0300')
  })
})
