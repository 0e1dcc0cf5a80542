/** A bill worked out by hand from the published prices: platform.claude.com/docs/en/about-claude/pricing. */
export interface HandBill {
  readonly what: string
  readonly model: string
  /** As the API reports it. */
  readonly usage: Readonly<Record<string, unknown>>
  /** Tokens × dollars a million tokens, of each class; fees are in dollars, behind `fee`. */
  readonly sum: string
  /** Integer nano-USD: the sum × 1,000 for tokens, rounded up once at the end. */
  readonly nanoUsd: number
}

const cached = (read: number, write5m = 0, write1h = 0) => ({
  cache_read_input_tokens: read,
  cache_creation_input_tokens: write5m + write1h,
  cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
})
const searches = (count: number) => ({ server_tool_use: { web_search_requests: count, web_fetch_requests: 0 } })

export const handBills: readonly HandBill[] = [
  { what: 'a greeting', model: 'claude-opus-4-8', usage: { input_tokens: 12, output_tokens: 4 }, sum: '12 × 5 + 4 × 25', nanoUsd: 160_000 },
  { what: 'nothing', model: 'claude-opus-4-8', usage: { input_tokens: 0, output_tokens: 0 }, sum: '0 × 5', nanoUsd: 0 },
  {
    what: 'a million in',
    model: 'claude-opus-5',
    usage: { input_tokens: 1_000_000, output_tokens: 0 },
    sum: '1000000 × 5',
    nanoUsd: 5_000_000_000,
  },
  {
    what: 'a long answer',
    model: 'claude-opus-4-7',
    usage: { input_tokens: 3_210, output_tokens: 128_000 },
    sum: '3210 × 5 + 128000 × 25',
    nanoUsd: 3_216_050_000,
  },
  {
    what: 'opus 4.6',
    model: 'claude-opus-4-6',
    usage: { input_tokens: 777, output_tokens: 333 },
    sum: '777 × 5 + 333 × 25',
    nanoUsd: 12_210_000,
  },
  {
    what: 'opus 4.5 by its dated id',
    model: 'claude-opus-4-5-20251101',
    usage: { input_tokens: 100, output_tokens: 10 },
    sum: '100 × 5 + 10 × 25',
    nanoUsd: 750_000,
  },
  {
    what: 'opus 5.5',
    model: 'claude-opus-5-5',
    usage: { input_tokens: 1_001, output_tokens: 999 },
    sum: '1001 × 4 + 999 × 20',
    nanoUsd: 23_984_000,
  },
  {
    what: 'sonnet 5',
    model: 'claude-sonnet-5',
    usage: { input_tokens: 2_500, output_tokens: 1_200 },
    sum: '2500 × 2 + 1200 × 10',
    nanoUsd: 17_000_000,
  },
  {
    what: 'sonnet 5.5',
    model: 'claude-sonnet-5-5',
    usage: { input_tokens: 2_500, output_tokens: 1_200 },
    sum: '2500 × 2 + 1200 × 10',
    nanoUsd: 17_000_000,
  },
  { what: 'sonnet 4.6', model: 'claude-sonnet-4-6', usage: { input_tokens: 1, output_tokens: 1 }, sum: '1 × 3 + 1 × 15', nanoUsd: 18_000 },
  {
    what: 'haiku 4.5',
    model: 'claude-haiku-4-5',
    usage: { input_tokens: 4_096, output_tokens: 256 },
    sum: '4096 × 1 + 256 × 5',
    nanoUsd: 5_376_000,
  },
  {
    what: 'haiku 4.5 by its dated id',
    model: 'claude-haiku-4-5-20251001',
    usage: { input_tokens: 1, output_tokens: 0 },
    sum: '1 × 1',
    nanoUsd: 1_000,
  },
  {
    what: 'haiku 5.5',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 99_999, output_tokens: 7 },
    sum: '99999 × 0.10 + 7 × 0.50',
    nanoUsd: 10_003_400,
  },
  {
    what: 'fable 5',
    model: 'claude-fable-5',
    usage: { input_tokens: 50, output_tokens: 50 },
    sum: '50 × 10 + 50 × 50',
    nanoUsd: 3_000_000,
  },
  {
    what: 'fable 5.2',
    model: 'claude-fable-5-2',
    usage: { input_tokens: 50, output_tokens: 50 },
    sum: '50 × 8 + 50 × 40',
    nanoUsd: 2_400_000,
  },
  {
    what: 'a cache read',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 10, output_tokens: 10, ...cached(90_000) },
    sum: '10 × 5 + 10 × 25 + 90000 × 0.50',
    nanoUsd: 45_300_000,
  },
  {
    what: 'a cache write for five minutes',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 10, output_tokens: 10, ...cached(0, 4_000) },
    sum: '10 × 5 + 10 × 25 + 4000 × 6.25',
    nanoUsd: 25_300_000,
  },
  {
    what: 'a cache write for an hour',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 10, output_tokens: 10, ...cached(0, 0, 4_000) },
    sum: '10 × 5 + 10 × 25 + 4000 × 10',
    nanoUsd: 40_300_000,
  },
  {
    what: 'every class of sonnet 5',
    model: 'claude-sonnet-5',
    usage: { input_tokens: 11, output_tokens: 13, ...cached(17, 19, 23) },
    sum: '11 × 2 + 13 × 10 + 17 × 0.20 + 19 × 2.50 + 23 × 4',
    nanoUsd: 294_900,
  },
  {
    what: 'every class of haiku 4.5',
    model: 'claude-haiku-4-5',
    usage: { input_tokens: 11, output_tokens: 13, ...cached(17, 19, 23) },
    sum: '11 × 1 + 13 × 5 + 17 × 0.10 + 19 × 1.25 + 23 × 2',
    nanoUsd: 147_450,
  },
  {
    what: 'a cache read of fable 5.1',
    model: 'claude-fable-5-1',
    usage: { input_tokens: 0, output_tokens: 0, ...cached(200_000) },
    sum: '200000 × 0.25',
    nanoUsd: 50_000_000,
  },
  {
    what: 'one token read of haiku 5.5',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 0, output_tokens: 0, ...cached(1) },
    sum: '1 × 0.01',
    nanoUsd: 10,
  },
  {
    what: 'haiku 5.5, a prompt of exactly 100,000',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 1, output_tokens: 1, ...cached(99_999) },
    sum: '1 × 0.10 + 1 × 0.50 + 99999 × 0.01',
    nanoUsd: 1_000_590,
  },
  {
    what: 'haiku 5.5, one more',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 2, output_tokens: 1, ...cached(99_999) },
    sum: '2 × 0.50 + 1 × 2.50 + 99999 × 0.05',
    nanoUsd: 5_003_450,
  },
  {
    what: 'haiku 5.5, long through what is written to the cache',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 1, output_tokens: 0, ...cached(0, 100_000) },
    sum: '1 × 0.50 + 100000 × 0.625',
    nanoUsd: 62_500_500,
  },
  {
    what: 'sonnet 4.5, a prompt of exactly 200,000',
    model: 'claude-sonnet-4-5',
    usage: { input_tokens: 200_000, output_tokens: 100 },
    sum: '200000 × 3 + 100 × 15',
    nanoUsd: 601_500_000,
  },
  {
    what: 'sonnet 4.5, one more',
    model: 'claude-sonnet-4-5',
    usage: { input_tokens: 200_001, output_tokens: 100 },
    sum: '200001 × 6 + 100 × 22.50',
    nanoUsd: 1_202_256_000,
  },
  {
    what: 'batch: half',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 1_001, output_tokens: 3, service_tier: 'batch' },
    sum: '1001 × 2.50 + 3 × 12.50',
    nanoUsd: 2_540_000,
  },
  {
    what: 'batch, and a fraction is rounded up',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 0, output_tokens: 0, ...cached(0, 1), service_tier: 'batch' },
    sum: '1 × 0.0625',
    nanoUsd: 63,
  },
  {
    what: 'priority: the plain rates',
    model: 'claude-sonnet-5',
    usage: { input_tokens: 5, output_tokens: 5, service_tier: 'priority' },
    sum: '5 × 2 + 5 × 10',
    nanoUsd: 60_000,
  },
  {
    what: 'fast',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 300, output_tokens: 40, speed: 'fast' },
    sum: '300 × 10 + 40 × 50',
    nanoUsd: 5_000_000,
  },
  {
    what: 'fast, with a cache',
    model: 'claude-opus-5-5',
    usage: { input_tokens: 1, output_tokens: 1, ...cached(10, 100, 1_000), speed: 'fast' },
    sum: '1 × 8 + 1 × 40 + 10 × 0.40 + 100 × 10 + 1000 × 16',
    nanoUsd: 17_052_000,
  },
  {
    what: 'in the US: 1.1 times',
    model: 'claude-sonnet-5',
    usage: { input_tokens: 101, output_tokens: 11, inference_geo: 'us' },
    sum: '101 × 2.20 + 11 × 11',
    nanoUsd: 343_200,
  },
  {
    what: 'in the US, and a fraction is rounded up',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 0, output_tokens: 0, ...cached(0, 1), inference_geo: 'us' },
    sum: '1 × 0.1375',
    nanoUsd: 138,
  },
  {
    what: 'in the US, a model without a price for it',
    model: 'claude-haiku-4-5',
    usage: { input_tokens: 1_000, output_tokens: 0, inference_geo: 'us' },
    sum: '1000 × 1',
    nanoUsd: 1_000_000,
  },
  {
    what: 'batch in the US: 0.55 times',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 1, output_tokens: 0, inference_geo: 'us', service_tier: 'batch' },
    sum: '1 × 2.75',
    nanoUsd: 2_750,
  },
  {
    what: 'three searches',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 9_000, output_tokens: 500, ...searches(3) },
    sum: '9000 × 5 + 500 × 25 + fee 0.03',
    nanoUsd: 87_500_000,
  },
  {
    what: 'searches are not halved by batch',
    model: 'claude-opus-4-8',
    usage: { input_tokens: 2, output_tokens: 0, ...searches(1), service_tier: 'batch' },
    sum: '2 × 2.50 + fee 0.01',
    nanoUsd: 10_005_000,
  },
  {
    what: 'a compaction that the totals leave out',
    model: 'claude-opus-4-8',
    usage: {
      input_tokens: 100,
      output_tokens: 20,
      iterations: [
        { type: 'compaction', input_tokens: 150_000, output_tokens: 2_000 },
        { type: 'message', input_tokens: 100, output_tokens: 20 },
      ],
    },
    sum: '150000 × 5 + 2000 × 25 + 100 × 5 + 20 × 25',
    nanoUsd: 801_000_000,
  },
  {
    what: 'a fallback to another model',
    model: 'claude-opus-4-8',
    usage: {
      input_tokens: 110,
      output_tokens: 12,
      iterations: [
        { type: 'message', model: 'claude-opus-4-8', input_tokens: 100, output_tokens: 2 },
        { type: 'fallback_message', model: 'claude-sonnet-5', input_tokens: 10, output_tokens: 10 },
      ],
    },
    sum: '100 × 5 + 2 × 25 + 10 × 2 + 10 × 10',
    nanoUsd: 670_000,
  },
]
