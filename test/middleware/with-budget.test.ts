import fc from 'fast-check'
import {
  BudgetExceededError,
  createSidecar,
  defineMiddleware,
  isOutriggerError,
  LedgerUnavailableError,
  type SidecarEvent,
  StackOrderError,
  UnboundedRequestError,
  UnknownModelError,
  UpstreamError,
} from 'outrigger'
import type { Upstream } from 'outrigger/claude'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget, type WithBudgetOptions, withRetry } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { bill } from '../support/billing.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { asking, endings, fixed, priced, slowStore, streaming, turns } from './stack.js'

const dollar = 1_000_000_000
const call = dollar / 10
const answer = { text: 'done', usage: { input_tokens: 3, output_tokens: 1000 } }
const answering = () => mockModel({ otherwise: () => answer })

/** A sidecar with one budget, its books and a model. */
function mounted(
  options: WithBudgetOptions,
  more: { agent?: ReturnType<typeof asking>; mock?: ReturnType<typeof mockModel>; layers?: 'retry'; store?: MemoryLedgerStore } = {},
) {
  const store = more.store ?? new MemoryLedgerStore()
  const mock = more.mock ?? answering()
  const ledger = typeof options.account === 'object' ? {} : { ledger: createLedger({ store }) }
  const clock = new VirtualClock()
  const sidecar = createSidecar({
    agent: more.agent ?? asking(),
    use: [more.layers === 'retry' && withRetry(), withBudget({ prices: fixed, ...ledger, ...options })],
    claude: { upstream: mock.upstream },
    clock,
  })
  const events: SidecarEvent[] = []
  sidecar.subscribe(event => events.push(event))
  return { sidecar, store, mock, clock, events, nano: () => amounts(sidecar.budget.nanoUsd) }
}

function amounts(shown: { spent: number; held: number; remaining: number; allocated: number; delegated: number } | 'unlimited') {
  if (shown === 'unlimited') throw new Error('there is no cap')
  return shown
}

const servers: MessagesServer[] = []
async function serving(...args: Parameters<typeof startServer>): Promise<MessagesServer> {
  const server = await startServer(...args)
  servers.push(server)
  return server
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

describe('a beta that the operator has set', () => {
  it.each(['option', 'environment'])('counts in the bound, and goes upstream beside that of the request (%s)', async how => {
    const beta = { 'anthropic-beta': 'Context-1m-2025-08-07' }
    const before = process.env.ANTHROPIC_CUSTOM_HEADERS
    if (how === 'environment') process.env.ANTHROPIC_CUSTOM_HEADERS = `anthropic-beta: ${beta['anthropic-beta']}`
    const mock = mockModel({ otherwise: () => 'ok' })
    const sidecar = (usd: number) =>
      createSidecar({
        agent: {
          name: 'a',
          send: (text: string, { claude }) =>
            claude.messages.create(
              { model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user', content: text }] },
              { headers: { 'anthropic-beta': 'mine' } },
            ),
        },
        use: [withBudget({ usd })],
        claude: { upstream: mock.upstream, ...(how === 'option' ? { headers: beta } : {}) },
      })
    try {
      await expect(sidecar(0.3).send('x '.repeat(450_000))).rejects.toMatchObject({ code: 'ERR_BUDGET' })
      await sidecar(2).send('hello')
      expect(mock.requests.map(({ headers }) => headers['anthropic-beta'])).toEqual(['mine,Context-1m-2025-08-07'])
    } finally {
      if (before === undefined) delete process.env.ANTHROPIC_CUSTOM_HEADERS
      else process.env.ANTHROPIC_CUSTOM_HEADERS = before
    }
  })
})

describe('withBudget', () => {
  describe('options', () => {
    const bad: readonly (readonly [string, unknown, RegExp])[] = [
      ['nothing', undefined, /options must be an object/],
      ['null', null, /options must be an object/],
      ['no cap', {}, /give usd or tokens; no budget is the word 'unlimited'/],
      ['usd undefined', { usd: undefined }, /usd must be a number/],
      ['usd null', { usd: null }, /got null/],
      ['usd NaN', { usd: Number.NaN }, /NaN is no amount/],
      ['usd Infinity', { usd: Number.POSITIVE_INFINITY }, /Infinity is no amount/],
      ['usd -1', { usd: -1 }, /-1 is no amount/],
      ['usd 2^53 + 1', { usd: 2 ** 53 + 1 }, /more than 9007199/],
      ['usd empty', { usd: '' }, /'' is no amount/],
      ['usd a word', { usd: 'much' }, /'much' is no amount/],
      ['usd an object', { usd: {} }, /got object/],
      ['usd finer than a nano-dollar', { usd: '0.0000000001' }, /no amount/],
      ['tokens null', { tokens: null }, /got null/],
      ['tokens NaN', { tokens: Number.NaN }, /got NaN/],
      ['tokens half', { tokens: 0.5 }, /got 0.5/],
      ['tokens -1', { tokens: -1 }, /got -1/],
      ['tokens 2^53 + 1', { tokens: 2 ** 53 + 2 }, /whole number/],
      ['tokens a string', { tokens: '7' }, /got string/],
      ['an unknown option', { usd: 1, moed: 'soft' }, /unknown option "moed"/],
      ['mode', { usd: 1, mode: 'maybe' }, /mode must be one of hard, soft, warn/],
      ['estimate', { usd: 1, estimate: 'guess' }, /estimate must be one of/],
      ['whenShort', { usd: 1, whenShort: 'wait' }, /whenShort must be one of/],
      ['calibrated and hard', { usd: 1, estimate: 'calibrated' }, /reserves less than the bound/],
      ['warnAt a number', { usd: 1, warnAt: 0.8 }, /must be a list/],
      ['warnAt 0', { usd: 1, warnAt: [0] }, /above 0 and up to 1, got 0/],
      ['warnAt 80', { usd: 1, warnAt: [80] }, /got 80/],
      ['account empty', { usd: 1, account: '' }, /non-empty id/],
      ['account null', { usd: 1, account: null }, /non-empty id/],
      ['account an object that is none', { account: {} }, /account of a ledger/],
      [
        'a cap for an account object',
        { usd: 1, account: createLedger().account({ id: 'a', nanoUsd: 1, tokens: 1 }) },
        /has its caps already/,
      ],
      [
        'a ledger for an account object',
        { ledger: createLedger(), account: createLedger().account({ id: 'a', nanoUsd: 1, tokens: 1 }) },
        /leave ledger out/,
      ],
      ['ledger', { usd: 1, ledger: {} }, /createLedger/],
      ['prices a number', { usd: 1, prices: 3 }, /prices/],
      ['prices negative', { usd: 1, prices: { m: { input: -1, output: 1 } } }, /input of "m"/],
    ]

    it.each(bad)('refuse %s at once', (_, options, message) => {
      const make = () => withBudget(options as WithBudgetOptions)
      expect(make).toThrow(message)
      expect(make).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(TypeError|RangeError)$/) }))
    })

    it.each([
      ['a number', 0.25],
      ['a decimal string', '0.25'],
    ] as const)('take %s as dollars', (_, usd) => {
      expect(mounted({ usd }).nano()).toEqual({ allocated: dollar / 4, spent: 0, held: 0, delegated: 0, remaining: dollar / 4 })
    })

    it("the word 'unlimited' is no cap, and the spend is still kept", async () => {
      const { sidecar, store } = mounted({ usd: 'unlimited', tokens: 'unlimited' })
      await sidecar.send('go')
      expect(sidecar.budget.nanoUsd).toBe('unlimited')
      expect(store.accounts()[0]).toMatchObject({ id: sidecar.id, nanoUsd: { spent: call }, tokens: { spent: 1003 } })
    })

    it.each([{ usd: 0 }, { usd: '0' }, { tokens: 0 }] as const)('%j is a budget of nothing (B06)', async options => {
      const { sidecar, mock } = mounted(options)
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(mock.requests).toHaveLength(0)
    })

    it('the facts of explain() are those in effect', () => {
      expect(mounted({ usd: 1, whenShort: 'clamp' }).sidecar.explain()).toMatch(/withBudget.*1000000000.*hard.*bound.*clamp/)
    })
  })

  describe('a cap of $5.00 and calls of $0.10 (B01)', () => {
    it('lets exactly 50 of 10,000 concurrent calls out, over HTTP and the SDK, and never holds more than the cap', async () => {
      let highest = 0
      const sample = () => {
        const { spent, held } = amounts(sidecar.budget.nanoUsd)
        highest = Math.max(highest, spent + held)
      }
      const gates: (() => void)[] = []
      const server = await serving(asked => {
        sample()
        const head = new Promise<void>(resolve => gates.push(resolve))
        return script.gated(script.reply(answer), { head })(asked)
      })
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: '5.00', prices: fixed })],
        claude: { apiKey: 'key', baseURL: server.url },
      })
      sidecar.subscribe(sample)
      const outcomes = Array.from({ length: 10_000 }, () => sidecar.send('go').then(String, error => error))
      const settled = Promise.all(outcomes)
      for (let opened = 0; opened < 50; await turns(1)) {
        if (gates.length === 0) continue
        gates.splice(Math.floor(gates.length * ((opened * 0.618) % 1)), 1)[0]!()
        opened++
      }
      const all = await settled
      expect(server.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/messages')).toHaveLength(50)
      expect(all.filter(outcome => outcome === '1000')).toHaveLength(50)
      expect(all.filter(outcome => outcome instanceof BudgetExceededError)).toHaveLength(9950)
      expect(highest).toBe(5 * dollar)
      expect(amounts(sidecar.budget.nanoUsd)).toEqual({ allocated: 5 * dollar, spent: 5 * dollar, held: 0, delegated: 0, remaining: 0 })
    }, 300_000)

    it('is not drifting: a refused call changes nothing (B22), and what is left can be spent to the last', async () => {
      const { sidecar, mock, nano } = mounted({ usd: '0.35' })
      for (let i = 0; i < 3; i++) await sidecar.send('go')
      await expect(sidecar.send('go')).rejects.toMatchObject({
        code: 'ERR_BUDGET',
        unit: 'nanoUsd',
        needed: call,
        remaining: call / 2,
        allocated: 3.5 * call,
        spent: 3 * call,
      })
      expect(nano()).toMatchObject({ spent: 3 * call, held: 0 })
      expect(mock.requests).toHaveLength(3)
    })
  })

  describe('modes', () => {
    it('hard refuses, and tells it', async () => {
      const { sidecar, events, mock } = mounted({ usd: 0.05 })
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(mock.requests).toHaveLength(0)
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'budget.refused', unit: 'nanoUsd', needed: call, remaining: call / 2, action: expect.any(String) }),
      )
      expect(events.some(({ type }) => type === 'violation')).toBe(false)
    })

    it('soft goes on past the cap, as a violation', async () => {
      const { sidecar, nano } = mounted({ usd: 0.05, mode: 'soft' })
      const { reply, violations } = await sidecar.call('go')
      expect(reply).toBe(1000)
      expect(violations).toEqual([expect.objectContaining({ ruleId: 'budget', severity: 'error', response: 'warn' })])
      expect(nano()).toMatchObject({ spent: call, remaining: -call / 2 })
    })

    it('soft reports no violation below the cap', async () => {
      expect((await mounted({ usd: 1, mode: 'soft' }).sidecar.call('go')).violations).toEqual([])
    })

    it('warn tells thresholds only', async () => {
      const { sidecar, events, nano } = mounted({ usd: 0.05, mode: 'warn' })
      await sidecar.send('go')
      expect(nano().spent).toBe(call)
      const own = events.filter(({ type }) => type.startsWith('budget') || type === 'violation')
      expect(own.map(event => 'threshold' in event && event.threshold)).toEqual([0.8, 0.9])
    })
  })

  describe('thresholds', () => {
    it('are told once each, when the spend passes them', async () => {
      const { sidecar, events } = mounted({ usd: 1, warnAt: [1, 0.25, 0.5] })
      const told = () => events.flatMap(event => (event.type === 'budget.threshold' ? [event.threshold] : []))
      const after: (readonly number[])[] = []
      for (let i = 0; i < 10; i++) {
        await sidecar.send('go')
        after.push(told())
      }
      expect(after.map(list => list.length)).toEqual([0, 0, 1, 1, 2, 2, 2, 2, 2, 3])
      expect(told()).toEqual([0.25, 0.5, 1])
    })

    it('are told for each unit, with its figures', async () => {
      const { sidecar, events } = mounted({ usd: 'unlimited', tokens: 2000, warnAt: [0.5] })
      await sidecar.send('go')
      expect(events.filter(({ type }) => type === 'budget.threshold')).toEqual([
        expect.objectContaining({ unit: 'tokens', threshold: 0.5, allocated: 2000, spent: 1003 }),
      ])
    })
  })

  describe('accounts', () => {
    it('shared by two sidecars are one cap (B53)', async () => {
      const ledger = createLedger()
      const account = ledger.account({ id: 'team', nanoUsd: 3 * call, tokens: 'unlimited' })
      const [one, other] = [mounted({ account }), mounted({ account })]
      await one.sidecar.send('go')
      expect(other.nano().spent).toBe(call)
      const all = await Promise.allSettled([one, other, one, other].map(({ sidecar }) => sidecar.send('go')))
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
      expect(one.mock.requests.length + other.mock.requests.length).toBe(3)
      expect(one.nano()).toEqual(other.nano())
    })

    it('are found by id in a shared ledger', async () => {
      const store = new MemoryLedgerStore()
      const [one, other] = [mounted({ usd: 1, account: 'team' }, { store }), mounted({ usd: 1, account: 'team' }, { store })]
      await one.sidecar.send('go')
      expect(other.nano().spent).toBe(call)
    })

    it('that exist with another cap are refused at creation', () => {
      const store = new MemoryLedgerStore()
      mounted({ usd: 1, account: 'team' }, { store })
      expect(() => mounted({ usd: 2, account: 'team' }, { store })).toThrow(/exists_with_different_amount/)
    })

    it('keep what two runs of one agent id spend: no hold is taken for one of another run', async () => {
      const ledger = createLedger()
      for (let run = 1; run <= 3; run++) {
        const sidecar = createSidecar({
          id: 'mortal-1',
          agent: asking(),
          use: [withBudget({ usd: 1, prices: fixed, ledger })],
          claude: { upstream: answering().upstream },
        })
        await sidecar.send('go')
        expect(amounts(sidecar.budget.nanoUsd)).toMatchObject({ spent: run * call, held: 0 })
      }
    })

    it('delegate a part, which bounds the child and never more than the parent', async () => {
      const parent = mounted({ usd: 0.5 })
      const child = mounted({ account: parent.sidecar.budget.delegate({ usd: 0.2 }) })
      expect(parent.nano()).toMatchObject({ delegated: 2 * call, remaining: 3 * call })
      await child.sidecar.send('go')
      await child.sidecar.send('go')
      await expect(child.sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET', allocated: 2 * call })
      expect(child.nano()).toMatchObject({ spent: 2 * call, remaining: 0 })
      expect(() => parent.sidecar.budget.delegate({ usd: 0.4 })).toThrow(BudgetExceededError)
    })

    it('a child without a part is bounded by its ancestors', async () => {
      const ledger = createLedger()
      const account = ledger.account({ id: 'team', nanoUsd: call, tokens: 'unlimited' })
      const child = mounted({ account: account.share() })
      await child.sidecar.send('go')
      await expect(child.sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET', account: 'team' })
    })

    it('of a layer that stands in no sidecar yet say so', () => {
      expect(() => withBudget({ usd: 1 }).meta.expose!.budget.nanoUsd).toThrow(LedgerUnavailableError)
    })
  })

  describe('the gate', () => {
    it('refuses a send at once when nothing is left', async () => {
      let sends = 0
      const agent = { name: 'idle', send: async () => ++sends }
      const { sidecar } = mounted({ usd: 0 }, { agent })
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(sends).toBe(0)
    })

    it('opens again when the cap is raised, also with books that answer later', async () => {
      const memory = new MemoryLedgerStore()
      const { store } = slowStore(memory)
      const ledger = createLedger({ store })
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: '0.1', account: 'team', prices: fixed, ledger })],
        claude: { upstream: answering().upstream },
      })
      await sidecar.send('go')
      await sidecar.send('go').catch(() => {})
      await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_BUDGET', account: 'team', allocated: call })
      memory.adjust('team', { id: 'raise', nanoUsd: dollar })
      expect(await sidecar.send('go')).toBe(1000)
      expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: 2 * call, held: 0 })
    })

    it('lets a send pass in modes soft and warn', async () => {
      const agent = { name: 'idle', send: async () => 7 }
      for (const mode of ['soft', 'warn'] as const) expect(await mounted({ usd: 0, mode }, { agent }).sidecar.send('go')).toBe(7)
    })
  })

  describe("whenShort: 'clamp'", () => {
    it('lowers max_tokens to what is left', async () => {
      const mock = mockModel({ otherwise: ({ request }) => ({ text: 'cut', usage: { output_tokens: Number(request.max_tokens) } }) })
      const { sidecar, nano } = mounted({ usd: 0.05, whenShort: 'clamp' }, { mock })
      expect(await sidecar.send('go')).toBe(500)
      expect(mock.requests[0]!.request.max_tokens).toBe(500)
      expect(nano()).toMatchObject({ spent: call / 2, held: 0, remaining: 0 })
    })

    it('leaves max_tokens alone while it fits', async () => {
      const { sidecar, mock } = mounted({ usd: 0.1, whenShort: 'clamp' })
      await sidecar.send('go')
      expect(mock.requests[0]!.request.max_tokens).toBe(1000)
    })

    it('to what is left in tokens, too', async () => {
      const mock = mockModel({ otherwise: () => ({ text: 'cut', usage: { input_tokens: 1, output_tokens: 1 } }) })
      const { sidecar, store } = mounted({ tokens: 300, whenShort: 'clamp' }, { mock })
      await sidecar.send('go')
      expect(mock.requests[0]!.request.max_tokens).toBeLessThan(300)
      const reserved = store.history().entries.find(({ op }) => op === 'reserve')
      expect(reserved?.tokens).toBe(300)
    })

    it.each([
      [400, 500],
      [499, 500],
    ])('keeps it above a thinking budget of %i', async (budget_tokens, sent) => {
      const { sidecar, mock } = mounted(
        { usd: 0.05, whenShort: 'clamp' },
        { agent: asking({ thinking: { type: 'enabled', budget_tokens } }) },
      )
      await sidecar.send('go')
      expect(mock.requests[0]!.request.max_tokens).toBe(sent)
    })

    it.each([500, 600, 999])('refuses where a thinking budget of %i leaves no room', async budget_tokens => {
      const { sidecar, mock } = mounted(
        { usd: 0.05, whenShort: 'clamp' },
        { agent: asking({ thinking: { type: 'enabled', budget_tokens } }) },
      )
      const refused = sidecar.send('go')
      await expect(refused).rejects.toBeInstanceOf(BudgetExceededError)
      await expect(refused).rejects.toThrow(/ is left; raise the budget, or send less$/)
      expect(mock.requests).toHaveLength(0)
    })

    it('leaves room for the answers of fallbacks that have a max_tokens of their own', async () => {
      const { sidecar, mock, store } = mounted(
        { usd: 0.1, whenShort: 'clamp' },
        { agent: asking({ fallbacks: [{ model: 'claude-fixed', max_tokens: 300 }] }) },
      )
      await sidecar.send('go')
      expect(mock.requests[0]!.request.max_tokens).toBe(700)
      expect(store.history().entries.find(({ op }) => op === 'reserve')?.nanoUsd).toBe(call)
    })

    it('never lets concurrent calls pass the cap', async () => {
      const mock = mockModel({ otherwise: ({ request }) => ({ text: 'cut', usage: { output_tokens: Number(request.max_tokens) } }) })
      const { sidecar, nano } = mounted({ usd: '0.2345', whenShort: 'clamp' }, { mock })
      await Promise.allSettled(Array.from({ length: 20 }, () => sidecar.send('go')))
      expect(mock.requests.map(({ request }) => request.max_tokens)).toEqual([1000, 1000, 345])
      expect(nano()).toMatchObject({ spent: 234_500_000, remaining: 0 })
    })

    it('starts from the whole request again in the next attempt', async () => {
      const mock = mockModel().fail({ status: 529 }).reply(answer)
      const ledger = createLedger()
      const account = ledger.account({ id: 'a', nanoUsd: call / 2, tokens: 'unlimited' })
      const { sidecar, clock } = mounted({ account, whenShort: 'clamp' }, { mock, layers: 'retry' })
      const sent = sidecar.send('go')
      await turns()
      ledger.store.adjust('a', { id: 'more', nanoUsd: dollar })
      await clock.run()
      expect(await sent).toBe(1000)
      expect(mock.requests.map(({ request }) => request.max_tokens)).toEqual([500, 1000])
    })
  })

  describe("estimate: 'count'", () => {
    const long = { model: 'claude-priced', max_tokens: 10, messages: [{ role: 'user' as const, content: 'x'.repeat(4000) }] }
    const usageFor = () => ({ input_tokens: 1000, output_tokens: 10 })
    const counts = '/v1/messages/count_tokens'
    const over = (server: MessagesServer, options: WithBudgetOptions, retry = false) => {
      const ledger = createLedger()
      const clock = new VirtualClock()
      const sidecar = createSidecar({
        agent: asking(long),
        use: [retry && withRetry(), withBudget({ prices: priced, ledger, ...options })],
        claude: { apiKey: 'key', baseURL: server.url },
        clock,
      })
      return { sidecar, ledger, clock }
    }

    it('asks count_tokens when only the bound does not fit, and holds 1.05 times its answer', async () => {
      const server = await serving(script.text('ok'), { usageFor })
      const { sidecar, ledger } = over(server, { usd: '0.002', estimate: 'count' })
      await sidecar.send('go')
      expect(server.counts).toEqual({ [counts]: 1, '/v1/messages': 1 })
      const { entries } = await ledger.history()
      expect(entries.find(({ op }) => op === 'reserve')).toMatchObject({ nanoUsd: 1050 * 1000 + 10 * 5000, tokens: 1060 })
      expect(amounts(sidecar.budget.nanoUsd).spent).toBe(1000 * 1000 + 10 * 5000)
    })

    it('asks nothing while the bound fits', async () => {
      const server = await serving(script.text('ok'), { usageFor })
      await over(server, { usd: 1, estimate: 'count' }).sidecar.send('go')
      expect(server.counts).toEqual({ '/v1/messages': 1 })
    })

    it('is off by default', async () => {
      const server = await serving(script.text('ok'), { usageFor })
      await expect(over(server, { usd: '0.002' }).sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(server.requests).toHaveLength(0)
    })

    it('refuses where the count does not fit either', async () => {
      const server = await serving(script.text('ok'), { usageFor })
      await expect(over(server, { usd: '0.001', estimate: 'count' }).sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(server.counts).toEqual({ [counts]: 1 })
    })

    it('clamps from the count', async () => {
      const server = await serving(script.text('ok'), { usageFor })
      await over(server, { usd: '0.00108', estimate: 'count', whenShort: 'clamp' }).sidecar.send('go')
      expect(JSON.parse(server.requests.at(-1)!.bodyText).max_tokens).toBe(6)
    })

    it('asks once for all attempts of an action', async () => {
      const server = await serving([script.overloaded(), script.text('ok')], { usageFor })
      const { sidecar, clock } = over(server, { usd: '0.002', estimate: 'count' }, true)
      const sent = sidecar.send('go')
      while (clock.pending === 0) await turns(1)
      await clock.run()
      await sent
      expect(server.counts).toEqual({ [counts]: 1, '/v1/messages': 2 })
    })

    it('a surcharge on the output stays in what is held', async () => {
      const prices = { 'claude-priced': { ...priced['claude-priced'], usPercent: 200 } }
      const server = await serving(script.text('ok'), { usageFor })
      const { sidecar, ledger } = over(server, { usd: '0.003', estimate: 'count', prices })
      await sidecar.send('go')
      const { entries } = await ledger.history()
      expect(entries.find(({ op }) => op === 'reserve')?.nanoUsd).toBe(2 * (1050 * 1000 + 10 * 5000))
    })

    const withCount = (count: Upstream) => {
      const mock = mockModel({ otherwise: () => 'ok' })
      const upstream: Upstream = (request, abort) => (request.url.endsWith(counts) ? count : mock.upstream)(request, abort)
      const sidecar = createSidecar({
        agent: asking(long),
        use: [withBudget({ usd: '0.002', prices: priced, estimate: 'count' })],
        claude: { upstream },
      })
      return { sidecar, mock }
    }

    it.each([
      ['fails', async () => ({ status: 529, headers: {}, body: [] as never })],
      ['is lost', async () => Promise.reject(new UpstreamError('lost', { code: 'ECONNRESET', retryable: true }))],
      [
        'is nonsense',
        async () => ({
          status: 200,
          headers: {},
          body: (async function* () {
            yield '{"input_tokens":-4}'
          })(),
        }),
      ],
    ] as const)('a count that %s is no reason to spend', async (_, count) => {
      const { sidecar, mock } = withCount(count as Upstream)
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(mock.requests).toHaveLength(0)
    })

    it('an abort while counting is the reason of the caller', async () => {
      const { sidecar } = withCount(
        (_, abort) =>
          new Promise((__, reject) => abort.addEventListener('abort', () => reject(new UpstreamError('gone', { code: 'ABORTED' })))),
      )
      const caller = new AbortController()
      const sent = sidecar.send('go', { signal: caller.signal })
      await turns()
      caller.abort(new RangeError('enough'))
      await expect(sent).rejects.toThrow('enough')
      expect(amounts(sidecar.budget.nanoUsd)).toMatchObject({ spent: 0, held: 0 })
    })
  })

  describe("estimate: 'calibrated'", () => {
    const long = {
      model: 'claude-priced',
      max_tokens: 10,
      messages: [{ role: 'user' as const, content: 'the quick brown fox '.repeat(200) }],
    }

    it('holds less than the bound, learns, and still settles what was measured', async () => {
      const mock = mockModel({ otherwise: () => ({ text: 'ok', usage: { input_tokens: 900, output_tokens: 5 } }) })
      const run = async (options: WithBudgetOptions) => {
        const { sidecar, store } = mounted({ prices: priced, ...options }, { mock, agent: asking(long) })
        for (let i = 0; i < 2; i++) await sidecar.send('go')
        const [first, second] = store
          .history()
          .entries.filter(({ op }) => op === 'reserve')
          .map(({ nanoUsd }) => Number(nanoUsd))
        return { first: first!, second: second!, spent: store.accounts()[0]!.nanoUsd.spent }
      }
      const bound = await run({ usd: 1 })
      const calibrated = await run({ usd: 1, mode: 'soft', estimate: 'calibrated' })
      expect(calibrated.first).toBeLessThan(bound.first)
      expect(calibrated.second).not.toBe(calibrated.first)
      expect(calibrated.second).toBeGreaterThanOrEqual(900 * 1000)
      expect(calibrated.spent).toBe(2 * (900 * 1000 + 5 * 5000))
      expect(bound.spent).toBe(calibrated.spent)
    })

    it('a cut answer is charged with the bound, not with the smaller hold', async () => {
      const mock = mockModel().cut({ after: 0 })
      const { sidecar, store } = mounted({ prices: priced, usd: 1, mode: 'soft', estimate: 'calibrated' }, { mock, agent: streaming(long) })
      await sidecar.send('go').catch(() => {})
      const { entries } = store.history()
      const [reserved, settled] = ['reserve', 'settle'].map(op => Number(entries.find(entry => entry.op === op)?.nanoUsd))
      expect(settled).toBeGreaterThan(reserved!)
    })
  })

  describe('prices', () => {
    it.each<[unknown, RegExp]>([
      [{ version: 'v', models: {} }, /fees.webSearch of the price table must be nano-USD/],
      [{ version: 'v', models: { m: { input: -1, output: 1 } }, fees: { webSearch: 0, codeExecution: 0 } }, /input of "m" is -1/],
    ])('a table made by hand is checked at creation: %j', (prices, message) => {
      expect(() => withBudget({ usd: 1, prices: prices as never })).toThrow(message)
    })

    it('can be given as a table', async () => {
      const { definePrices } = await import('outrigger/claude')
      const { sidecar, nano } = mounted({ usd: 1, prices: definePrices({ 'claude-fixed': { input: 0, output: 50_000_000 } }) })
      await sidecar.send('go')
      expect(nano().spent).toBe(call / 2)
    })

    it('are named in every entry (B56), and what call() says is what the books say', async () => {
      const { sidecar, store, nano } = mounted({ usd: 1 })
      const { nanoUsd } = await sidecar.call('go')
      expect(nanoUsd).toBe(nano().spent)
      for (const { op, prices } of store.history().entries) if (op !== 'open') expect(prices).toMatch(/\+custom$/)
    })

    it('the default table knows real models', async () => {
      const mock = mockModel({ otherwise: () => ({ text: 'ok', usage: { input_tokens: 100, output_tokens: 10 } }) })
      const sidecar = createSidecar({
        agent: asking({ model: 'claude-haiku-4-5' }),
        use: [withBudget({ usd: 1 })],
        claude: { upstream: mock.upstream },
      })
      await sidecar.send('go')
      expect(amounts(sidecar.budget.nanoUsd).spent).toBe(100 * 1000 + 10 * 5000)
    })
  })

  describe('what has no bound never leaves (B08, B44)', () => {
    it.each([
      ['an unknown model', { model: 'claude-unheard-of' }, UnknownModelError],
      ['upper case', { model: 'CLAUDE-FIXED' }, UnknownModelError],
      ['a provider prefix', { model: 'anthropic/claude-fixed' }, UnknownModelError],
      ['no max_tokens', { max_tokens: undefined as unknown as number }, UnboundedRequestError],
      ['a search without max_uses', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] as never }, UnboundedRequestError],
      ['an unknown field', { surprise: { tokens: 1 } }, UnboundedRequestError],
    ])('%s', async (_, request, error) => {
      const server = await serving(script.text('ok'))
      const sidecar = createSidecar({
        agent: asking(request),
        use: [withBudget({ usd: 100, prices: fixed })],
        claude: { apiKey: 'key', baseURL: server.url },
      })
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(error)
      expect(server.requests).toHaveLength(0)
      expect(amounts(sidecar.budget.nanoUsd)).toMatchObject({ spent: 0, held: 0 })
    })

    it('no layer inside it may replace the request, and none may raise max_tokens', async () => {
      const rewriting = defineMiddleware({ name: 'withRewrite', rewrites: true }, (_, next) => next())
      expect(() => createSidecar({ agent: asking(), use: [withBudget({ usd: 1 }), rewriting] })).toThrow(StackOrderError)
      const raising = defineMiddleware({ name: 'withMore', on: ['model'] }, async (ctx, next) => {
        ctx.narrow({ maxTokens: 2000 })
        await next()
      })
      const mock = answering()
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: 1, prices: fixed }), raising],
        claude: { upstream: mock.upstream },
      })
      await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_LAYER' })
      expect(mock.requests).toHaveLength(0)
      expect(amounts(sidecar.budget.nanoUsd)).toMatchObject({ spent: 0, held: 0 })
    })
  })

  describe('an opaque agent', () => {
    const opaque = { model: 'claude-priced', maxTokens: 100 }
    const mount = (send: (message: string) => Promise<unknown>, usd: WithBudgetOptions['usd'] = 1) => {
      const store = new MemoryLedgerStore()
      const sidecar = createSidecar({
        agent: { name: 'own-client', opaque, send },
        use: [withBudget({ usd, prices: priced, ledger: createLedger({ store }) })],
      })
      return { sidecar, store, nano: () => amounts(sidecar.budget.nanoUsd) }
    }
    const words = 'one two three four five six seven eight nine ten'

    it('is charged at send: message and reply, estimated', async () => {
      const { sidecar, store, nano } = mount(async () => words)
      await sidecar.send(words)
      const { entries } = store.history()
      const reserved = Number(entries.find(({ op }) => op === 'reserve')?.nanoUsd)
      expect(reserved).toBeGreaterThan(100 * 5000 + 10 * 1000)
      expect(nano().spent).toBeGreaterThanOrEqual(10 * 1000 + 10 * 5000)
      expect(nano().spent).toBeLessThan(reserved)
      expect(endings(store)).toEqual(['settle'])
      expect(sidecar.tokenUsage).toMatchObject({ certainty: 'estimated' })
    })

    it('is charged with the usage that it reports', async () => {
      const { sidecar, nano } = mount(async () => ({ text: 'ok', usage: { input_tokens: 50, output_tokens: 20 } }))
      await sidecar.send(words)
      expect(nano()).toMatchObject({ spent: 50 * 1000 + 20 * 5000, held: 0 })
    })

    it('is refused before it runs', async () => {
      let ran = 0
      const { sidecar } = mount(async () => ++ran, '0.0004')
      await expect(sidecar.send(words)).rejects.toBeInstanceOf(BudgetExceededError)
      expect(ran).toBe(0)
    })

    it('that fails is charged with all it may have used', async () => {
      const fault = new Error('own fault')
      const { sidecar, nano } = mount(() => Promise.reject(fault))
      await expect(sidecar.send(words)).rejects.toBe(fault)
      expect(nano().spent).toBeGreaterThanOrEqual(100 * 5000)
    })

    it('that ignores an abort keeps its hold until it ends', async () => {
      let end!: (reply: string) => void
      const { sidecar, nano } = mount(
        () =>
          new Promise(resolve => {
            end = resolve
          }),
      )
      const caller = new AbortController()
      const sent = sidecar.send(words, { signal: caller.signal })
      while (!end) await turns(1)
      caller.abort(new RangeError('enough'))
      await expect(sent).rejects.toThrow('enough')
      expect(nano().spent).toBe(0)
      expect(nano().held).toBeGreaterThan(100 * 5000)
      end('late')
      await turns()
      expect(nano().held).toBe(0)
      expect(nano().spent).toBeGreaterThanOrEqual(100 * 5000)
    })
  })

  describe('each attempt ends as exactly one of settled, released and unknown', () => {
    interface Exit {
      readonly mock: () => ReturnType<typeof mockModel>
      readonly stream?: boolean
      readonly ends: string
      readonly spent: [least: number, most: number]
      readonly held: number
    }
    const half = { text: 'x'.repeat(64), usage: { input_tokens: 3, output_tokens: 40 } }
    const exits: Record<string, Exit> = {
      done: { mock: () => mockModel().reply(answer), ends: 'settle', spent: [call, call], held: 0 },
      'done, streamed': { mock: () => mockModel().reply(answer), stream: true, ends: 'settle', spent: [call, call], held: 0 },
      'done with less': { mock: () => mockModel().reply(half), ends: 'settle', spent: [call / 25, call / 25], held: 0 },
      '400': { mock: () => mockModel().fail({ status: 400 }), ends: 'settle', spent: [0, 0], held: 0 },
      '429': { mock: () => mockModel().fail({ status: 429 }), ends: 'settle', spent: [0, 0], held: 0 },
      '529': { mock: () => mockModel().fail({ status: 529 }), ends: 'settle', spent: [0, 0], held: 0 },
      'no connection': { mock: () => mockModel().disconnect({ code: 'ECONNREFUSED' }), ends: 'settle', spent: [0, 0], held: 0 },
      '500: the answer may be lost': { mock: () => mockModel().fail({ status: 500 }), ends: 'unknown', spent: [0, 0], held: call },
      'a reset before the answer': {
        mock: () => mockModel().disconnect({ code: 'ECONNRESET' }),
        ends: 'unknown',
        spent: [0, 0],
        held: call,
      },
      'a reset within the answer': {
        mock: () => mockModel().disconnect({ after: 4, reply: half }),
        stream: true,
        ends: 'settle',
        spent: [1, call],
        held: 0,
      },
      'a stream without an end': {
        mock: () => mockModel().cut({ after: 4, reply: half }),
        stream: true,
        ends: 'settle',
        spent: [1, call],
        held: 0,
      },
      'an error in the stream': {
        mock: () => mockModel().sseError({ after: 4, reply: half }),
        stream: true,
        ends: 'settle',
        spent: [1, call],
        held: 0,
      },
    }

    it.each(Object.entries(exits))('%s', async (_, { mock, stream, ends, spent, held }) => {
      const { sidecar, store, nano } = mounted({ usd: 1 }, { mock: mock(), agent: stream ? streaming() : asking() })
      await sidecar.send('go').catch(() => {})
      expect(endings(store)).toEqual([ends])
      expect(nano().spent).toBeGreaterThanOrEqual(spent[0])
      expect(nano().spent).toBeLessThanOrEqual(spent[1])
      expect(nano().held).toBe(held)
    })

    const aborted = async (stream: boolean, mock: ReturnType<typeof mockModel>) => {
      const mount = mounted({ usd: 1 }, { mock, agent: stream ? streaming() : asking() })
      const caller = new AbortController()
      const reason = new RangeError('enough')
      const sent = mount.sidecar.send('go', { signal: caller.signal })
      await turns()
      caller.abort(reason)
      await expect(sent).rejects.toBe(reason)
      await turns()
      return mount
    }

    it('an abort before the first byte: all of the hold, and none of it is given back', async () => {
      const { store, nano } = await aborted(false, mockModel().hang())
      expect(endings(store)).toEqual(['settle'])
      expect(nano()).toMatchObject({ spent: call, held: 0 })
    })

    it('an abort within the stream: what was seen, and a margin', async () => {
      const { store, nano } = await aborted(true, mockModel().hang({ after: 4, reply: half }))
      expect(endings(store)).toEqual(['settle'])
      expect(nano().spent).toBeGreaterThan(0)
      expect(nano().held).toBe(0)
    })

    it('an abort before the call: nothing is reserved, nothing leaves (R08)', async () => {
      const { sidecar, store, mock } = mounted({ usd: 1 })
      await expect(sidecar.send('go', { signal: AbortSignal.abort(new RangeError('enough')) })).rejects.toThrow('enough')
      expect(store.history().entries.map(({ op }) => op)).toEqual(['open'])
      expect(mock.requests).toHaveLength(0)
    })

    it('an abort in a queue inside it: released', async () => {
      const store = new MemoryLedgerStore()
      const queue = defineMiddleware({ name: 'withQueue', on: ['model'] }, async (ctx, next) => {
        await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
        await next()
      })
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: 1, prices: fixed, ledger: createLedger({ store }) }), queue],
        claude: { upstream: answering().upstream },
      })
      const caller = new AbortController()
      const sent = sidecar.send('go', { signal: caller.signal })
      await turns()
      expect(amounts(sidecar.budget.nanoUsd).held).toBe(call)
      caller.abort(new RangeError('enough'))
      await expect(sent).rejects.toThrow('enough')
      await turns()
      expect(endings(store)).toEqual(['release'])
      expect(amounts(sidecar.budget.nanoUsd)).toMatchObject({ spent: 0, held: 0 })
    })

    it('an abort in back-off: the attempt before it is settled, no other is begun', async () => {
      const { sidecar, store, mock, clock } = mounted({ usd: 1 }, { mock: mockModel().fail({ status: 529 }), layers: 'retry' })
      const caller = new AbortController()
      const sent = sidecar.send('go', { signal: caller.signal })
      while (clock.pending === 0) await turns(1)
      caller.abort(new RangeError('enough'))
      await expect(sent).rejects.toThrow('enough')
      expect(endings(store)).toEqual(['settle'])
      expect(mock.requests).toHaveLength(1)
    })

    it('a refusal by a layer inside it: released', async () => {
      const store = new MemoryLedgerStore()
      const inner = defineMiddleware({ name: 'withRefusal', on: ['model'] }, async () => {
        throw new RangeError('no')
      })
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: 1, prices: fixed, ledger: createLedger({ store }) }), inner],
        claude: { upstream: answering().upstream },
      })
      await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_LAYER' })
      expect(endings(store)).toEqual(['release'])
      expect(amounts(sidecar.budget.nanoUsd).held).toBe(0)
    })

    it('a thinking model that is cut may have used all of its hold (B44)', async () => {
      const { sidecar, nano } = mounted(
        { usd: 1 },
        { mock: mockModel().cut({ after: 4, reply: half }), agent: streaming({ thinking: { type: 'enabled', budget_tokens: 900 } }) },
      )
      await sidecar.send('go').catch(() => {})
      expect(nano().spent).toBe(call)
    })

    it('a client time-out of ten minutes is charged in full (B47)', async () => {
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] })
      try {
        const { sidecar, nano } = mounted({ usd: 1 }, { mock: mockModel().hang() })
        const sent = sidecar.send('go')
        const failed = expect(sent).rejects.toThrow(/timed out/)
        await turns()
        jest.advanceTimersByTime(600_000)
        await failed
        expect(nano()).toMatchObject({ spent: call, held: 0 })
      } finally {
        jest.useRealTimers()
      }
    })

    it('three attempts are three entries, one for each wire request (B48), inside the retries of the SDK', async () => {
      const mock = mockModel().fail({ status: 529 }).fail({ status: 529 }).reply(answer)
      const { sidecar, store, clock, nano } = mounted({ usd: 1 }, { mock, layers: 'retry' })
      const sent = sidecar.send('go')
      await turns()
      await clock.run()
      expect(await sent).toBe(1000)
      const reserved = store.history().entries.filter(({ op }) => op === 'reserve')
      expect(mock.requests).toHaveLength(3)
      expect(new Set(reserved.map(({ id }) => id)).size).toBe(3)
      expect(endings(store)).toEqual(['settle', 'settle', 'settle'])
      expect(nano()).toMatchObject({ spent: call, held: 0 })
    })

    it('a retry that succeeds adds to the cost of the attempt before it (B49)', async () => {
      const mock = mockModel().sseError({ after: 1 }).reply(answer)
      const { sidecar, clock, nano } = mounted({ usd: 1 }, { mock, agent: streaming(), layers: 'retry' })
      const called = sidecar.call('go')
      await turns()
      await clock.run()
      const { nanoUsd, attempts, reply } = await called
      expect(reply).toBe(1000)
      const costs = attempts.map(attempt => attempt.nanoUsd!)
      expect(costs[0]).toBeGreaterThan(0)
      expect(costs[1]).toBe(call)
      expect(nanoUsd).toBe(costs[0]! + costs[1]!)
      expect(nano().spent).toBe(nanoUsd)
    })

    it('usage beyond the hold is recorded in full and flagged (B04)', async () => {
      const mock = mockModel().reply({ text: 'more', usage: { input_tokens: 3, output_tokens: 2000 } })
      const { sidecar, store, nano } = mounted({ usd: '0.1' }, { mock })
      await sidecar.send('go')
      expect(nano()).toMatchObject({ spent: 2 * call, remaining: -call })
      expect(store.history().entries.find(({ op }) => op === 'settle')).toMatchObject({ overran: true })
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
    })

    it.each([
      ['missing', undefined],
      ['negative', { input_tokens: 3, output_tokens: -1000 }],
      ['a fraction', { input_tokens: 3, output_tokens: 0.5 }],
      ['beyond reason', { input_tokens: 3, output_tokens: 1e308 }],
      ['text', { input_tokens: 3, output_tokens: '12' }],
      ['null', { input_tokens: null, output_tokens: null }],
    ])('usage that is %s is no refill: the hold stays (B37)', async (_, usage) => {
      const body = JSON.stringify({
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude-fixed',
        content: [],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage,
      })
      const upstream: Upstream = async () => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: (async function* () {
          yield body
        })(),
      })
      const sidecar = createSidecar({ agent: asking(), use: [withBudget({ usd: 1, prices: fixed })], claude: { upstream } })
      await sidecar.send('go').catch(() => {})
      expect(amounts(sidecar.budget.nanoUsd)).toMatchObject({ spent: 0, held: call })
    })

    it('output_tokens: 0 is 0 (B38)', async () => {
      const { sidecar, nano } = mounted({ usd: 1 }, { mock: mockModel().reply({ text: '', usage: { input_tokens: 3, output_tokens: 0 } }) })
      await sidecar.send('go')
      expect(nano()).toMatchObject({ spent: 0, held: 0 })
    })

    it('every call of a tool loop reserves (B55)', async () => {
      const agent = {
        name: 'loop',
        send: async (_: string, { claude }: Parameters<NonNullable<ReturnType<typeof asking>['send']>>[1]) => {
          for (let i = 0; i < 200; i++)
            await claude.messages.create({ model: 'claude-fixed', max_tokens: 1000, messages: [{ role: 'user', content: 'hello' }] })
          return 200
        },
      }
      const { sidecar, mock, nano } = mounted({ usd: '0.75' }, { agent })
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(mock.requests).toHaveLength(7)
      expect(nano().spent).toBe(7 * call)
    })
  })

  describe('books that cannot be read or written', () => {
    const slow = (mock = answering()) => {
      const memory = new MemoryLedgerStore()
      const { store, down } = slowStore(memory)
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: '0.35', prices: fixed, ledger: createLedger({ store }) })],
        claude: { upstream: mock.upstream },
      })
      return { sidecar, memory, down, mock }
    }

    it('that answer later hold the cap as well', async () => {
      const { sidecar, mock, memory } = slow()
      const all = await Promise.allSettled(Array.from({ length: 20 }, () => sidecar.send('go')))
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      expect(mock.requests).toHaveLength(3)
      expect(memory.accounts()[0]!.nanoUsd.spent).toBe(3 * call)
    })

    it('that answer later clamp to what is left', async () => {
      const { store } = slowStore()
      const mock = mockModel({ otherwise: ({ request }) => ({ text: 'cut', usage: { output_tokens: Number(request.max_tokens) } }) })
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: '0.15', prices: fixed, whenShort: 'clamp', ledger: createLedger({ store }) })],
        claude: { upstream: mock.upstream },
      })
      expect((await Promise.all([sidecar.send('go'), sidecar.send('go')])).sort()).toEqual([1000, 500])
    })

    it('admit nothing (B09)', async () => {
      const { sidecar, down, mock } = slow()
      down.add('reserve')
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(LedgerUnavailableError)
      expect(mock.requests).toHaveLength(0)
      down.clear()
      expect(await sidecar.send('go')).toBe(1000)
    })

    it('admit nothing while they cannot be opened', async () => {
      const { sidecar, down, mock } = slow()
      down.add('openAccount')
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(LedgerUnavailableError)
      expect(mock.requests).toHaveLength(0)
    })

    it('keep the hold of an answer that could not be settled, stop the sidecar, and go on after resume() (B10)', async () => {
      const { sidecar, memory, down, mock } = slow()
      down.add('settle')
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(LedgerUnavailableError)
      expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: 0, held: call })
      down.clear()
      await expect(sidecar.send('go')).rejects.toThrow()
      expect(mock.requests).toHaveLength(1)
      sidecar.resume()
      expect(await sidecar.send('go')).toBe(1000)
      expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: call, held: call })
    })

    it('whose account another process has taken over refuse to settle: the hold stays', async () => {
      const store = new MemoryLedgerStore()
      const ledger = createLedger({ store })
      const account = ledger.account({ id: 'a', nanoUsd: dollar, tokens: 'unlimited', fence: 1 })
      const mock = mockModel()
      const { sidecar, nano } = mounted({ account }, { mock })
      const sent = sidecar.send('go')
      const pending = await mock.next()
      store.openAccount({ id: 'a', nanoUsd: dollar, tokens: 'unlimited', fence: 2 })
      pending.reply(answer)
      await expect(sent).rejects.toThrow(/fenced/)
      expect(nano()).toMatchObject({ spent: 0, held: call })
    })

    it('that were opened with another cap say so at the first call', async () => {
      const memory = new MemoryLedgerStore()
      memory.openAccount({ id: 'team', nanoUsd: 1, tokens: 'unlimited' })
      const { store } = slowStore(memory)
      const sidecar = createSidecar({
        agent: asking(),
        use: [withBudget({ usd: 1, account: 'team', prices: fixed, ledger: createLedger({ store }) })],
        claude: { upstream: answering().upstream },
      })
      const error = await sidecar.send('go').catch((caught: unknown) => caught)
      expect(isOutriggerError(error, 'ERR_CONFIG')).toBe(true)
    })
  })

  it('never loses what was spent: spent and held are at least the bill, whatever happens', async () => {
    const model = 'claude-haiku-4-5'
    const request = { model, max_tokens: 200, messages: [{ role: 'user' as const, content: 'How far is it? '.repeat(3) }] }
    const faults = ['none', '400', '429', '529', '500', 'reset', 'cut', 'sse', 'resetWithin', 'refused', 'hang'] as const
    const step = fc.record({
      fault: fc.constantFrom(...faults),
      after: fc.nat(8),
      generated: fc.double({ min: 0, max: 1, noNaN: true }),
      stream: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
        const mock = mockModel()
        const clock = new VirtualClock()
        const store = new MemoryLedgerStore()
        const plain = asking(request)
        const streamed = streaming(request)
        const sends = { asking: plain.send!, streaming: streamed.send! }
        let next: keyof typeof sends = 'asking'
        const sidecar = createSidecar({
          agent: { name: 'mixed', send: (message: string, io) => sends[next](message, io) },
          use: [withRetry({ attempts: 2, random: () => 0 }), withBudget({ usd: 1, ledger: createLedger({ store }) })],
          claude: { upstream: mock.upstream },
          clock,
        })
        let billed = 0n
        let wire = 0
        for (const { fault, after, generated, stream } of steps) {
          next = stream ? 'streaming' : 'asking'
          const caller = new AbortController()
          const sent = sidecar.send('go', { signal: caller.signal }).catch(() => {})
          const pending = await mock.next()
          wire++
          const { nanoUsd, usage, tokens } = bill(pending.request, { generated })
          const text = 'word '.repeat(Math.floor(usage.output_tokens / 2))
          const reply = { text, usage: { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens } }
          expect(tokens).toBe(usage.input_tokens + usage.output_tokens)
          // An overload as the very first event is a 529 that came after the head: nothing was generated.
          const free = ['400', '429', '529', 'refused'].includes(fault) || (fault === 'sse' && stream && after === 0)
          if (!free) billed += nanoUsd
          if (fault === 'none') pending.reply(reply)
          else if (fault === 'reset') pending.disconnect()
          else if (fault === 'refused') pending.disconnect({ code: 'ECONNREFUSED' })
          else if (fault === 'resetWithin') pending.disconnect({ after, reply })
          else if (fault === 'cut') pending.cut({ after, reply })
          else if (fault === 'sse' && stream) pending.sseError({ after, reply })
          else if (fault === 'hang' || fault === 'sse') {
            pending.hang({ after, reply })
            await turns(2)
            caller.abort()
          } else pending.fail({ status: Number(fault) })
          await turns(2)
          caller.abort()
          await sent
          await turns(2)
        }
        const { spent, held } = store.accounts()[0]!.nanoUsd
        expect(BigInt(spent + held)).toBeGreaterThanOrEqual(billed)
        expect(mock.requests).toHaveLength(wire)
        expect(store.history().entries.filter(({ op }) => op === 'reserve')).toHaveLength(wire)
        expect(endings(store)).toHaveLength(wire)
      }),
      { numRuns: 200 },
    )
  })
})
