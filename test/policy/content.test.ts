import { type ContentRuleOptions, judge, openJudge, rules, type Subject } from 'outrigger/policy'
import { found, passes, request, tool } from './support.js'

const letters = (n: number) => 'aB3'.repeat(n).slice(0, n)
const secrets = rules.content({ deny: ['secrets'] })

/** What a rule says of a result. */
async function ofResult(options: ContentRuleOptions, result: unknown): Promise<string | undefined> {
  const subject: Subject = { stage: 'result', action: tool('Read', {}), result }
  return (await openJudge([rules.content(options)]).judge(subject)).details
}

describe('rules.content', () => {
  describe('the word secrets', () => {
    const texts: readonly (readonly [string, string])[] = [
      ['Anthropic key', `sk-ant-api03-${letters(40)}`],
      ['OpenAI key', `sk-${letters(48)}`],
      ['OpenAI key', `sk-proj-${letters(48)}`],
      ['AWS access key', 'AKIAIOSFODNN7EXAMPLE'],
      ['GitHub token', `ghp_${letters(36)}`],
      ['GitHub token', `github_pat_${letters(82)}`],
      ['GitLab token', `glpat-${letters(20)}`],
      ['Slack token', 'xoxb-123456789012-abc'],
      ['Google key', `AIza${letters(35)}`],
      ['Stripe key', `sk_live_${letters(24)}`],
      ['npm token', `npm_${letters(36)}`],
      ['Hugging Face token', `hf_${letters(34)}`],
      ['signed token', `eyJ${letters(20)}.eyJ${letters(40)}.${letters(43)}`],
      ['private key', '-----BEGIN PRIVATE KEY-----'],
      ['private key', '-----BEGIN RSA PRIVATE KEY-----'],
      ['private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
      ['private key', '-----BEGIN PGP PRIVATE KEY BLOCK-----'],
      ['private key', '-----BEGIN ENCRYPTED PRIVATE KEY-----'],
    ]

    it.each(texts)('finds: %s', async (name, secret) => {
      const details = `looks like a secret: ${name}`
      expect(await found(secrets, tool('Write', { content: `key = "${secret}"\n` }))).toBe(details)
      expect(await ofResult({ deny: ['secrets'] }, `the key is ${secret}.`)).toBe(details)
      expect(await found(secrets, request({ messages: [{ role: 'user', content: [{ type: 'text', text: secret }] }] }))).toBe(details)
    })

    it.each([
      'sk-short',
      'task-force-and-desk-lamps-of-all-kinds-and-sizes',
      'AKIA is a prefix',
      '-----BEGIN PUBLIC KEY-----',
      '-----BEGIN CERTIFICATE-----',
      'risk-averse-people-like-long-hyphenated-words-in-prose',
      'ghp_ and xoxb- are prefixes',
      'da39a3ee5e6b4b0d3255bfef95601890afd80709',
      '7c9e6679-7425-40de-944b-e07fc1f90ae7',
      'https://example.com/eyJ.png',
    ])('finds none in %j', async text => {
      expect(await passes(secrets, tool('Write', { content: text }))).toBe(true)
    })

    it.each([
      ['eyJ', '-eyJaaaaaaaaaa'],
      ['dots', 'eyJaaaaaaaaaa.eyJ'],
      ['sk', 'sk-ant-'],
      ['begin', '-----BEGIN A '],
      ['words', 'sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa '],
    ])('takes no more than its length asks for: %s', async (_name, part) => {
      const text = part.repeat(Math.ceil(1_000_000 / part.length))
      const from = performance.now()
      await judge([secrets], tool('Write', { content: text }))
      expect(performance.now() - from).toBeLessThan(4000)
    })
  })

  describe('texts and expressions of your own', () => {
    it.each<[string | RegExp, string, boolean]>([
      ['ACME', 'about ACME', false],
      ['ACME', 'about acme', true],
      ['a.c', 'abc', true],
      [/acme/i, 'about ACME', false],
      [/^acme/, 'about acme', true],
      [/acme/g, 'acme', false],
      [/acme/y, 'about acme', false],
    ])('%p in %j', async (pattern, text, expected) => {
      const rule = rules.content({ deny: [pattern] })
      for (let n = 0; n < 3; n++) expect(await passes(rule, tool('Say', { text }))).toBe(expected)
    })

    it('names the pattern by its place, never the text', async () => {
      expect(await found(rules.content({ deny: ['one', 'ACME'] }), tool('Say', { text: 'about ACME' }))).toBe('pattern 2 of deny')
    })

    it('a text too long for an expression is refused; a plain text has no limit', async () => {
      const text = 'a'.repeat(1001)
      expect(await found(rules.content({ deny: [/q/], maxChars: 1000 }), tool('Say', { text }))).toBe(
        'a text of 1001 characters is too long to be looked at',
      )
      expect(await passes(rules.content({ deny: ['q', 'secrets'], maxChars: 1000 }), tool('Say', { text }))).toBe(true)
    })

    it('copies the expression', async () => {
      const pattern = /acme/
      const rule = rules.content({ deny: [pattern] })
      pattern.test = () => false
      expect(await passes(rule, tool('Say', { text: 'acme' }))).toBe(false)
    })
  })

  describe('looks everywhere', () => {
    const acme = rules.content({ deny: ['ACME'] })
    const cycle: Record<string, unknown> = { text: 'fine' }
    cycle.self = cycle

    it.each<[string, unknown, boolean]>([
      ['a key', { ACME: 1 }, false],
      ['a list', [['ACME']], false],
      ['a map', new Map([['a', new Set(['ACME'])]]), false],
      ['an error', new Error('ACME'), false],
      [
        'an instance',
        new (class {
          readonly text = 'ACME'
        })(),
        false,
      ],
      ['a text', 'ACME', false],
      ['a cycle', cycle, true],
      ['a source of base64', { type: 'base64', media_type: 'image/png', data: 'ACME' }, true],
      ['the type of a source', { type: 'base64', media_type: 'ACME', data: '' }, false],
      ['bytes', Buffer.from('ACME'), true],
      ['nothing', undefined, true],
      ['a number', 5, true],
    ])('%s', async (_name, value, expected) => {
      expect(await passes(acme, tool('Say', value))).toBe(expected)
      expect((await ofResult({ deny: ['ACME'] }, value)) === undefined).toBe(expected)
    })

    it('what is nested too deep is refused', async () => {
      let deep: unknown = 'fine'
      for (let n = 0; n < 300; n++) deep = [deep]
      expect(await ofResult({ deny: ['ACME'] }, deep)).toBe('nested too deep')
    })

    it('what cannot be read is refused', async () => {
      const bad = Object.defineProperty({}, 'text', {
        enumerable: true,
        get: () => {
          throw new Error('x')
        },
      })
      expect(await ofResult({ deny: ['ACME'] }, bad)).toBe('the rule failed')
    })

    it('messages, system and tools of a request; sends; spawns', async () => {
      expect(await passes(acme, request({ system: 'about ACME' }))).toBe(false)
      expect(await passes(acme, request({ tools: [{ name: 'x', description: 'ACME' }] }))).toBe(false)
      expect(await passes(acme, { kind: 'send', message: 'ACME' })).toBe(false)
      expect(await passes(acme, { kind: 'spawn', name: 'a', type: 'b', task: 'ACME', siblings: 0 })).toBe(false)
    })
  })

  it('only the stages and kinds that it is told of', async () => {
    const rule = rules.content({ deny: ['ACME'], stages: ['result'], kinds: ['tool'] })
    expect(await passes(rule, tool('Say', 'ACME'))).toBe(true)
    expect(await openJudge([rule]).judge({ stage: 'result', action: tool('Say', ''), result: 'ACME' })).toMatchObject({ response: 'deny' })
    expect(await openJudge([rule]).judge({ stage: 'result', action: request(), result: 'ACME' })).toMatchObject({ response: 'allow' })
  })

  it.each<[unknown, RegExp]>([
    [{}, /deny must be a list/],
    [{ deny: [] }, /deny must be a list/],
    [{ deny: [''] }, /deny must list strings and regular expressions/],
    [{ deny: [5] }, /deny must list strings and regular expressions, got 5/],
    [{ deny: ['a'], stages: ['before'] }, /stages must be a list of action, result/],
    [{ deny: ['a'], kinds: [] }, /kinds must be a list/],
    [{ deny: ['a'], maxChars: 0 }, /maxChars must be a whole number from 1, got 0/],
    [{ deny: ['a'], max: 1 }, /unknown option "max"/],
  ])('refuses %j', (options, message) => {
    expect(() => rules.content(options as ContentRuleOptions)).toThrow(message)
  })
})
