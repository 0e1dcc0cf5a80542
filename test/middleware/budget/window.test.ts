import fc from 'fast-check'
import { BudgetExceededError, createSidecar, type SidecarEvent } from 'outrigger'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget, type WithBudgetOptions } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { spanAt } from '../../../middleware/budget/window.js'
import { asking, fixed, turns } from '../stack.js'

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
    ['a word', { window: 'week' }, /window must be 'hour', 'day' or 'month', got week/],
    ['null', { window: null }, /window must be/],
    ['another object', { window: { rolling: 1 } }, /window must be/],
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
