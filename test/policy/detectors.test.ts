import { type DetectorWord, detectors, judge, rules } from 'outrigger/policy'
import { placesIn } from '../../lib/policy/content/detectors/detector.js'
import { ibanLengths } from '../../lib/policy/content/detectors/iban-lengths.js'
import { mod97 } from '../../lib/policy/content/detectors/check-digits.js'

/** Everything that a word's detectors find in a text. */
const found = (word: DetectorWord, text: string): readonly string[] =>
  detectors[word].flatMap(detector => [...placesIn(detector, text)].map(({ start, end }) => text.slice(start, end)))

const finds: readonly (readonly [DetectorWord, string])[] = [
  ['email', 'ada@example.com'],
  ['email', 'a.b-c_d+news%x@mail.sub-domain.example.co.uk'],
  ['email', '0@0.museum'],
  ['phone', '+1 415 555 2671'],
  ['phone', '+14155552671'],
  ['phone', '+1 (415) 555-2671'],
  ['phone', '+44 20 7946 0958'],
  ['phone', '+49 (0)30 901820'],
  ['phone', '+33 1 23 45 67 89'],
  ['phone', '+353-1-234-5678'],
  ['phone', '(415) 555-2671'],
  ['phone', '415-555-2671'],
  ['phone', '415.555.2671'],
  ['phone', '1-415-555-2671'],
  ['phone', '1 (415) 555-2671'],
  ['iban', 'DE89370400440532013000'],
  ['iban', 'DE89 3704 0044 0532 0130 00'],
  ['iban', 'GB82 WEST 1234 5698 7654 32'],
  ['iban', 'NL91-ABNA-0417-1643-00'],
  ['iban', 'BE68 5390 0754 7034'],
  ['iban', 'NO93 8601 1117 947'],
  ['iban', 'MT84 MALT 0110 0001 2345 MTLC AST0 01S'],
  ['card', '4111111111111111'],
  ['card', '4111 1111 1111 1111'],
  ['card', '5500-0000-0000-0004'],
  ['card', '3400 000000 00009'],
  ['card', '340000000000009'],
  ['card', '30000000000004'],
  ['card', '6011000000000004'],
  ['card', '3530111333300000'],
  ['card', '2223003122003222'],
  ['card', '6200000000000000000'],
  ['es-dni', '12345678Z'],
  ['es-dni', '12345678-Z'],
  ['es-dni', 'X1234567L'],
  ['fr-nir', '1 84 12 76 451 089 46'],
  ['fr-nir', '184127645108946'],
  ['de-steuer-id', '86095742719'],
  ['de-steuer-id', '86 095 742 719'],
  ['pl-pesel', '44051401359'],
  ['br-cpf', '529.982.247-25'],
  ['br-cpf', '52998224725'],
  ['be-rrn', '85.07.30-033.28'],
  ['be-rrn', '17.07.30-033.84'],
  ['ipv4', '203.0.113.7'],
]

/** One character further, and it is none: check digits, a longer number, another form. */
const misses: readonly (readonly [DetectorWord, string])[] = [
  ['email', 'npm install react@18.2.0'],
  ['email', '@scope/package'],
  ['email', 'git@github.com:owner/name.git'],
  ['email', 'logo@2x.png'],
  ['email', 'price @ shop.com'],
  ['email', 'a@b'],
  ['email', 'user@localhost'],
  ['phone', '2024-01-02 10:20:30'],
  ['phone', '1234-5678'],
  ['phone', '555-2671'],
  ['phone', '192.168.100.2001'],
  ['phone', 'ISBN 978-3-16-148410-0'],
  ['phone', '123-456-7890'],
  ['phone', '415-555-26711'],
  ['phone', '123-415-555-2671'],
  ['phone', '+1.5 2.25 3.333 4'],
  ['phone', 'a+1234'],
  ['phone', '+1234567890123456789'],
  ['phone', 'order 415 555 2671'],
  ['iban', 'DE89370400440532013001'],
  ['iban', 'DE8937040044053201300'],
  ['iban', 'XX89370400440532013000'],
  ['iban', 'GB82 WEST 1234 5698 7654 33'],
  ['iban', 'ADE89370400440532013000'],
  ['iban', 'AB12 CDEF GHIJ KLMN'],
  ['card', '4111111111111112'],
  ['card', '1234567890123456'],
  ['card', '41111111111111111'],
  ['card', '0.4111111111111111'],
  ['card', '1700000000000'],
  ['card', '9999999999999995'],
  ['card', '4111-1111 1111-1111'],
  ['card', 'a4111111111111111'],
  ['es-dni', '12345678A'],
  ['es-dni', 'A-12345678Z'],
  ['fr-nir', '184127645108947'],
  ['fr-nir', '384127645108946'],
  ['de-steuer-id', '86095742718'],
  ['de-steuer-id', '12345678903'],
  ['pl-pesel', '44051401358'],
  ['pl-pesel', '44991401359'],
  ['br-cpf', '529.982.247-24'],
  ['br-cpf', '111.111.111-11'],
  ['br-cpf', '1.529.982.247-25'],
  ['be-rrn', '85.07.30-033.29'],
  ['ipv4', '256.1.1.1'],
  ['ipv4', '1.2.3.4.5'],
  ['ipv4', 'v1.2.3.4'],
  ['ipv4', '1.2.3'],
]

describe('detectors', () => {
  it.each(finds)('%s: %s', (word, text) => {
    for (const around of [text, `It is ${text}, I think.`, `"${text}"`, `${text}\n${text}`, `(${text})`])
      expect(found(word, around)).toEqual(Array(around.split(text).length - 1).fill(text))
  })

  it.each(misses)('%s finds none in %j', (word, text) => {
    expect(found(word, text)).toEqual([])
  })

  it('find what stands behind something that looks like its beginning', () => {
    expect(found('card', '1234 4111 1111 1111 1111 123')).toEqual(['4111 1111 1111 1111'])
    expect(found('card', 'Nr.4111111111111111')).toEqual(['4111111111111111'])
    expect(found('phone', 'Tel.415-555-2671')).toEqual(['415-555-2671'])
    expect(found('br-cpf', 'CPF-529.982.247-25')).toEqual(['529.982.247-25'])
    expect(found('iban', 'pay DE89 3704 0044 0532 0130 00 EURO')).toEqual(['DE89 3704 0044 0532 0130 00'])
    expect(found('iban', 'to BE68 5390 0754 7034 EURO')).toEqual(['BE68 5390 0754 7034'])
    expect(found('iban', 'AB12 DE89 3704 0044 0532 0130 00')).toEqual(['DE89 3704 0044 0532 0130 00'])
  })

  it('know the length of an IBAN in 88 countries, and no other', () => {
    expect(ibanLengths.size).toBe(88)
    for (const [country, length] of ibanLengths) {
      const body = '1'.repeat(length - 4)
      const check = String(98 - mod97(`${body}${country}00`)).padStart(2, '0')
      expect(found('iban', `${country}${check}${body}`)).toEqual([`${country}${check}${body}`])
      expect(found('iban', `${country}${check}${body}1`)).toEqual([])
    }
  })

  it('take the whole of a secret, not what it is recognised by', () => {
    const key = `sk-ant-api03-${'aB3-'.repeat(20)}x`
    expect(found('secrets', `the key ${key} is`)).toEqual([key])
    const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----'
    expect(found('secrets', `here: ${pem}\nthanks`)).toEqual([pem])
    expect(found('secrets', `here: ${pem.slice(0, -10)}`)).toEqual([pem.slice(0, -10)])
  })

  it('hold every candidate within a run that says where it may begin', () => {
    for (const [word, text] of finds)
      for (const { run } of detectors[word].filter(detector => [...placesIn(detector, text)].length > 0)) {
        const codes = [...text].map(character => run[character.charCodeAt(0)])
        expect([word, codes[0]]).toEqual([word, 2])
        expect(codes).not.toContain(0)
      }
  })

  it.each([
    ['@', 'a@'],
    ['dots', 'a.a@a.'],
    ['digits', '4111 1111 '],
    ['digits without an end', '4'],
    ['plus', '+1 2'],
    ['letters', 'DE89 '],
    ['keys', '-----BEGIN PRIVATE KEY-----'],
    ['octets', '1.1.'],
    ['national', '12 '],
  ])('take no more time than the length of a text asks for: %s', (_, part) => {
    const text = part.repeat(Math.ceil(200_000 / part.length))
    const from = performance.now()
    for (const word of Object.keys(detectors) as DetectorWord[]) found(word, text)
    expect(performance.now() - from).toBeLessThan(10_000)
  })

  it('are the word personal of rules.content', async () => {
    const rule = rules.content({ deny: ['secrets', 'personal'] })
    const of = async (message: string) => (await judge([rule], { kind: 'send', message })).details
    expect(await of('write to ada@example.com')).toBe('looks like personal data: email')
    expect(await of('from 203.0.113.7, ticket 1234567890123456')).toBeUndefined()
  })
})
