import { longestMatch } from '../../../middleware/guardrails/longest-match.js'

const none = Number.POSITIVE_INFINITY

describe('longestMatch', () => {
  it.each<[RegExp, number]>([
    [/abc/, 3],
    [/a|bcd|/, 3],
    [/(?:a|bc){2,4}x?/, 9],
    [/\bACME-\d{6}\b/, 11],
    [/[^\]a-z]{3}/, 3],
    [/[\]]\[/, 2],
    [/\u0041\x41\cA\0\.\//, 6],
    [/\p{L}{2}/u, 4],
    [/\u{1F600}./u, 4],
    [/a(?=b{5})/, 6],
    [/a(?!b{5}c)/, 7],
    [/(?<=a{50})b/, 1],
    [/(?<!a+)b/, 1],
    [/(?<year>\d{4})-/, 5],
    [/^a$/m, 1],
    [/a{0}/, 0],
    [/(?:a*){0}b/, 1],
    [/a??b{2}?/, 3],
    [/a{,3}/, 5],
    [/x{/, 2],
    [/a*/, none],
    [/a+b/, none],
    [/(?:ab){2,}/, none],
    [/(a)\1/, none],
    [/(?<n>a)\k<n>/, none],
    [/(?:)*/, 0],
    [/a(?=b*)/, none],
  ])('%s: %d', (expression, longest) => {
    expect(longestMatch(expression)).toBe(longest)
  })

  it('does not measure what the flag v brings', () => {
    expect(longestMatch({ source: '[a--b]', flags: 'v' } as RegExp)).toBe(none)
  })

  it('is never less than what matches', () => {
    const texts = ['', 'a', 'ab', 'abab', 'aabb1', '1a2b', '-a-', 'a]b', '😀a', 'aAbB']
    const atoms = ['a', '[ab]', '\\d', '.', '(?:a|ab)', '(?=ab)', '(?:\\bb)', '(b)', '[^-]']
    const times = ['', '?', '{2}', '{1,3}', '{0,1}?']
    for (const one of atoms)
      for (const other of atoms)
        for (const n of times) {
          const expression = new RegExp(`${one}${n}${other}`, 'gi')
          const most = longestMatch(expression)
          for (const text of texts) for (const [match] of text.matchAll(expression)) expect(match.length).toBeLessThanOrEqual(most)
        }
  })
})
