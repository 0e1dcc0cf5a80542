import { openJudge, rules, type Subject } from 'outrigger/policy'
import { addressIn, type Choose, encodings, innerIPv4, type Octets, resolved } from '../../policy/address-encodings.js'
import type { Proof } from '../proof.js'

const judge = openJudge([rules.network({ allow: ['public', 'site.example.com', '*.example.org'] })])

/** Park and Miller: the same seed chooses the same cases. */
function chooser(seed: number): Choose {
  let state = (seed % 2_147_483_646) + 1
  return n => {
    state = (state * 48_271) % 2_147_483_647
    return Math.floor((state / 2_147_483_647) * n)
  }
}

const allows = (subject: Subject): boolean => (judge.judge(subject) as { response: string }).response === 'allow'

function subjectOf(stage: Subject['stage'], url: string, addresses?: readonly string[]): Subject {
  const action = { kind: 'tool', name: 'WebFetch', input: { url } } as const
  return addresses ? { stage, action, addresses } : { stage, action }
}

const pick = <T>(list: readonly T[], choose: Choose): T => list[choose(list.length)]!
const [writers, answers] = [Object.values(encodings), Object.values(resolved)]

/** An inner address in a URL, or behind a name with public ones before and after it. */
function attack(octets: Octets, choose: Choose): Subject {
  if (choose(2) === 0) return subjectOf('action', `${pick(['http', 'https'], choose)}://${pick(writers, choose)(octets, choose)}/`)
  const around = ['93.184.216.34', '2606:4700:4700::1111'].slice(choose(3))
  const addresses = [...around, pick(answers, choose)(octets)]
  return subjectOf(
    'connect',
    pick(['https://site.example.com/', 'https://a.example.org/', 'https://example.net/'], choose),
    addresses.reverse(),
  )
}

export const proof: Proof = {
  group: 'policy',
  name: 'no spelling of an inner address, in a URL or behind a name, is let through',
  full: 200_000,
  small: 10_000,
  async run({ n, seed }) {
    const choose = chooser(seed)
    let failed = 0
    for (let at = 0; at < n; at++) {
      const [, network, bits] = pick(innerIPv4, choose)
      const subject = attack(addressIn(network, bits, choose), choose)
      if (!allows(subject)) continue
      failed++
      process.stderr.write(`let through: ${JSON.stringify(subject)}\n`)
    }
    return { tried: n, failed }
  },
}
