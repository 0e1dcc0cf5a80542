import { createSidecar, UpstreamError } from 'outrigger'
import { opaqueInput, type Upstream } from 'outrigger/claude'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget, type WithBudgetOptions } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { asking, type Request, slowStore, streaming, turns } from '../stack.js'

/** A sidecar with one budget over these books, and a model. */
function mounted(agent: ReturnType<typeof asking>, upstream: Upstream, options: WithBudgetOptions, store = new MemoryLedgerStore()) {
  const clock = new VirtualClock()
  const use = [withBudget({ ledger: createLedger({ store }), ...options })]
  return { sidecar: createSidecar({ agent, use, claude: { upstream }, clock }), store, clock }
}

/** A model whose count_tokens answers so many. */
function counting({ upstream }: ReturnType<typeof mockModel>, tokens: number): Upstream {
  async function* count() {
    yield JSON.stringify({ input_tokens: tokens })
  }
  return (request, abort) =>
    request.url.endsWith('/count_tokens') ? Promise.resolve({ status: 200, headers: {}, body: count() }) : upstream(request, abort)
}

const entry = (store: MemoryLedgerStore, op: string) => store.history().entries.find(made => made.op === op)

describe('prices of a budget of its own', () => {
  const gateway = { 'gw-auto': { input: 1_000_000, output: 5_000_000 }, 'gw-large': { input: 10_000_000, output: 50_000_000 } }
  const url = { messages: [{ role: 'user' as const, content: [{ type: 'document', source: { type: 'url', url: 'https://a.example' } }] }] }
  const search = { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 5 }] }

  it.each([
    ['a document by its URL, before the answer', url, mockModel().hang()],
    ['a web search, before the answer', search, mockModel().hang()],
    ['a web search, within the answer', search, mockModel().hang({ after: 1, reply: { text: 'x', usage: { input_tokens: 300 } } })],
    ['fast, before the answer', { speed: 'fast' }, mockModel().hang()],
  ] as const)('a cut call settles all that it may have cost: %s', async (_, request, { upstream }) => {
    const { sidecar, store } = mounted(streaming({ model: 'gw-auto', ...request } as Request), upstream, { usd: 100, prices: gateway })
    const caller = new AbortController()
    const sent = sidecar.send('go', { signal: caller.signal }).catch(() => {})
    await turns()
    caller.abort(new RangeError('enough'))
    await sent
    await turns()
    expect(entry(store, 'settle')?.nanoUsd).toBe(entry(store, 'reserve')?.nanoUsd)
  })

  it('an answer of a dearer model is billed as that one', async () => {
    const { upstream } = mockModel().reply({ model: 'gw-large', text: 'ok', usage: { input_tokens: 1000, output_tokens: 1000 } })
    const { sidecar, store } = mounted(asking({ model: 'gw-auto' }), upstream, { usd: 100, prices: gateway })
    const { nanoUsd } = await sidecar.call('go')
    expect(nanoUsd).toBe(60_000_000)
    expect(store.accounts()[0]!.nanoUsd.spent).toBe(60_000_000)
  })
})

describe('an abort whose reason is the failure of another call', () => {
  it.each(['no', 'maybe'] as const)('is charged as an abort, whatever became of that one (billed: %s)', async billed => {
    const { sidecar, store } = mounted(asking({ model: 'claude-haiku-4-5' }), mockModel().hang().upstream, { usd: 1 })
    const caller = new AbortController()
    const reason = new UpstreamError('the Messages API answered 429', { status: 429, billed, retryable: true })
    const sent = sidecar.send('go', { signal: caller.signal }).catch((error: unknown) => error)
    await turns()
    caller.abort(reason)
    expect(await sent).toBe(reason)
    await turns()
    expect(entry(store, 'settle')?.nanoUsd).toBe(entry(store, 'reserve')?.nanoUsd)
  })
})

describe("estimate: 'count'", () => {
  it('is not used for a continued thread: count_tokens is not shown what the server holds', async () => {
    const mock = mockModel({ otherwise: () => ({ text: 'ok', usage: { input_tokens: 150_000, output_tokens: 10 } }) })
    const upstream = counting(mock, 12)
    const request = { model: 'claude-haiku-4-5', thread: { type: 'continue', previous_message_id: 'msg_1' } }
    const { sidecar } = mounted(asking(request), upstream, { usd: 0.01, estimate: 'count' })
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    expect(mock.requests).toHaveLength(0)
  })
})

describe('a request without a bound', () => {
  const code = { model: 'claude-haiku-4-5', tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] as never }
  const usage = { input_tokens: 100, output_tokens: 10 }
  const cost = 100 * 1000 + 10 * 5000

  it.each([
    [{ usd: 0.001, mode: 'soft' }],
    [{ usd: 0.001, mode: 'warn' }],
    [{ usd: 1, mode: 'soft', estimate: 'calibrated' }],
    [{ usd: 'unlimited' }],
    [{ usd: 'unlimited', tokens: 'unlimited' }],
  ] as const)('passes where nothing must hold, and what it used counts: %j', async options => {
    const mock = mockModel().reply({ text: 'ok', usage })
    const { sidecar, store } = mounted(asking(code), mock.upstream, options)
    await sidecar.send('go')
    expect(entry(store, 'reserve')).toMatchObject({ nanoUsd: 0, tokens: 0, forced: false })
    expect(entry(store, 'settle')).toMatchObject({ nanoUsd: cost, tokens: 110, overran: true })
  })

  it('that is cut is unknown: nobody can say what it cost', async () => {
    const { sidecar, store } = mounted(asking(code), mockModel().hang().upstream, { usd: 1, mode: 'soft' })
    const caller = new AbortController()
    const sent = sidecar.call('go', { signal: caller.signal }).catch(() => {})
    await turns()
    caller.abort(new RangeError('enough'))
    await sent
    await turns()
    expect(store.holds()).toEqual([expect.objectContaining({ state: 'unknown' })])
  })

  it('is refused where a cap must hold, also one above an account without its own', async () => {
    const account = createLedger().account({ id: 'team', nanoUsd: 1_000_000_000, tokens: 'unlimited' }).share()
    for (const options of [{ account }, { tokens: 1_000_000 }, { usd: 1 }] as const) {
      const mock = mockModel({ otherwise: () => 'ok' })
      const use = [withBudget(options)]
      const sidecar = createSidecar({ agent: asking(code), use, claude: { upstream: mock.upstream } })
      await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_UNBOUNDED' })
      expect(mock.requests).toHaveLength(0)
    }
  })

  it('of a model without a price is refused all the same: its spend could not be kept', async () => {
    const { sidecar } = mounted(asking({ model: 'claude-unheard-of' }), mockModel().upstream, { usd: 'unlimited' })
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_UNKNOWN_MODEL' })
  })
})

describe('cache writes that an answer does not split by lifetime', () => {
  it('cost no more than the hold, where the request can cache for five minutes only', async () => {
    const cached = [{ type: 'text', text: 'word '.repeat(2_000), cache_control: { type: 'ephemeral' } }]
    const usage = { input_tokens: 10, cache_creation_input_tokens: 2_000, output_tokens: 10 }
    const { sidecar, store } = mounted(
      asking({ model: 'claude-sonnet-4-6', inference_geo: 'global', system: cached as never }),
      mockModel().reply({ text: 'ok', usage: { ...usage, cache_creation: null } as never }).upstream,
      { usd: 1 },
    )
    await sidecar.send('go')
    expect(store.accounts()[0]!.nanoUsd.spent).toBe(10 * 3_000 + 2_000 * 3_750 + 10 * 15_000)
  })
})

describe('what is settled from an estimate', () => {
  it('is never above the hold, in either unit, also where a count made it less than the bound', async () => {
    const mock = mockModel().hang()
    const upstream = counting(mock, 1_000)
    const messages = [{ role: 'user' as const, content: 'x'.repeat(4_000) }]
    const { sidecar, store } = mounted(asking({ model: 'claude-haiku-4-5', max_tokens: 10, messages }), upstream, {
      usd: '0.002',
      tokens: 2_000,
      estimate: 'count',
    })
    const caller = new AbortController()
    const sent = sidecar.send('go', { signal: caller.signal }).catch(() => {})
    await turns()
    caller.abort(new RangeError('enough'))
    await sent
    await turns()
    expect(entry(store, 'reserve')).toMatchObject({ nanoUsd: 1_050 * 1_000 + 10 * 5_000, tokens: 1_060 })
    expect(entry(store, 'settle')).toMatchObject({ nanoUsd: 1_050 * 1_000 + 10 * 5_000, tokens: 1_060, overran: false })
  })
})

describe('the gate', () => {
  it('gives back what it held to ask', async () => {
    const memory = new MemoryLedgerStore()
    const { store } = slowStore(memory)
    const agent = { name: 'idle', send: async () => 7 }
    const sidecar = createSidecar({ agent, use: [withBudget({ usd: 0, account: 'team', ledger: createLedger({ store }) })] })
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    memory.adjust('team', { id: 'raise', nanoUsd: 10 })
    expect(await sidecar.send('go')).toBe(7)
    expect(memory.holds()).toEqual([])
    expect(
      memory
        .history()
        .entries.filter(({ id }) => id.includes('/gate/'))
        .map(({ op }) => op),
    ).toEqual(['reserve', 'release'])
  })
})

describe('a send of an opaque agent', () => {
  it('is held at the dearest input rate: nobody knows what its client caches', async () => {
    const prices = { own: { input: 1_000_000, output: 5_000_000, cacheWrite5m: 1_500_000, cacheWrite1h: 9_000_000 } }
    const agent = { name: 'own-client', opaque: { model: 'own', maxTokens: 100 }, send: async () => 'ok' }
    const { sidecar, store } = mounted(agent as never, mockModel().upstream, { usd: 1, prices })
    await sidecar.send('one two three')
    const input = await opaqueInput('one two three')
    expect(entry(store, 'reserve')).toMatchObject({ nanoUsd: input * 9_000 + 100 * 5_000, tokens: input + 100 })
  })
})
