import fc from 'fast-check'
import { BudgetExceededError, createSidecar, type SidecarEvent } from 'outrigger'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget, type WithBudgetOptions } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { spanAt } from '../../../middleware/budget/window.js'
import { asking, fixed, slowStore, turns } from '../stack.js'

const dollar = 1_000_000_000
const call = dollar / 10
const hour = 3_600_000
const midnight = Date.UTC(2026, 0, 1)

/** A sidecar whose calls cost $0.10 and take `delayMs`; the clock begins at midnight of 1 January 2026. */
function mounted(options: Partial<WithBudgetOptions>, delayMs = 0) {
  const clock = new VirtualClock()
  const store = new MemoryLedgerStore({ clock })
  const usage = { input_tokens: 0, output_tokens: 1000 }
  const { upstream, requests } = mockModel({ clock, otherwise: () => ({ text: 'ok', usage, ...(delayMs ? { delayMs } : {}) }) })
  const ledger = createLedger({ store })
  const sidecar = createSidecar({
    agent: asking(),
    use: [withBudget({ usd: '0.30', account: 'a', ledger, prices: fixed, ...options } as WithBudgetOptions)],
    claude: { upstream },
    clock,
  })
  const events: SidecarEvent[] = []
  sidecar.subscribe(event => events.push(event))
  const send = () =>
    sidecar.send('go').then(
      () => 'done',
      error => error,
    )
  return { sidecar, clock, store, ledger, events, send, requests }
}

describe('the window of an instant', () => {
  it.each([
    ['hour', '2026-01-31T23:59:59.999Z', 'hour:2026-01-31T23', '2026-02-01T00:00:00.000Z'],
    ['day', '2026-01-31T23:59:59.999Z', 'day:2026-01-31', '2026-02-01T00:00:00.000Z'],
    ['day', '2024-02-29T00:00:00.000Z', 'day:2024-02-29', '2024-03-01T00:00:00.000Z'],
    ['month', '2026-12-31T12:00:00.000Z', 'month:2026-12', '2027-01-01T00:00:00.000Z'],
  ] as const)('%s of %s is %s', (window, at, identity, end) => {
    const span = spanAt(window, Date.parse(at))
    expect(span.identity).toBe(identity)
    expect(new Date(span.end!).toISOString()).toBe(end)
    expect(spanAt(window, span.end!).start).toBe(span.end)
    expect(spanAt(window, span.start)).toEqual(span)
  })

  it('follows the one before without a gap', () => {
    const instants = fc.integer({ min: 0, max: Date.UTC(2100, 0) })
    fc.assert(
      fc.property(instants, fc.constantFrom('hour', 'day', 'month'), (now, window) => {
        const { start, end, identity } = spanAt(window, now)
        expect(start <= now && now < end!).toBe(true)
        expect(spanAt(window, end! - 1).identity).toBe(identity)
        expect(spanAt(window, end!).identity).not.toBe(identity)
      }),
    )
  })
})

describe('a budget with a window', () => {
  const bad: readonly (readonly [string, object, RegExp])[] = [
    ['a word', { window: 'week' }, /window must be 'hour', 'day', 'month' or/],
    ['null', { window: null }, /window must be/],
    ['another object', { window: { rolling: 1 } }, /window must be/],
    ['0 ms', { window: { rollingMs: 0 } }, /whole number from 1, got 0/],
    ['no cap', { usd: 'unlimited', window: 'day' }, /window needs a cap/],
  ]
  it.each(bad)('refuses %s at once', (_, options, message) => {
    expect(() => withBudget({ usd: 1, ...options } as WithBudgetOptions)).toThrow(message)
  })

  it('refuses an account object, which is of one window', () => {
    const account = createLedger().account({ id: 'x', nanoUsd: 1, tokens: 1 })
    expect(() => withBudget({ account, window: 'day' })).toThrow(/is of one window/)
  })

  it('begins anew in each, in an account of its own whose identity is stored', async () => {
    const { send, clock, store, sidecar } = mounted({ window: 'day' })
    expect([await send(), await send(), await send()]).toEqual(['done', 'done', 'done'])
    expect(await send()).toMatchObject({ account: 'a/day:2026-01-01', remaining: 0 })
    expect(sidecar.budget.resetsAt).toBe(midnight + 24 * hour)
    await clock.advance(24 * hour - 1)
    expect(await send()).toBeInstanceOf(BudgetExceededError)
    await clock.advance(1)
    expect(sidecar.budget.nanoUsd).toMatchObject({ allocated: 3 * call, spent: 0 })
    expect(await send()).toBe('done')
    expect(store.accounts().map(({ id, window, nanoUsd }) => [id, window, nanoUsd.spent])).toEqual([
      ['a/day:2026-01-01', 'day:2026-01-01', 3 * call],
      ['a/day:2026-01-02', 'day:2026-01-02', call],
    ])
  })

  it('keeps 100 open holds in the one they were opened in (B18)', async () => {
    const { send, clock, store } = mounted({ window: 'hour', usd: 10 }, hour)
    await clock.advance(hour / 2)
    const all = Array.from({ length: 101 }, send)
    await turns()
    const [first, second] = ['a/hour:2026-01-01T00', 'a/hour:2026-01-01T01']
    expect(store.read(first!)!.nanoUsd).toMatchObject({ held: 100 * call, remaining: 0 })
    await clock.advance(hour / 2)
    const late = send()
    await turns()
    expect(store.read(first!)!.nanoUsd).toMatchObject({ held: 100 * call, spent: 0 })
    expect(store.read(second!)!.nanoUsd).toMatchObject({ held: call, spent: 0 })
    await clock.run()
    expect((await Promise.all(all)).filter(end => end === 'done')).toHaveLength(100)
    expect(await late).toBe('done')
    expect(store.read(first!)!.nanoUsd).toMatchObject({ held: 0, spent: 100 * call })
    expect(store.read(second!)!.nanoUsd).toMatchObject({ held: 0, spent: call })
  })

  it('tells its thresholds once in each', async () => {
    const { send, clock, events } = mounted({ window: 'hour', warnAt: [0.5] })
    for (let i = 0; i < 3; i++) await send()
    await clock.advance(hour)
    for (let i = 0; i < 3; i++) await send()
    expect(events.filter(({ type }) => type === 'budget.threshold')).toHaveLength(2)
  })

  it('finds its spend after a restart within the window', async () => {
    const { send, ledger, clock } = mounted({ window: 'day' })
    await send()
    const again = createSidecar({
      agent: asking(),
      use: [withBudget({ usd: '0.30', account: 'a', ledger, prices: fixed, window: 'day' })],
      claude: { upstream: mockModel().upstream },
      clock,
    })
    expect(again.budget.nanoUsd).toMatchObject({ spent: call, remaining: 2 * call })
  })

  it('does not bring a window back when the clock is set back', async () => {
    const { send, clock, sidecar, store } = mounted({ window: 'hour' })
    await clock.advance(hour)
    await send()
    clock.jump(-hour)
    expect(sidecar.budget.nanoUsd).toMatchObject({ spent: call })
    expect(await send()).toBe('done')
    expect(store.read('a/hour:2026-01-01T01')!.nanoUsd.spent).toBe(2 * call)
  })

  it('counts the calls of a tool within it', async () => {
    const { sidecar, clock } = mounted({ window: 'hour', tools: { look: { calls: 1 } } })
    const look = sidecar.tool({ name: 'look', run: async (_: object) => 'seen' })
    await look.run({})
    await expect((async () => look.run({}))()).rejects.toMatchObject({ unit: 'calls' })
    await clock.advance(hour)
    expect(await look.run({})).toBe('seen')
  })

  it('admits floor(cap / cost) in each, whatever comes when', async () => {
    const gaps = fc.array(fc.constantFrom(0, 1, hour / 3, hour - 1, hour, 5 * hour), { minLength: 1, maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(gaps, async steps => {
        const { send, clock } = mounted({ window: 'hour' })
        const admitted = new Map<number, number>()
        for (const gap of steps) {
          await clock.advance(gap)
          const window = Math.floor(clock.now() / hour)
          const before = admitted.get(window) ?? 0
          expect((await send()) === 'done').toBe(before < 3)
          if (before < 3) admitted.set(window, before + 1)
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('a budget with a window that slides', () => {
  it('gives back what was spent, that long after', async () => {
    const { send, clock, sidecar, store } = mounted({ window: { rollingMs: hour } })
    expect(await send()).toBe('done')
    await clock.advance(hour / 2)
    expect([await send(), await send()]).toEqual(['done', 'done'])
    expect(await send()).toBeInstanceOf(BudgetExceededError)
    await clock.advance(hour / 2 - 1)
    expect(await send()).toBeInstanceOf(BudgetExceededError)
    await clock.advance(1)
    expect(sidecar.budget.nanoUsd).toMatchObject({ allocated: 3 * call, spent: 2 * call, remaining: call })
    expect([await send(), await send()]).toEqual(['done', expect.any(BudgetExceededError)])
    expect(store.accounts()).toMatchObject([
      { id: 'a/rolling:3600000', window: 'rolling:3600000', nanoUsd: { allocated: 4 * call, spent: 4 * call } },
    ])
    expect(sidecar.budget.resetsAt).toBeUndefined()
  })

  it('never lets more than the cap settle in a stretch of its length, and wastes nothing (calls of any length, books at once or later)', async () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 30 }), sends: fc.nat(3) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        async (steps, delayMs, later) => {
          const clock = new VirtualClock()
          const memory = new MemoryLedgerStore({ clock })
          const ledger = createLedger({ store: later ? slowStore(memory).store : memory })
          const usage = { input_tokens: 0, output_tokens: 1000 }
          const { upstream } = mockModel({ clock, otherwise: () => ({ text: 'ok', usage, ...(delayMs ? { delayMs } : {}) }) })
          const layer = withBudget({ usd: '0.30', account: 'a', ledger, prices: fixed, window: { rollingMs: 60 } })
          const sidecar = createSidecar({ agent: asking(), use: [layer], claude: { upstream }, clock })
          const sent: Promise<unknown>[] = []
          const settling = () => turns(later ? 60 : 5)
          for (const { wait, sends } of steps) {
            await clock.advance(wait)
            for (let i = 0; i < sends; i++) sent.push(sidecar.send('go').catch(() => {}))
            await settling()
          }
          await clock.advance(40)
          await settling()
          await Promise.all(sent)
          const settled = memory.history().entries.filter(({ op }) => op === 'settle')
          for (const { at } of settled) {
            const inside = settled.filter(entry => entry.at >= at && entry.at < at + 60)
            expect(inside.length).toBeLessThanOrEqual(3)
          }
          await clock.advance(60)
          for (let i = 0; i < 3; i++) {
            const answer = sidecar.send('go')
            await settling()
            await clock.advance(40)
            await settling()
            expect(await answer).toBe(1000)
          }
        },
      ),
      { numRuns: 15 },
    )
  })

  it('is exact for two that share the account, and each is given back once', async () => {
    const { ledger, clock, store, send } = mounted({ window: { rollingMs: hour } })
    const options = { usd: '0.30', account: 'a', ledger, prices: fixed, window: { rollingMs: hour } } as const
    const upstream = mockModel({ otherwise: () => ({ text: 'ok', usage: { output_tokens: 1000 } }) }).upstream
    const other = createSidecar({ agent: asking(), use: [withBudget(options)], claude: { upstream }, clock })
    for (let round = 1; round <= 3; round++) {
      const all = await Promise.allSettled([0, 1, 2, 3].flatMap(() => [send(), other.send('go')]))
      expect(all.filter(end => end.status === 'fulfilled' && (end.value === 'done' || end.value === 1000))).toHaveLength(3)
      expect(store.accounts()[0]!.nanoUsd).toMatchObject({ spent: 3 * round * call, remaining: 0 })
      await clock.advance(hour)
    }
  })

  it('counts what children spend: shared at once, of a part of its own from when the child ends', async () => {
    const { sidecar, clock, store } = mounted({ window: { rollingMs: hour }, usd: 1 })
    const shared = await sidecar.io.spawn({ name: 's', agent: asking(), use: [] })
    const part = await sidecar.io.spawn({ name: 'p', agent: asking(), use: [], budget: { usd: '0.20' } })
    await shared.send('go')
    await part.send('go')
    await clock.advance(hour)
    expect(sidecar.budget.nanoUsd).toMatchObject({ spent: 0, delegated: 2 * call, remaining: 8 * call })
    await part.close()
    expect(sidecar.budget.nanoUsd).toMatchObject({ spent: call, delegated: 0, remaining: 9 * call })
    await clock.advance(hour)
    expect(sidecar.budget.nanoUsd).toMatchObject({ allocated: dollar, spent: 0, remaining: dollar })
    expect(store.read('a/rolling:3600000')!.nanoUsd).toMatchObject({ allocated: dollar + 2 * call, spent: 2 * call })
  })

  it('finds after a restart what is due', async () => {
    const { ledger, clock, send } = mounted({ window: { rollingMs: hour } })
    await send()
    await clock.advance(hour)
    await send()
    const options = { usd: '0.30', account: 'a', ledger, prices: fixed, window: { rollingMs: hour } } as const
    const again = createSidecar({ agent: asking(), use: [withBudget(options)], claude: { upstream: mockModel().upstream }, clock })
    expect(again.budget.nanoUsd).toMatchObject({ allocated: 3 * call, spent: call, remaining: 2 * call })
    await clock.advance(hour)
    expect(again.budget.nanoUsd).toMatchObject({ allocated: 3 * call, spent: 0, remaining: 3 * call })
  })
})
