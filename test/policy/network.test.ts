import fc from 'fast-check'
import { type NetworkRuleOptions, policyDigest, rules } from 'outrigger/policy'
import { found, passes, request, tool } from './support.js'

const fetches = (url: unknown, allow: NetworkRuleOptions['allow']) => passes(rules.network({ allow }), tool('WebFetch', { url }))

describe('rules.network', () => {
  it('allows nothing by default', async () => {
    expect(await passes(rules.network(), tool('WebFetch', { url: 'https://example.com' }))).toBe(false)
    expect(await fetches('https://example.com', 'none')).toBe(false)
    expect(await fetches('https://example.com', [])).toBe(false)
  })

  const hosts: readonly (readonly [string, readonly string[], boolean])[] = [
    ['https://example.com/x?y#z', ['example.com'], true],
    ['http://example.com', ['example.com'], true],
    ['HTTPS://EXAMPLE.COM', ['example.com'], true],
    ['https://example.com', ['EXAMPLE.com'], true],
    ['https://example.com.', ['example.com'], true],
    ['https://example.com', ['example.com.'], true],
    ['https://a.example.com', ['example.com'], false],
    ['https://a.example.com', ['*.example.com'], true],
    ['https://a.b.example.com', ['*.example.com'], true],
    ['https://example.com', ['*.example.com'], false],
    ['https://evilexample.com', ['example.com', '*.example.com'], false],
    ['https://example.com.evil', ['example.com', '*.example.com'], false],
    ['https://example.com..', ['example.com'], false],
    ['https://a..example.com', ['*.example.com'], false],
    ['https://exаmple.com', ['example.com'], false],
    ['https://ｅxample.com', ['example.com'], true],
    ['https://example。com', ['example.com'], true],
    ['https://exam\u00adple.com', ['example.com'], true],
    ['https://ⓔxample.com', ['example.com'], true],
    ['https://bücher.example', ['xn--bcher-kva.example'], true],
    ['https://xn--bcher-kva.example', ['bücher.example'], true],
    ['https://example.com:443', ['example.com'], true],
    ['http://example.com:80', ['example.com'], true],
    ['http://example.com:443', ['example.com'], false],
    ['https://example.com:8443', ['example.com'], false],
    ['https://example.com:8443', ['example.com:8443'], true],
    ['https://example.com', ['example.com:443'], true],
    ['https://example.com', ['example.com:8443'], false],
    ['https://example.com:22', ['example.com:*'], true],
    ['http://example.com:22', ['example.com'], false],
    ['http://example.com:25', ['example.com'], false],
    ['http://example.com:6379', ['example.com'], false],
    ['http://example.com:0', ['example.com:*'], false],
    ['http://example.com:65536', ['example.com:*'], false],
    ['http://example.com:80:80', ['example.com:*'], false],
    ['http://127.0.0.1:3000', ['127.0.0.1:3000'], true],
    ['http://0x7f.1:3000', ['127.0.0.1:3000'], true],
    ['http://[::1]:3000', ['[::1]:3000'], true],
    ['https://user@example.com', ['example.com'], false],
    ['https://user:key@example.com', ['example.com'], false],
    ['https://@example.com', ['example.com'], false],
    ['https://example.com@evil.com', ['example.com'], false],
    ['https://evil.com\\@example.com', ['example.com'], false],
    ['https://example.com\\.evil.com', ['example.com'], false],
    ['https://exa\tmple.com', ['example.com'], false],
    ['https://example.com\r\nHost: evil.com', ['example.com'], false],
    [' https://example.com', ['example.com'], false],
    ['https:example.com', ['example.com'], true],
    ['//example.com', ['example.com'], false],
    ['example.com', ['example.com'], false],
    ['file:///etc/passwd', ['*.com', 'public'], false],
    ['data:text/plain,x', ['public'], false],
    ['blob:https://example.com/x', ['example.com'], false],
    ['ftp://example.com', ['example.com'], false],
    ['gopher://example.com', ['example.com'], false],
    ['javascript:1', ['public'], false],
    ['http+unix://%2fsock', ['public'], false],
    ['ws://example.com', ['example.com'], false],
    ['https://example.com', ['none'], false],
  ]

  it('reads names with letters of Latin-1 for the ten thousandth time as for the first', async () => {
    const { begin } = rules.network({ allow: ['xn--bcher-kva.example'] })
    const check = begin()
    const subject = { stage: 'action', action: tool('WebFetch', { url: 'https://b\u00fccher.example' }) } as const
    for (let i = 0; i < 20_000; i++) if (await check(subject)) throw new Error(`refused at ${i}`)
  })

  it.each(hosts)('%j with %j: %j', async (url, allow, expected) => {
    expect(await fetches(url, allow)).toBe(expected)
  })

  const inside = [
    ...['127.0.0.1', '127.1', '0177.0.0.1', '0x7f000001', '2130706433', '017700000001', '127.0.0.1.', '①②⑦.0.0.1', '%31%32%37.0.0.1', '0'],
    ...[
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '0xa9fea9fe',
      '169.254.43518',
      '100.64.0.1',
      '100.100.100.200',
      '0.0.0.0',
    ],
    ...[
      '198.18.0.1',
      '192.0.0.1',
      '192.0.2.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
      '168.63.129.16',
      '192.88.99.1',
    ],
    ...[
      '[::1]',
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::ffff:a9fe:a9fe]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[64:ff9b:1::7f00:1]',
    ],
    ...[
      '[2002:7f00:1::]',
      '[2001:0:7f00:1::]',
      '[fe80::1]',
      '[fec0::1]',
      '[fc00::1]',
      '[fd00:ec2::254]',
      '[ff02::1]',
      '[2001:db8::1]',
      '[100::1]',
      '[5f00::1]',
      '[3fff::1]',
    ],
    ...[
      'localhost',
      'LOCALHOST',
      'localhost.',
      'a.localhost',
      'metadata.google.internal',
      'Metadata.Google.Internal.',
      'printer.local',
      'router',
      'db.internal',
      'x.home.arpa',
    ],
  ]

  it.each(inside)('public does not reach http://%s (N01-N08)', async host => {
    expect(await fetches(`http://${host}/`, 'public')).toBe(false)
  })

  it.each(['8.8.8.8', '1.1.1.1', '93.184.216.34', '[2606:4700:4700::1111]', 'example.org', 'a.b.co.uk', '134744072'])(
    'public reaches https://%s',
    async host => {
      expect(await fetches(`https://${host}/`, ['public'])).toBe(true)
    },
  )

  it('public keeps to the usual ports', async () => {
    expect([await fetches('http://8.8.8.8:22', 'public'), await fetches('https://8.8.8.8:443', 'public')]).toEqual([false, true])
  })

  it('no address of this machine or its networks is public, however it is written', async () => {
    const rule = rules.network({ allow: 'public' })
    const octet = fc.integer({ min: 0, max: 255 })
    const local = fc
      .tuple(fc.constantFrom([127], [10], [192, 168], [169, 254], [0]), octet, octet, octet)
      .map(([head, ...tail]) => [...head, ...tail].slice(0, 4))
    const spelling = fc.constantFrom<(octets: readonly number[]) => string>(
      octets => octets.join('.'),
      octets => octets.map(n => `0x${n.toString(16)}`).join('.'),
      octets => octets.map(n => `0${n.toString(8)}`).join('.'),
      octets => String(octets.reduce((sum, n) => sum * 256 + n, 0)),
      octets => `0x${octets.map(n => n.toString(16).padStart(2, '0')).join('')}`,
      ([a, b, c, d]) => `${a}.${b}.${c! * 256 + d!}`,
      octets => `[::ffff:${octets.join('.')}]`,
      octets => `[64:ff9b::${octets.join('.')}]`,
    )
    await fc.assert(
      fc.asyncProperty(local, spelling, async (octets, spell) => {
        expect(await passes(rule, tool('WebFetch', { url: `http://${spell(octets)}/` }))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('refuses an input without a URL', async () => {
    expect(await found(rules.network({ allow: 'public' }), tool('WebFetch', {}))).toBe('there is no URL to judge')
    expect(await fetches(['https://example.com'], ['example.com'])).toBe(false)
  })

  it('names the host, never path, query or credentials', async () => {
    const rule = rules.network()
    expect(await found(rule, tool('WebFetch', { url: 'https://evil.com/a?token=b' }))).toBe('host "evil.com", port 443, is not allowed')
    expect(await found(rule, tool('WebFetch', { url: 'https://user:key@evil.com/' }))).toBe('the URL carries credentials')
  })

  it('other tools, by choice; the guarded fetch always', async () => {
    const rule = rules.network({ names: { fetch: { get: 'href' } } })
    expect([
      await passes(rule, tool('get', { href: 'https://a.com' })),
      await passes(rule, tool('WebFetch', { url: 'https://a.com' })),
      await passes(rule, tool('fetch', { url: 'https://a.com' })),
    ]).toEqual([false, false, true])
  })

  describe('tools of the API server', () => {
    const declares = (definition: object, allow: NetworkRuleOptions['allow']) =>
      passes(rules.network({ allow }), request({ tools: [definition] }))

    it('search and fetch as far as their domains go', async () => {
      const search = { type: 'web_search_20250305', name: 'web_search' }
      expect([await declares(search, 'none'), await declares(search, ['example.com']), await declares(search, 'public')]).toEqual([
        false,
        false,
        true,
      ])
      const limited = { ...search, allowed_domains: ['example.com', 'docs.example.com/guide'] }
      expect([await declares(limited, ['example.com']), await declares(limited, ['example.com', '*.example.com'])]).toEqual([false, true])
    })

    it('MCP servers by their URL', async () => {
      const asks = (url: string) =>
        passes(rules.network({ allow: ['mcp.example.com'] }), request({ mcp_servers: [{ type: 'url', name: 'a', url }] }))
      expect([await asks('https://mcp.example.com/sse'), await asks('https://evil.com')]).toEqual([true, false])
    })

    it('other requests pass', async () => {
      const asks = (body: object) => passes(rules.network(), request(body))
      expect(
        await Promise.all([
          asks({}),
          asks({ tools: [{ name: 'a', input_schema: {} }] }),
          asks({ tools: [{ type: 'bash_20250124', name: 'bash' }] }),
        ]),
      ).toEqual([true, true, true])
    })
  })

  it.each([
    'https://example.com',
    'exa mple.com',
    '*',
    '*.',
    'a.*.com',
    'example.com:0',
    'example.com:99999',
    'user@example.com',
    'example.com/x',
    '',
  ])('refuses the entry %j', entry => {
    expect(() => rules.network({ allow: [entry] })).toThrow(TypeError)
  })

  it.each([
    'https://example.com',
    'example.com:80',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '0x7f.1/8',
    'fd00::/129',
    'fe80::1%eth0',
    '*',
    '',
  ])('refuses %j in private', entry => {
    expect(() => rules.network({ private: [entry] })).toThrow(TypeError)
  })

  it.each(['maxBytes', 'headersMs', 'idleMs', 'maxMs'])('takes a whole number for %s', name => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => rules.network({ [name]: value })).toThrow(RangeError)
    for (const value of ['1', null, true]) expect(() => rules.network({ [name]: value as never })).toThrow(TypeError)
    const usual = rules.network()
    expect(policyDigest([rules.network({ [name]: 7 })])).not.toBe(policyDigest([usual]))
    expect(rules.network({ [name]: undefined }).fetch).toEqual(usual.fetch)
  })

  it('takes the word none alone: beside a host it would say two things', () => {
    expect(() => rules.network({ allow: ['none', 'example.com'] })).toThrow(/says two things/)
  })
})
