import { compareRules, type Rule, rules } from 'outrigger/policy'
import { ruleFromJson } from '../../../lib/policy/project/rule-from-json.js'

const made = (...entries: readonly object[]): readonly Rule[] => entries.map(entry => ruleFromJson(entry, '/srv/app'))

/** From the first to the second it is a tightening, and back a loosening. */
const oneWay: readonly (readonly [what: string, freer: object, stricter: object])[] = [
  ['a longer deny', { commands: { deny: ['rm'] } }, { commands: { deny: ['dd', 'rm'] } }],
  ['a program less', { commands: { allow: ['ls', 'git', 'git status'] } }, { commands: { allow: ['ls'] } }],
  ['no redirections', { commands: { deny: ['rm'], redirections: true } }, { commands: { deny: ['rm'], redirections: false } }],
  ['fewer scripts', { commands: { deny: ['rm'], scripts: 'any' } }, { commands: { deny: ['rm'], scripts: 'usual' } }],
  ['no scripts', { commands: { deny: ['rm'] } }, { commands: { deny: ['rm'], scripts: 'none' } }],
  ['one more shell', { commands: { deny: ['rm'] } }, { commands: { deny: ['rm'], names: { shell: ['Bash', 'Sh'] } } }],
  ['fewer folders', { files: { read: ['a', 'b'] } }, { files: { read: ['a'] } }],
  ['folders where all were', { files: { deny: ['*.pem'] } }, { files: { deny: ['*.pem'], read: ['a'] } }],
  ['a longer deny of files', { files: { read: ['a'] } }, { files: { read: ['a'], deny: ['*.pem'] } }],
  ['fewer hosts', { network: { allow: ['a.org', 'b.org'] } }, { network: { allow: ['b.org'] } }],
  ['no hosts', { network: { allow: 'public' } }, { network: { allow: 'none' } }],
  ['fewer private hosts', { network: { allow: 'public', private: ['10.0.0.0/8'] } }, { network: { allow: 'public' } }],
  ['shorter answers', { network: { allow: 'public' } }, { network: { allow: 'public', maxBytes: 1000 } }],
  ['tools where all were', { tools: { deny: ['Task'] } }, { tools: { deny: ['Task'], allow: ['Read'] } }],
  ['a schema more', { tools: { deny: ['Task'] } }, { tools: { deny: ['Task'], schema: { Read: { type: 'object' } } } }],
  ['a pin less', { tools: { pin: { a: { name: 'a' }, b: { name: 'b' } } } }, { tools: { pin: { a: { name: 'a' } } } }],
  ['a smaller quota', { tools: { quota: { Read: 2 } } }, { tools: { quota: { Read: 1, Write: 5 } } }],
  ['one pattern more', { content: { deny: ['secrets'] } }, { content: { deny: ['secrets', { pattern: 'a' }] } }],
  ['results too', { content: { deny: ['secrets'], stages: ['action'] } }, { content: { deny: ['secrets'] } }],
  ['a lower figure', { maxTokens: 10 }, { maxTokens: { n: 9, response: 'reap' } }],
  ['one path more', { selfModification: {} }, { selfModification: { paths: ['books'] } }],
  ['a stricter response', { maxChildren: { n: 1, response: 'warn' } }, { maxChildren: 1 }],
  ['no shadow', { maxChildren: { n: 1, shadow: true } }, { maxChildren: 1 }],
  ['withheld', { content: { deny: ['a'], onResult: 'release' } }, { content: { deny: ['a'] } }],
]

/** Both ways in doubt. */
const doubtful: readonly (readonly [what: string, one: object, other: object])[] = [
  // Whoever stands on the list may do more than one who is on no list at all: `python` is refused without one.
  ['a list where there was none', { commands: { deny: ['rm'] } }, { commands: { deny: ['rm'], allow: ['python'] } }],
  // The first entry that fits decides what may stand beside the program: without `git`, `git config` would run.
  ['a part of a program', { commands: { allow: ['git', 'git config'] } }, { commands: { allow: ['git config'] } }],
  ['another order', { commands: { allow: ['git', 'git config'] } }, { commands: { allow: ['git config', 'git'] } }],
  ['another root', { files: { read: ['a'] } }, { files: { read: ['a'], root: '/srv' } }],
  // A link inside of a folder leads out of it.
  ['a folder in the folder', { files: { read: ['a'] } }, { files: { read: ['a/b'] } }],
  ['another schema', { tools: { schema: { a: true } } }, { tools: { schema: { a: { type: 'object' } } } }],
  ['a text and a pattern that look alike', { content: { deny: ['/a/i'] } }, { content: { deny: [{ pattern: 'a', flags: 'i' }] } }],
  ['another sort of rule', { maxTokens: 5 }, { maxChildren: 5 }],
]

describe('compareRules', () => {
  it.each(oneWay)('%s is a tightening, and the way back a loosening', (_what, freer, stricter) => {
    expect(compareRules(made(freer), made(stricter))).toEqual({ change: 'tightened', loosened: [] })
    expect(compareRules(made(stricter), made(freer))).toMatchObject({ change: 'loosened', loosened: [{}] })
    expect(compareRules(made(freer), made(freer)).change).toBe('none')
  })

  it.each(doubtful)('%s is a loosening, and so is the way back', (_what, one, other) => {
    for (const [before, after] of [
      [one, other],
      [other, one],
    ])
      expect(compareRules(made(before!), made(after!)).change).toBe('loosened')
  })

  it('the order of rules does not count, one rule more is a tightening, one less a loosening', () => {
    const [a, b] = [{ maxTokens: 5 }, { maxChildren: 5 }]
    expect(compareRules(made(a, b), made(b, a)).change).toBe('none')
    expect(compareRules(made(a), made(a, b)).change).toBe('tightened')
    expect(compareRules(made(a, b), made(b))).toMatchObject({ change: 'loosened', loosened: [{ id: 'maxTokens' }] })
    expect(compareRules([], []).change).toBe('none')
  })

  it('a rule of your own is the same only as the same object', () => {
    const own = () => rules.rule({ id: 'own', check: () => undefined })
    const one = own()
    expect(compareRules([one], [one]).change).toBe('none')
    expect(compareRules([one], [own()]).change).toBe('loosened')
  })
})
