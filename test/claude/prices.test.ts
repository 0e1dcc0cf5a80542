import fc from 'fast-check'
import { defaultPrices, definePrices, findPrice, priceOf, usdPerMillion } from '../../lib/claude/prices.js'
import { type ModelUsage, usageOf, zeroUsage } from '../../lib/claude/usage.js'

const use = (model: string, tokens: Partial<ModelUsage['tokens']>, more: Partial<ModelUsage> = {}): ModelUsage => {
  const zero = zeroUsage(model)
  return { ...zero, ...more, tokens: { ...zero.tokens, ...tokens } }
}

describe('priceOf', () => {
  // Bills worked out by hand from the published dollars a million tokens.
  const bills: [string, ModelUsage, number][] = [
    ['opus 4.8: 1,000 in at $5, 500 out at $25', use('claude-opus-4-8', { input: 1_000, output: 500 }), 17_500_000],
    [
      'sonnet 5, every class',
      use('claude-sonnet-5', { input: 10, output: 10, cacheRead: 10, cacheWrite5m: 10, cacheWrite1h: 10 }),
      20_000 + 100_000 + 2_000 + 25_000 + 40_000,
    ],
    ['opus 4.5 by its dated alias', use('claude-opus-4-5-20251101', { input: 1 }), 5_000],
    ['fable 5.1: a cache hit at $0.25', use('claude-fable-5-1', { cacheRead: 1_000_000 }), 250_000_000],
    [
      'haiku 5.5, a prompt of 100,000',
      use('claude-haiku-5-5', { input: 60_000, cacheRead: 40_000, output: 10 }),
      6_000_000 + 400_000 + 5_000,
    ],
    [
      'haiku 5.5, a prompt of 100,001',
      use('claude-haiku-5-5', { input: 60_001, cacheRead: 40_000, output: 10 }),
      30_000_500 + 2_000_000 + 25_000,
    ],
    ['one cache hit of haiku 5.5 costs $0.00000001', use('claude-haiku-5-5', { cacheRead: 1 }), 10],
    ['a fraction of a nano-USD is rounded up', use('claude-haiku-5-5', { cacheWrite5m: 1 }, { inferenceGeo: 'us' }), 138],
    ['rounded once, not once a class', use('claude-haiku-5-5', { cacheWrite5m: 1, input: 1 }, { inferenceGeo: 'us' }), 248],
    ['batch is half', use('claude-opus-4-8', { input: 1_000 }, { serviceTier: 'batch' }), 2_500_000],
    ['priority is the plain rate', use('claude-opus-4-8', { input: 1_000 }, { serviceTier: 'priority' }), 5_000_000],
    ['fast opus 4.8 is $10 / $50', use('claude-opus-4-8', { input: 1_000, output: 1_000 }, { speed: 'fast' }), 60_000_000],
    ['US inference is 1.1 x', use('claude-opus-4-8', { input: 1_000 }, { inferenceGeo: 'us' }), 5_500_000],
    ['fast, US', use('claude-opus-4-8', { output: 1_000 }, { inferenceGeo: 'us', speed: 'fast' }), 55_000_000],
    ['batch, US: 0.55 x', use('claude-opus-4-8', { input: 1_000 }, { inferenceGeo: 'us', serviceTier: 'batch' }), 2_750_000],
    ['models before 4.6 have no US rate', use('claude-haiku-4-5', { input: 1_000 }, { inferenceGeo: 'us' }), 1_000_000],
    ['an unknown place is charged like the US', use('claude-opus-4-8', { input: 1_000 }, { inferenceGeo: 'mars' }), 5_500_000],
    [
      'three searches at $10 a thousand',
      use('claude-opus-4-8', {}, { serverTools: { webSearch: 3, webFetch: 1, codeExecution: 4, other: 0 } }),
      30_000_000,
    ],
    [
      'code execution alone',
      use('claude-opus-4-8', {}, { serverTools: { webSearch: 0, webFetch: 0, codeExecution: 1, other: 0 } }),
      50_000_000,
    ],
    ['an unknown model is the dearest of the table', use('claude-nope', { input: 1 }), 10_000],
    ['fast without fast rates is 6 x', use('claude-sonnet-5', { input: 1_000 }, { speed: 'fast' }), 12_000_000],
    [
      'a million of everything',
      use('claude-fable-5', { input: 1e6, output: 1e6, cacheRead: 1e6, cacheWrite5m: 1e6, cacheWrite1h: 1e6 }),
      93_500_000_000,
    ],
  ]
  it.each(bills)('%s', (_, usage, nano) => {
    expect(priceOf(usage)).toBe(nano)
  })

  it('equals exact fractions', () => {
    const figure = fc.oneof(fc.nat(2_000), fc.nat(1_000_000), fc.nat(2 ** 31 - 1))
    const arbitrary = fc.record({ input: figure, output: figure, cacheRead: figure, cacheWrite5m: figure, cacheWrite1h: figure })
    const models = Object.keys(defaultPrices.models).filter(id => !findPrice(defaultPrices, id).longContext)
    const percents: Record<string, bigint> = { plain: 100n, us: 110n, batch: 50n, both: 55n }
    fc.assert(
      fc.property(fc.constantFrom(...models), arbitrary, fc.constantFrom(...Object.keys(percents)), (model, tokens, modifier) => {
        const price = findPrice(defaultPrices, model)
        const us = modifier === 'us' || modifier === 'both'
        const usage = use(model, tokens, {
          inferenceGeo: us ? 'us' : null,
          serviceTier: modifier === 'batch' || modifier === 'both' ? 'batch' : null,
        })
        const percent = us && price.usPercent === undefined ? percents[modifier === 'both' ? 'batch' : 'plain']! : percents[modifier]!
        const pico = (['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const).reduce(
          (sum, c) => sum + BigInt(tokens[c]) * BigInt(price[c]),
          0n,
        )
        return BigInt(priceOf(usage)) === (pico * percent + 99_999n) / 100_000n
      }),
      { numRuns: 1_000 },
    )
  })

  it('prices iterations by their own models, rounded once', () => {
    const usage = usageOf(
      {
        input_tokens: 1,
        output_tokens: 0,
        iterations: [
          { type: 'message', model: 'claude-haiku-5-5', input_tokens: 1, output_tokens: 0 },
          { type: 'compaction', input_tokens: 2, output_tokens: 1 },
        ],
      },
      'claude-opus-4-8',
    )
    expect(priceOf(usage)).toBe(100 + 2 * 5_000 + 25_000)
  })

  it('looks at the length of each iteration, not at their sum, for the long-context tier', () => {
    const part = { type: 'message', model: 'claude-haiku-5-5', input_tokens: 60_000, output_tokens: 0 }
    expect(priceOf(usageOf({ input_tokens: 120_000, output_tokens: 0, iterations: [part, part] }, 'claude-haiku-5-5'))).toBe(12_000_000)
  })

  it('throws where the cost is no safe integer', () => {
    expect(() => priceOf(use('claude-fable-5', { output: 2 ** 40 }))).toThrow(RangeError)
  })

  it('adds 0.0001 dollars a million times without drift', () => {
    const prices = definePrices({ mock: { input: 100_000_000, output: 0 } })
    expect(priceOf(use('mock', { input: 1_000_000 }), prices)).toBe(1_000_000 * priceOf(use('mock', { input: 1 }), prices))
  })

  it('charges every multiplier that can apply when asked for the dearest', () => {
    expect(priceOf(use('claude-opus-4-8', { output: 1_000 }), defaultPrices, { dearest: true })).toBe(55_000_000)
    expect(priceOf(use('claude-haiku-5-5', { output: 1_000 }), defaultPrices, { dearest: true })).toBe(2_750_000)
  })
})

describe('findPrice', () => {
  it.each([
    'claude-opus-4-8x',
    'CLAUDE-OPUS-4-8',
    'claude-opus',
    'claude-sonnet-5-9',
    'anthropic/claude-opus-4-8',
    'toString',
    '__proto__',
    '',
  ])('knows no "%s"', model => {
    expect(() => findPrice(defaultPrices, model)).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL', model }))
  })
})

describe('definePrices', () => {
  it('derives the rates that are left out, and the largest limits', () => {
    const { 'my-model': price } = definePrices({ 'my-model': { input: 3_000_000, output: 15_000_000 } }).models
    expect(price).toEqual({
      input: 3_000_000,
      output: 15_000_000,
      cacheRead: 300_000,
      cacheWrite5m: 3_750_000,
      cacheWrite1h: 6_000_000,
      contextWindow: 1_000_000,
      maxOutput: 128_000,
      imageTokens: 4784,
      toolPromptTokens: 804,
    })
  })

  it('keeps limits and aliases of a model that it reprices, not its old cache rates', () => {
    const table = definePrices({ 'claude-haiku-4-5': { input: 2_000_000, output: 8_000_000 } })
    expect(findPrice(table, 'claude-haiku-4-5-20251001')).toMatchObject({ input: 2_000_000, cacheRead: 200_000, contextWindow: 200_000 })
    expect(findPrice(defaultPrices, 'claude-haiku-4-5').input).toBe(1_000_000)
    expect(table.version).toBe(`${defaultPrices.version}+custom`)
  })

  it('changes one limit of a known model and nothing else', () => {
    const before = findPrice(defaultPrices, 'claude-opus-5')
    expect(findPrice(definePrices({ 'claude-opus-5': { imageTokens: 9_000 } }), 'claude-opus-5')).toEqual({ ...before, imageTokens: 9_000 })
  })

  it('changes one rate of a known model and nothing else', () => {
    const before = findPrice(defaultPrices, 'claude-haiku-5-5')
    for (const rate of ['cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'output'] as const) {
      const after = findPrice(definePrices({ 'claude-haiku-5-5': { [rate]: before[rate] + 1 } }), 'claude-haiku-5-5')
      const { longContext, ...rest } = before
      expect(after).toMatchObject({ ...rest, [rate]: before[rate] + 1 })
      expect(after.longContext).toMatchObject({ above: longContext!.above, input: longContext!.input })
    }
  })

  it('keeps the long-context tier of a model that it reprices, in proportion', () => {
    const { longContext } = findPrice(
      definePrices({ 'claude-haiku-5-5': { input: 50_000, output: 1_000_001, cacheRead: 30_000 } }),
      'claude-haiku-5-5',
    )
    expect(longContext).toEqual({
      above: 100_000,
      input: 250_000,
      output: 5_000_005,
      cacheRead: 150_000,
      cacheWrite5m: 312_500,
      cacheWrite1h: 500_000,
    })
  })

  it('keeps the tier where the base rate was 0, at least at the new rate, and takes the one that is given', () => {
    const tier = { input: 7_000, output: 7_000, cacheRead: 7_000, cacheWrite5m: 7_000, cacheWrite1h: 7_000, above: 10 }
    const base = definePrices({ free: { input: 0, output: 0, longContext: tier } })
    expect(definePrices({ free: { input: 5_000, output: 5_000 } }, base).models.free!.longContext).toEqual({
      ...tier,
      cacheWrite1h: 10_000,
    })
    const given = { ...tier, above: 99 }
    expect(definePrices({ free: { input: 5_000, output: 5_000, longContext: given } }, base).models.free!.longContext).toEqual(given)
  })

  it.each([
    [{ input: 3e-6, output: 1 }],
    [{ input: -1, output: 1 }],
    [{ input: Number.NaN, output: 1 }],
    [{ input: '3', output: 1 }],
    [{ output: 1 }],
    [{ input: 1 }],
    [{ input: 1, output: 1, cacheRead: 0.5 }],
    [{ input: 1, output: 1, contextWindow: -5 }],
  ])('refuses %p', bad => {
    expect(() => definePrices({ m: bad as any })).toThrow(RangeError)
  })

  it('refuses dollars where pico-USD a token belong: no budget would ever end', () => {
    expect(() => definePrices({ m: { input: 3, output: 15 } })).toThrow('if $3 is meant, write usdPerMillion(3)')
    expect(() => definePrices({ m: { input: 0, output: 15 } })).toThrow(RangeError)
    expect(() => definePrices({ m: { input: 3_000_000, output: 15_000_000, cacheRead: 3 } })).toThrow(/cacheRead of "m"/)
    expect(definePrices({ m: { input: usdPerMillion(0.001), output: 0 } }).models.m).toMatchObject({ input: 1_000, output: 0 })
  })

  it('refuses an unknown field, and what is no object', () => {
    expect(() => definePrices({ m: { input: 1_000, output: 1_000, ouput: 2 } as any })).toThrow(/unknown field "ouput"/)
    expect(() => definePrices({ m: null as any })).toThrow(TypeError)
    expect(() => definePrices(null as any)).toThrow(TypeError)
  })

  it('is frozen and leaves its input alone', () => {
    const input = { m: { input: 1_000, output: 1_000, aliases: ['n'] } }
    const table = definePrices(input)
    expect(Object.isFrozen(table.models.m)).toBe(true)
    expect(Object.isFrozen(input.m)).toBe(false)
    expect(Object.isFrozen(input.m.aliases)).toBe(false)
  })
})

describe('usdPerMillion', () => {
  it('is pico-USD a token', () => {
    expect([usdPerMillion(3), usdPerMillion(0.25), usdPerMillion(0)]).toEqual([3_000_000, 250_000, 0])
    expect(() => usdPerMillion(-1)).toThrow(RangeError)
  })
})

describe('defaultPrices', () => {
  it('is dated', () => {
    expect(defaultPrices.version).toMatch(/^20\d\d-\d\d-\d\d$/)
  })

  it('has the cache multipliers that Anthropic publishes', () => {
    for (const price of Object.values(defaultPrices.models)) {
      expect([price.cacheWrite5m / price.input, price.cacheWrite1h / price.input]).toEqual([1.25, 2])
      expect(price.cacheRead).toBeLessThanOrEqual(price.input / 10)
    }
  })
})

describe('the models that think without being asked', () => {
  it('are those of Claude 5 and later', () => {
    const thinking = Object.entries(defaultPrices.models).filter(([, price]) => price.thinksByDefault === true)
    expect(thinking.map(([id]) => id).sort()).toEqual(
      Object.keys(defaultPrices.models)
        .filter(id => /-5(-\d)?$/.test(id) && !/-4-5$/.test(id))
        .sort(),
    )
  })
})
