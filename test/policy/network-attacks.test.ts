import { judge, type NetworkRuleOptions, openJudge, rules } from 'outrigger/policy'
import { addressIn, type Choose, encodings, innerIPv4, innerIPv6, type Octets, resolved } from './address-encodings.js'
import { passes, tool } from './support.js'

const fetches = (url: string, allow: NetworkRuleOptions['allow'] = 'public') => passes(rules.network({ allow }), tool('WebFetch', { url }))

/** Does a rule let a host be reached where it leads? */
function leads(options: NetworkRuleOptions, host: string, ...addresses: readonly string[]): boolean {
  const action = tool('WebFetch', { url: `https://${host}/` })
  return (openJudge([rules.network(options)]).judge({ stage: 'connect', action, addresses }) as { response: string }).response === 'allow'
}

/** Goes through all the choices in turn. */
function inTurn(): Choose {
  let turn = 0
  return n => turn++ % n
}

describe('an inner address', () => {
  const rows = innerIPv4.flatMap(([name, network, bits]) => Object.keys(encodings).map(way => ({ name, network, bits, way })))

  it.each(rows)('of $name/$bits is not public, $way (N02, N03, N04, N07, N08)', async ({ network, bits, way }) => {
    const choose = inTurn()
    for (let round = 0; round < 25; round++) {
      const host = encodings[way]!(addressIn(network, bits, choose), choose)
      expect([host, await fetches(`http://${host}/`)]).toEqual([host, false])
    }
  })

  it('is what those spellings say: the platform reads nearly all of them so', () => {
    const choose = inTurn()
    const local: Octets = [127, 0, 0, 1]
    const read = Array.from({ length: 500 }, () => {
      const text = `http://${encodings.dotted!(local, choose)}/`
      return URL.canParse(text) && new URL(text).hostname === '127.0.0.1'
    })
    expect(read.filter(Boolean).length).toBeGreaterThan(450)
  })

  it.each(innerIPv6)('%s is neither public nor a place for a public name (N07, N22)', async address => {
    expect(await fetches(`http://[${address}]/`)).toBe(false)
    expect(leads({ allow: ['public', 'site.example.com'] }, 'site.example.com', '93.184.216.34', address)).toBe(false)
  })

  it.each(innerIPv4)('of %s is no place for a public name, however a resolver gives it', (_, network, bits) => {
    for (const write of Object.values(resolved))
      for (const octets of [addressIn(network, bits, () => 0), addressIn(network, bits, n => n - 1)])
        expect([write(octets), leads({ allow: ['public', 'site.example.com'] }, 'site.example.com', write(octets))]).toEqual([
          write(octets),
          false,
        ])
  })
})

describe('where a host may lead', () => {
  const inner = {
    allow: ['git.example.com', '*.svc.example.com', '10.9.9.9'],
    private: ['git.example.com', '*.svc.example.com', '172.20.0.0/16', '169.254.7.7'],
  }
  const rows: readonly (readonly [string, boolean, NetworkRuleOptions, string, readonly string[]])[] = [
    ['a public address', true, { allow: 'public' }, 'example.org', ['93.184.216.34', '2606:4700:4700::1111']],
    ['a public address by NAT64', true, { allow: 'public' }, 'example.org', ['64:ff9b::5db8:d822']],
    ['nowhere', false, { allow: 'public' }, 'example.org', []],
    ['a private address, by a name in private', true, inner, 'git.example.com', ['10.0.0.1', 'fd12::1', '127.0.0.1', '100.64.1.1']],
    ['a private address, below a name in private', true, inner, 'a.svc.example.com', ['192.168.1.1']],
    ['a range in private', true, { ...inner, allow: ['public'] }, 'example.org', ['172.20.4.4']],
    ['outside that range', false, { ...inner, allow: ['public'] }, 'example.org', ['172.21.0.1']],
    ['an address that allow lists', true, { allow: ['site.example.com', '10.9.9.9'] }, 'site.example.com', ['10.9.9.9']],
    ['an address beside it', false, { allow: ['site.example.com', '10.9.9.9'] }, 'site.example.com', ['10.9.9.8']],
    ['a metadata service, by a name in private', false, inner, 'git.example.com', ['169.254.169.254']],
    ['one of IPv6, by a name in private', false, inner, 'git.example.com', ['fd00:ec2::254']],
    ['one of Alibaba, by a name in private', false, inner, 'git.example.com', ['100.100.100.200']],
    ['a metadata service, by a range', false, { allow: 'public', private: ['0.0.0.0/0', '::/0'] }, 'example.org', ['169.254.169.254']],
    ['a link-local address by itself', true, inner, 'git.example.com', ['169.254.7.7']],
    ['this machine, by localhost', true, { allow: ['localhost'] }, 'localhost', ['127.0.0.1', '::1']],
    ['a private address, by a local name', true, { allow: ['*.internal'] }, 'db.internal', ['10.0.0.1']],
    ['a metadata service, by a local name', false, { allow: ['*.internal'] }, 'db.internal', ['169.254.169.254']],
    [
      'a private address, by a host that is only in private',
      false,
      { allow: ['example.org'], private: ['git.example.com'] },
      'git.example.com',
      ['10.0.0.1'],
    ],
    ['an address of a link, by localhost', false, { allow: ['localhost'] }, 'localhost', ['fe80::1%eth0']],
  ]

  it.each(rows)('%s: %j', (_, expected, options, host, addresses) => {
    expect(leads(options, host, ...addresses)).toBe(expected)
  })
})

describe('names and forms of URLs', () => {
  it.each([
    'metadata.google.internal',
    'METADATA.google.internal.',
    'metadata.goog',
    'instance-data.ec2.internal',
    'metadata',
    'metadata.tencentyun.com',
  ])('metadata services are not public, nor below a name: %s (N08)', async host => {
    expect(await fetches(`http://${host}/`, ['public', '*.internal', '*.google.internal', '*.goog', '*.tencentyun.com'])).toBe(false)
    expect(await fetches(`http://${host}/`, [host])).toBe(true)
  })

  it.each(['evilgoogle.com', 'google.com.evil', 'xgoogle.com', 'google.com.evil.example', 'google-com.example', 'googIe.c0m'])(
    'names match label by label: %s (N10)',
    async host => {
      expect(await fetches(`https://${host}/`, ['google.com', '*.google.com'])).toBe(false)
    },
  )

  it.each(['gοogle.com', 'gооgle.com', 'xn--ggle-55da.com', 'google.com\u0338', 'go\u200dogle.com.evil'])(
    'a look-alike is another name: %s (N11)',
    async host => {
      expect(await fetches(`https://${host}/`, ['google.com', '*.google.com'])).toBe(false)
    },
  )

  it.each([
    'example.com:80:80',
    'example.com:0',
    'example.com:65536',
    'example.com:-1',
    'example.com:22',
    'example.com:25',
    'example.com:6379',
  ])('ports: %s (N13)', async place => {
    expect(await fetches(`http://${place}/`, ['example.com', 'public'])).toBe(false)
  })

  it.each([
    'file:///etc/passwd',
    'data:text/plain,x',
    'blob:https://example.com/x',
    'ftp://example.com/',
    'gopher://example.com/',
    'http+unix://%2ftmp%2fs/x',
    'unix:/tmp/s',
    'ws://example.com/',
    'view-source:https://example.com/',
    'jar:https://example.com/!/x',
  ])('schemes: %s (N14)', async url => {
    expect(await fetches(url, ['public', 'example.com', '*.example.com'])).toBe(false)
  })
})

describe('1,000 public hosts', () => {
  const endings = ['com', 'org', 'net', 'io', 'dev', 'co.uk', 'museum', 'xn--p1ai', 'ai', 'gov.br']
  const hosts = Array.from(
    { length: 1000 },
    (_, at) => `${['www', 'api', 'localhosting', '10', 'xn--bcher-kva'][at % 5]}.name-${at}.${endings[at % 10]}`,
  )

  it('are reached where they lead to public addresses, without a refusal', async () => {
    const refused: string[] = []
    for (const [at, host] of hosts.entries()) {
      const addresses = [
        `${[1, 8, 93, 151, 198][at % 5]}.${at % 18}.${at % 256}.7`,
        `2606:4700::${(at + 1).toString(16)}`,
        `2a00:1450:4001::${(at + 1).toString(16)}`,
      ]
      const action = tool('WebFetch', { url: `https://${host}/` })
      if ((await judge([rules.network({ allow: 'public' })], action)).response !== 'allow') refused.push(host)
      if (!leads({ allow: 'public' }, host, ...addresses)) refused.push(`${host} at ${addresses}`)
    }
    expect([new Set(hosts).size, refused]).toEqual([1000, []])
  })
})
