import fc from 'fast-check'
import { bound } from '../../lib/claude/bound.js'
import { Calibration, estimateTokens } from '../../lib/claude/tokens.js'

const asked = (content: unknown, more: object = {}) => ({
  model: 'claude-opus-4-8',
  max_tokens: 10,
  messages: [{ role: 'user', content }],
  ...more,
})

describe('estimateTokens', () => {
  it('is near the count of a known text', async () => {
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(100)
    const tokens = await estimateTokens(asked(text))
    expect(tokens).toBeGreaterThan(900)
    expect(tokens).toBeLessThan(1_100)
  })

  it('counts system, tools and tool results', async () => {
    const plain = await estimateTokens(asked('Hi'))
    const tool = {
      name: 'weather',
      description: 'Weather of a city',
      input_schema: { type: 'object', properties: { city: { type: 'string' } } },
    }
    const result = { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'sunny '.repeat(50) }] }
    expect(await estimateTokens(asked('Hi', { system: 'Be brief.', tools: [tool] }))).toBeGreaterThan(plain + 15)
    expect(await estimateTokens(asked([result]))).toBeGreaterThan(plain + 45)
  })

  it('counts an image by a figure, not by its letters', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(100_000) } }
    expect(await estimateTokens(asked([image]))).toBeLessThan(1_700)
  })

  it('takes text that looks like a special token as text, and long runs in time', async () => {
    expect(await estimateTokens(asked('<|endoftext|>'))).toBeGreaterThan(3)
    expect(await estimateTokens(asked('a'.repeat(100_000)))).toBeGreaterThan(1_000)
  })

  it('is no promise but stays below the bound for plain requests', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 400 }), async text => {
        const request = asked(text) as any
        return (await estimateTokens(request)) <= bound({ model: request.model, maxTokens: 10, request, betas: [] }).inputTokens
      }),
      { numRuns: 50 },
    )
  })

  it.each([undefined, null, 7, 'text', {}])('is 0 for %p', async request => {
    expect(await estimateTokens(request)).toBe(0)
  })
})

describe('Calibration', () => {
  it('assumes 1.35 before it has seen a model, and adds a fifth', () => {
    expect(new Calibration().calibrated('m', 1_000)).toBe(1_620)
  })

  it('keeps the highest of the last 64 ratios', () => {
    const calibration = new Calibration()
    calibration.learn('m', 100, 180)
    for (let i = 0; i < 63; i++) calibration.learn('m', 100, 110)
    expect(calibration.ratio('m')).toBe(1.8)
    calibration.learn('m', 100, 110)
    expect(calibration.ratio('m')).toBe(1.1)
    expect(calibration.ratio('other')).toBe(1.35)
  })

  it.each([
    [0, 5],
    [5, 0],
    [-1, 5],
    [Number.NaN, 5],
    [5, Number.POSITIVE_INFINITY],
  ])('ignores %p estimated, %p measured', (estimated, measured) => {
    const calibration = new Calibration()
    calibration.learn('m', estimated, measured)
    expect(calibration.ratio('m')).toBe(1.35)
  })

  it('forgets the model that was not seen for longest, beyond 128', () => {
    const calibration = new Calibration()
    for (let i = 0; i < 129; i++) calibration.learn(`m${i}`, 100, 200)
    expect([calibration.ratio('m0'), calibration.ratio('m1'), calibration.ratio('m128')]).toEqual([1.35, 2, 2])
  })

  it('covers what it has learnt from', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 })), { minLength: 1, maxLength: 64 }),
        pairs => {
          const calibration = new Calibration()
          for (const [estimated, measured] of pairs) calibration.learn('m', estimated, measured)
          return pairs.every(([estimated, measured]) => calibration.calibrated('m', estimated) >= measured)
        },
      ),
    )
  })

  it('refuses an estimate that is none', () => {
    expect(() => new Calibration().calibrated('m', Number.NaN)).toThrow(RangeError)
  })
})
