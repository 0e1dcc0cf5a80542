import fc from 'fast-check'
import { priceOf } from '../../../lib/claude/prices.js'
import { usageOf } from '../../../lib/claude/usage.js'
import { billed, Fraction } from '../../support/billing.js'
import type { Proof } from '../proof.js'

interface Part {
  readonly model: string
  readonly input: number
  readonly output: number
  readonly read: number
  readonly write5m: number
  readonly write1h: number
}

interface Answer {
  readonly parts: readonly Part[]
  readonly tier: 'standard' | 'priority' | 'batch'
  readonly geo: 'us' | 'global' | 'not_available'
  readonly fast: boolean
  readonly searches: number
}

const models = Object.keys(billed)
const tokens = fc.oneof(fc.nat(20), fc.nat(2_000), fc.integer({ min: 99_990, max: 100_010 }), fc.nat(1_000_000))
const part = (model: string): fc.Arbitrary<Part> =>
  fc.record({ model: fc.constant(model), input: tokens, output: tokens, read: tokens, write5m: tokens, write1h: tokens })

/** What the API can answer: fast is one model's, and never in a batch. */
const answers: fc.Arbitrary<Answer> = fc
  .record({
    first: fc.constantFrom(...models).chain(part),
    others: fc.array(fc.constantFrom(...models).chain(part), { maxLength: 2 }),
    tier: fc.constantFrom('standard' as const, 'priority' as const, 'batch' as const),
    geo: fc.constantFrom('us' as const, 'global' as const, 'not_available' as const),
    fast: fc.boolean(),
    searches: fc.nat(5),
  })
  .map(({ first, others, fast, ...rest }) => {
    const isFast = fast && rest.tier === 'standard' && [first, ...others].every(({ model }) => billed[model]!.fast !== undefined)
    return { ...rest, parts: [first, ...others], fast: isFast }
  })

const figures = ({ input, output, read, write5m, write1h }: Part): object => ({
  input_tokens: input,
  output_tokens: output,
  cache_read_input_tokens: read,
  cache_creation_input_tokens: write5m + write1h,
  cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
})

/** As the API reports it: the totals have the messages in them. */
function messageOf({ parts, tier, geo, fast, searches }: Answer): object {
  const sum = (of: (part: Part) => number): number => parts.reduce((total, one) => total + of(one), 0)
  const total: Part = {
    model: parts[0]!.model,
    input: sum(one => one.input),
    output: sum(one => one.output),
    read: sum(one => one.read),
    write5m: sum(one => one.write5m),
    write1h: sum(one => one.write1h),
  }
  const types = parts.map((_, at) => (at === 0 ? 'message' : 'fallback_message'))
  const iterations = parts.length === 1 ? null : parts.map((one, at) => ({ type: types[at], model: one.model, ...figures(one) }))
  const usage = {
    ...figures(total),
    service_tier: tier,
    inference_geo: geo,
    speed: fast ? 'fast' : 'standard',
    server_tool_use: searches > 0 ? { web_search_requests: searches, web_fetch_requests: 0 } : null,
    iterations,
  }
  return { model: total.model, usage }
}

/** The rules of the price page, in fractions: rates a million tokens, times what the answer says of itself; one rounding at the end. */
function billOf({ parts, tier, geo, fast, searches }: Answer): bigint {
  const sum = parts.map(one => costOf(one, fast, geo === 'us')).reduce((total, cost) => total.plus(cost), new Fraction(0n))
  const tokensCost = sum.times(tier === 'batch' ? Fraction.of('0.5') : Fraction.of('1'))
  return tokensCost
    .times(new Fraction(1_000n))
    .plus(Fraction.of('0.01').times(new Fraction(BigInt(searches) * 1_000_000_000n)))
    .ceil()
}

function costOf({ model, input, output, read, write5m, write1h }: Part, fast: boolean, us: boolean): Fraction {
  const { long, fast: fastRates, us: usTimes, ...plain } = billed[model]!
  const isLong = long !== undefined && input + read + write5m + write1h > long.above
  const rates = fast ? fastRates! : isLong ? long : plain
  const of = (count: number, rate: string): Fraction => new Fraction(BigInt(count)).times(Fraction.of(rate))
  const cost = of(input, rates.input)
    .plus(of(output, rates.output))
    .plus(of(read, rates.read))
    .plus(of(write5m, rates.write5m))
    .plus(of(write1h, rates.write1h))
  return cost.times(Fraction.of(us ? (usTimes ?? '1') : '1'))
}

export const proof: Proof = {
  group: 'ledger',
  name: 'what an answer costs equals a second reckoning in exact fractions, to the nano-USD',
  full: 100_000,
  small: 10_000,
  async run({ n, seed }) {
    let failed = 0
    for (const answer of fc.sample(answers, { numRuns: n, seed })) {
      const [ours, bill] = [BigInt(priceOf(usageOf(messageOf(answer)))), billOf(answer)]
      if (ours === bill) continue
      failed++
      process.stderr.write(`money: ${ours}, not ${bill}, for ${JSON.stringify(answer)}\n`)
    }
    return { tried: n, failed }
  },
}
