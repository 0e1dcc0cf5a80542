import fc from 'fast-check'
import { human } from '../../../lib/ctx/targets/emitters/human.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { countOf, lineOf, statementOf } from '../../ctx/every-short-statement.js'
import { sentenceFlaw } from '../../ctx/flaws.js'
import { statements } from '../../ctx/statements.js'
import type { Proof } from '../proof.js'

const ofFour = countOf(4)

/** 52 bits of a text: enough to find candidates, which are then compared whole. */
function keyOf(text: string): number {
  let [low, high] = [0x811c9dc5, 0x1b873593]
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193)
    high = Math.imul(high ^ text.charCodeAt(i), 0x5bd1e995) ^ (high >>> 15)
  }
  return (low >>> 0) * 2 ** 20 + (high >>> 12)
}

/** The first so many lines of up to four tokens: two that differ as statements must differ as sentences. */
function enumerated(count: number): number {
  const seen = new Map<number, number>()
  let failed = 0
  for (let index = 0; index < count; index++) {
    const statement = statementOf(lineOf(index))
    if (!statement) continue
    const sentence = human(statement)
    const key = keyOf(sentence)
    const earlier = seen.get(key)
    if (earlier === undefined) seen.set(key, index)
    else if (saysOther(earlier, sentence, serialize(statement))) failed++
  }
  return failed
}

function saysOther(index: number, sentence: string, ctx: string): boolean {
  const other = statementOf(lineOf(index))!
  if (human(other) !== sentence || serialize(other) === ctx) return false
  process.stderr.write(`${ctx} and ${serialize(other)} read alike: ${sentence}\n`)
  return true
}

/** Long statements with hostile texts: the sentence, read back, must say the statement. */
function sampled(count: number, seed: number): number {
  let failed = 0
  for (const statement of fc.sample(statements, { numRuns: count, seed })) {
    const wrong = sentenceFlaw(statement)
    if (wrong === undefined) continue
    failed++
    process.stderr.write(`sentence: ${wrong}\n`)
  }
  return failed
}

export const proof: Proof = {
  group: 'ctx',
  name: 'no two statements read alike: all of up to four tokens, then long ones read back from their sentences',
  full: ofFour + 100_000,
  small: countOf(3) + 1_000,
  async run({ n, seed }) {
    const lines = Math.min(n > countOf(3) + 1_000 ? ofFour : countOf(3), n)
    return { tried: n, failed: enumerated(lines) + sampled(n - lines, seed) }
  },
}
