import fc from 'fast-check'
import { BudgetExceededError, createSidecar, type SidecarEvent } from 'outrigger'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget, type WithBudgetOptions } from 'outrigger/middleware'
import { mockModel } from 'outrigger/testing'
import { fixed, turns } from '../stack.js'

const dollar = 1_000_000_000
const call = dollar / 10
const request = { model: 'claude-fixed', max_tokens: 1000, messages: [{ role: 'user' as const, content: 'hello' }] }

/** A sidecar with tools: `slow` ends when told, `paying` makes one model call of $0.10. */
function mounted(options: Partial<WithBudgetOptions>) {
  const store = new MemoryLedgerStore()
  const mock = mockModel({ otherwise: () => ({ text: 'ok', usage: { input_tokens: 0, output_tokens: 1000 } }) })
  const ends: (() => void)[] = []
  let ran = 0
  const sidecar = createSidecar({
    agent: {
      name: 'a',
      send: async (tool: string, { claude, tool: guard }) => {
        const run = async (_: object) => {
          ran++
          return claude.messages.create(request)
        }
        await guard({ name: tool, run }).run({})
      },
    },
    use: [withBudget({ usd: 10, account: 'a', ledger: createLedger({ store }), prices: fixed, ...options } as WithBudgetOptions)],
    claude: { upstream: mock.upstream },
  })
  const events: SidecarEvent[] = []
  sidecar.subscribe(event => events.push(event))
  const slow = sidecar.tool({ name: 'slow', run: (_: object) => new Promise<void>(resolve => ends.push(resolve)) })
  const fails = sidecar.tool({ name: 'fails', run: async (_: object) => Promise.reject(new Error('no')) })
  return { sidecar, store, mock, events, slow, fails, ends, ran: () => ran }
}

const outcome = async (work: () => unknown): Promise<unknown> => {
  try {
    await work()
    return 'done'
  } catch (error) {
    return error
  }
}

describe('quotas of tools', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['a list', [], /tools must be an object/],
    ['null', null, /tools must be an object/],
    ['a number', { x: 3 }, /tools\.x must be an object of calls, usd, concurrent/],
    ['nothing', { x: {} }, /tools\.x: give one of/],
    ['an unknown one', { x: { call: 1 } }, /unknown quota "call"/],
    ['calls undefined', { x: { calls: undefined } }, /tools\.x\.calls must be a whole number, got undefined/],
    ['calls -1', { x: { calls: -1 } }, /from 0, got -1/],
    ['concurrent NaN', { x: { concurrent: Number.NaN } }, /from 0, got NaN/],
    ['usd undefined', { x: { usd: undefined } }, /tools\.x\.usd must be a number/],
    ['usd NaN', { x: { usd: Number.NaN } }, /NaN is no amount/],
  ]
  it.each(bad)('refuse %s at once', (_, tools, message) => {
    expect(() => withBudget({ usd: 1, tools: tools as never })).toThrow(message)
  })

  it('let so many calls begin, however many come at once, and so many at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(6), fc.nat(6), fc.array(fc.boolean(), { minLength: 1, maxLength: 25 }), async (calls, concurrent, steps) => {
        const { slow, ends } = mounted({ tools: { slow: { calls, concurrent } } })
        const asked: Promise<unknown>[] = []
        let [begun, running] = [0, 0]
        for (const begins of steps) {
          if (begins) {
            asked.push(outcome(() => slow.run({})))
            if (begun < calls && running < concurrent) [begun, running] = [begun + 1, running + 1]
          } else if (ends.length > begun - running) {
            ends[begun - running]!()
            running--
          }
          await turns(2)
          expect(ends).toHaveLength(begun)
        }
        for (const end of ends) end()
        const refused = (await Promise.all(asked)).filter(end => end !== 'done')
        expect(refused).toHaveLength(asked.length - begun)
        for (const error of refused) expect(error).toBeInstanceOf(BudgetExceededError)
      }),
      { numRuns: 40 },
    )
  })

  it('are named by the error, with the facts', async () => {
    const { slow, ends, events } = mounted({ tools: { slow: { calls: 1, concurrent: 9 } } })
    const first = outcome(() => slow.run({}))
    const error = await outcome(() => slow.run({}))
    expect(error).toMatchObject({
      code: 'ERR_BUDGET',
      unit: 'calls',
      account: 'a/tool/slow',
      needed: 1,
      remaining: 0,
      allocated: 1,
      spent: 1,
    })
    expect(String(error)).toMatch(/budget of "a\/tool\/slow": this needs up to 1 calls, 0 calls of 1 calls is left; raise calls in tools/)
    expect(events).toContainEqual(expect.objectContaining({ type: 'budget.refused', unit: 'calls', needed: 1, remaining: 0 }))
    ends[0]!()
    expect(await first).toBe('done')
  })

  it('count a call that failed, and leave other tools alone', async () => {
    const { fails, slow, ends } = mounted({ tools: { fails: { calls: 1 } } })
    expect(String(await outcome(() => fails.run({})))).toMatch(/no/)
    expect(await outcome(() => fails.run({}))).toBeInstanceOf(BudgetExceededError)
    const other = outcome(() => slow.run({}))
    await turns()
    ends[0]!()
    expect(await other).toBe('done')
  })

  it('in dollars hold the model calls made inside the tool, at the tool and at the budget', async () => {
    const { sidecar, store, mock } = mounted({ tools: { paying: { usd: '0.35' } } })
    const all = await Promise.all(Array.from({ length: 8 }, () => outcome(() => sidecar.send('paying'))))
    expect(all.filter(end => end === 'done')).toHaveLength(3)
    expect(all.find(end => end !== 'done')).toMatchObject({ unit: 'nanoUsd', account: 'a/tool/paying', allocated: 0.35 * dollar })
    expect(mock.requests).toHaveLength(3)
    expect(store.read('a/tool/paying')!.nanoUsd).toMatchObject({ spent: 3 * call, held: 0 })
    expect(store.read('a')!.nanoUsd).toMatchObject({ spent: 3 * call, held: 0 })
    expect(await outcome(() => sidecar.send('free'))).toBe('done')
    expect(store.read('a')!.nanoUsd.spent).toBe(4 * call)
    expect(store.read('a/tool/paying')!.nanoUsd.spent).toBe(3 * call)
  })

  it('let a call above them go on in soft, recorded; in warn, untold', async () => {
    for (const mode of ['soft', 'warn'] as const) {
      const { sidecar, events, ran } = mounted({ mode, tools: { paying: { calls: 1 } } })
      expect([await outcome(() => sidecar.send('paying')), await outcome(() => sidecar.send('paying'))]).toEqual(['done', 'done'])
      expect(ran()).toBe(2)
      expect(events.filter(({ type }) => type === 'violation')).toHaveLength(mode === 'soft' ? 1 : 0)
    }
  })

  it('are shown', async () => {
    const { sidecar } = mounted({ tools: { paying: { calls: 2, usd: 1 } } })
    await sidecar.send('paying')
    expect(sidecar.snapshot().layers).toMatchObject({ withBudget: { tools: { paying: { calls: 1, running: 0 } } } })
  })
})
