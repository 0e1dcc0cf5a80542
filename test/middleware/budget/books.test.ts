import { createSidecar, type SidecarEvent } from 'outrigger'
import { createLedger, type LedgerStore, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { asking, endings, fixed, slowStore, turns } from '../stack.js'

const call = 100_000_000
const answer = { text: 'done', usage: { input_tokens: 3, output_tokens: 1000 } }

/** Books whose operation `which` is done at once and answered by `answers`. */
function answering(memory: MemoryLedgerStore, which: string, answers: (done: () => unknown) => Promise<unknown>): LedgerStore {
  return new Proxy(memory as LedgerStore, {
    get(target, name) {
      if (name === 'synchronous') return false
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function') return member
      return async (...given: readonly unknown[]) =>
        name === which ? answers(() => member.apply(target, given)) : member.apply(target, given)
    },
  })
}

/** An operation that waits until `go` is called. */
function gate() {
  let go!: () => void
  const opened = new Promise<void>(resolve => {
    go = resolve
  })
  return { answers: (done: () => unknown) => opened.then(done), go }
}

function mounted(store: LedgerStore, agent: Parameters<typeof createSidecar>[0]['agent'] = asking()) {
  const clock = new VirtualClock()
  const mock = mockModel({ otherwise: () => answer })
  const ledger = createLedger({ store })
  const use = [withBudget({ usd: 1, prices: { ...fixed }, ledger })]
  const sidecar = createSidecar({ agent, use, claude: { upstream: mock.upstream }, clock } as never) as any
  const events: SidecarEvent[] = []
  sidecar.subscribe((event: SidecarEvent) => events.push(event))
  const told = () => events.flatMap(event => (event.type === 'layer.degraded' ? [event.error] : []))
  return { sidecar, mock, clock, told }
}

describe('a ledger that does not answer', () => {
  it('admits nothing: a reservation is given up after 5 seconds, and given back when it comes late', async () => {
    const memory = new MemoryLedgerStore()
    const { answers, go } = gate()
    const { sidecar, mock, clock } = mounted(answering(memory, 'reserve', answers))
    const sent = sidecar.send('go').catch((error: unknown) => error)
    await turns()
    await clock.advance(4_999)
    expect(clock.pending).toBeGreaterThan(0)
    await clock.advance(1)
    expect(await sent).toMatchObject({ code: 'ERR_LEDGER', message: 'the ledger did not reserve within 5 seconds' })
    go()
    await turns()
    expect(mock.requests).toHaveLength(0)
    expect(endings(memory)).toEqual(['release'])
    expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: 0, held: 0 })
  })

  it('withholds no answer that was paid for: it is told, and the hold counts until it is settled', async () => {
    const memory = new MemoryLedgerStore()
    const { answers, go } = gate()
    const { sidecar, clock, told } = mounted(answering(memory, 'settle', answers))
    const sent = sidecar.send('go')
    await turns()
    await clock.advance(5_000)
    expect(await sent).toBe(1000)
    expect(told()).toEqual([expect.stringMatching(/^the ledger did not settle within 5 seconds; the hold ".+" counts in full/)])
    expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: 0, held: call })
    go()
    await turns()
    expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: call, held: 0 })
  })

  it('leaves no timer behind where it answers', async () => {
    const { store } = slowStore()
    const { sidecar, clock } = mounted(store)
    await sidecar.send('go')
    expect(clock.pending).toBe(0)
  })
})

describe('a reservation whose answer is lost', () => {
  it('is given back: nothing was sent', async () => {
    const memory = new MemoryLedgerStore()
    const store = answering(memory, 'reserve', async done => {
      done()
      throw new Error('ETIMEDOUT')
    })
    const { sidecar, mock } = mounted(store)
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_LEDGER' })
    await turns()
    expect(mock.requests).toHaveLength(0)
    expect(endings(memory)).toEqual(['release'])
    expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: 0, held: 0 })
  })
})

describe('a reservation that fails', () => {
  it('is given back at once where the ledger answers at once', async () => {
    const memory = new MemoryLedgerStore()
    const store = new Proxy(memory as LedgerStore, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown
        if (typeof member !== 'function') return member
        return (...given: readonly unknown[]) => {
          const done = member.apply(target, given)
          if (name === 'reserve') throw new Error('SQLITE_BUSY')
          return done
        }
      },
    })
    const { sidecar, clock } = mounted(store)
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_LEDGER' })
    expect([endings(memory), memory.holds(), clock.pending]).toEqual([['release'], [], 0])
  })

  it('and comes into the books later all the same is given back then', async () => {
    const memory = new MemoryLedgerStore()
    let late: (() => unknown) | undefined
    const { sidecar, clock } = mounted(
      answering(memory, 'reserve', async done => {
        late ??= done
        throw new Error('ECONNRESET')
      }),
    )
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_LEDGER' })
    await turns()
    late!()
    await clock.advance(5_000)
    await turns()
    expect([endings(memory), memory.holds(), clock.pending]).toEqual([['release'], [], 0])
  })

  it('and cannot be given back is told', async () => {
    const memory = new MemoryLedgerStore()
    const failing = answering(memory, 'reserve', async done => {
      done()
      throw new Error('ECONNRESET')
    })
    const { sidecar, told } = mounted(answering(failing as never, 'release', () => Promise.reject(new Error('ECONNREFUSED'))))
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_LEDGER' })
    await turns()
    expect(memory.holds()).toHaveLength(1)
    expect(told()).toEqual([expect.stringMatching(/^the ledger could not release; the hold ".+" counts in full/)])
  })
})

describe('a cap that another process has set', () => {
  it('stops requests without a bound, also where the books answer later and without a reading', async () => {
    const memory = new MemoryLedgerStore()
    const { store } = slowStore(memory)
    const mock = mockModel({ otherwise: () => answer })
    const use = [withBudget({ usd: 'unlimited', account: 'team', prices: { ...fixed }, ledger: createLedger({ store }) })]
    const sidecar = createSidecar({ agent: asking({ brand_new_field: 1 }), use, claude: { upstream: mock.upstream } })
    await sidecar.send('go')
    memory.adjust('team', { id: 'cap', nanoUsd: call })
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_UNBOUNDED' })
    expect(mock.requests).toHaveLength(1)
  })
})

describe('a settle that fails when nobody waits for it any more', () => {
  it('is told, and its hold counts in full', async () => {
    const memory = new MemoryLedgerStore()
    const { store, down } = slowStore(memory)
    let end: ((reply: string) => void) | undefined
    const agent = {
      name: 'own-client',
      opaque: { model: 'claude-fixed', maxTokens: 1000 },
      send: () =>
        new Promise<string>(resolve => {
          end = resolve
        }),
    }
    const { sidecar, told } = mounted(store, agent as never)
    const caller = new AbortController()
    const sent = sidecar.send('go', { signal: caller.signal }).catch(() => {})
    while (!end) await turns(1)
    caller.abort(new RangeError('enough'))
    await sent
    down.add('settle')
    end('late')
    while (told().length === 0) await turns(1)
    expect(told()).toEqual([expect.stringMatching(/^the ledger could not settle; the hold ".+" counts in full until it is settled$/)])
    expect(memory.accounts()[0]!.nanoUsd).toMatchObject({ spent: 0, held: call })
  })
})
