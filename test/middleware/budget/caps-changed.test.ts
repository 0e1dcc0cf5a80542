import fc from 'fast-check'
import { createSidecar, type SidecarEvent } from 'outrigger'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { asking, fixed, turns } from '../stack.js'

const dollar = 1_000_000_000
const call = dollar / 10

/** A sidecar with $1 whose calls cost $0.10 and take 100 ms. */
function mounted(mode: 'hard' | 'soft' | 'warn') {
  const clock = new VirtualClock()
  const store = new MemoryLedgerStore({ clock })
  const usage = { input_tokens: 0, output_tokens: 1000 }
  const { upstream, requests } = mockModel({ clock, otherwise: () => ({ text: 'ok', usage, delayMs: 100 }) })
  const layer = withBudget({ usd: 1, mode, account: 'a', ledger: createLedger({ store }), prices: fixed })
  const sidecar = createSidecar({ agent: asking(), use: [layer], claude: { upstream }, clock })
  const events: SidecarEvent[] = []
  sidecar.subscribe(event => events.push(event))
  const send = () =>
    sidecar.send('go').then(
      () => 'done',
      error => error.code,
    )
  let change = 0
  const cap = (nanoUsd: number) => store.adjust('a', { id: `change-${++change}`, nanoUsd })
  return { clock, store, send, cap, events, requests, now: () => store.read('a')!.nanoUsd }
}

describe('a cap that is changed while calls are in flight', () => {
  it.each(['hard', 'soft', 'warn'] as const)('below what is held, in %s: they end and are charged', async mode => {
    const { clock, send, cap, now, requests } = mounted(mode)
    const all = [send(), send(), send(), send()]
    await turns()
    expect(cap(2 * call)).toMatchObject({ ok: true, reading: { nanoUsd: { held: 4 * call, remaining: -2 * call, available: 0 } } })
    const late = send()
    await turns()
    expect(requests).toHaveLength(mode === 'hard' ? 4 : 5)
    await clock.run()
    expect(await Promise.all(all)).toEqual(['done', 'done', 'done', 'done'])
    expect(await late).toBe(mode === 'hard' ? 'ERR_BUDGET' : 'done')
    expect(now()).toMatchObject({ held: 0, spent: mode === 'hard' ? 4 * call : 5 * call, allocated: 2 * call })
  })

  it.each([
    ['hard', 1, 0],
    ['soft', 1, 1],
    ['warn', 0, 0],
  ] as const)('is told in %s of what no longer fits', async (mode, refused, violations) => {
    const { clock, send, cap, events } = mounted(mode)
    const first = send()
    await turns()
    cap(0)
    const late = send()
    await clock.run()
    await Promise.all([first, late])
    expect(events.filter(({ type }) => type === 'budget.refused')).toHaveLength(refused)
    expect(events.filter(({ type }) => type === 'violation')).toHaveLength(violations)
  })

  it('to more lets the next call pass', async () => {
    const { clock, send, cap, now } = mounted('hard')
    cap(call)
    const first = send()
    await turns()
    expect(await send()).toBe('ERR_BUDGET')
    cap(2 * call)
    const second = send()
    await clock.run()
    expect([await first, await second]).toEqual(['done', 'done'])
    expect(now()).toMatchObject({ spent: 2 * call, remaining: 0 })
  })

  it('never lets a hard budget admit what does not fit the cap of that moment', async () => {
    const steps = fc.array(fc.oneof(fc.constant('send' as const), fc.constant('wait' as const), fc.nat(12)), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(steps, async script => {
        const { clock, send, cap, now, requests } = mounted('hard')
        const sent: Promise<unknown>[] = []
        let [allowed, begun] = [10, 0]
        for (const step of script) {
          if (step === 'wait') await clock.advance(100)
          else if (step === 'send') {
            sent.push(send())
            if (begun < allowed) begun++
          } else {
            allowed = step
            cap(allowed * call)
          }
          await turns()
          expect(requests).toHaveLength(begun)
          expect(now().spent + now().held).toBe(begun * call)
        }
        await clock.run()
        await Promise.all(sent)
        expect(now()).toMatchObject({ held: 0, spent: begun * call, allocated: allowed * call })
      }),
      { numRuns: 20 },
    )
  })
})
