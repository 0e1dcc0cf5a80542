import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSidecar } from 'outrigger'
import type { Upstream } from 'outrigger/claude'
import { type AccountSpec, createLedger, type Ledger } from 'outrigger/ledger'
import { sqliteStore } from 'outrigger/ledger/sqlite'
import { withBudget, withHealth } from 'outrigger/middleware'
import { type MockModel, mockModel, VirtualClock } from 'outrigger/testing'
import { asking, fixed, turns } from '../middleware/stack.js'

const dollar = 1_000_000_000
const call = dollar / 10
const answer = { text: 'done', usage: { input_tokens: 3, output_tokens: 1000 } }

let folder: string
const opened: Ledger[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-restart-'))
})
afterEach(async () => {
  for (const ledger of opened.splice(0)) await ledger.close()
  rmSync(folder, { recursive: true, force: true })
})

/** One process of the agent: books that it opened itself, on the file that all of them share. */
async function started({
  mock = mockModel({ otherwise: () => answer }) as Pick<MockModel, 'upstream' | 'requests'>,
  clock = new VirtualClock(),
  fence = 0,
} = {}) {
  const ledger = createLedger({ store: await sqliteStore({ path: join(folder, 'books.sqlite'), clock }) })
  opened.push(ledger)
  const spec: AccountSpec = { id: 'asking', nanoUsd: dollar / 2, tokens: 'unlimited', fence }
  const own = fence === 0 ? { usd: 0.5, account: 'asking', ledger } : { account: ledger.account(spec) }
  const sidecar = createSidecar({
    agent: asking(),
    use: [withHealth(), withBudget({ prices: fixed, ...own })],
    claude: { upstream: mock.upstream },
    clock,
  })
  return { sidecar, ledger, mock }
}

const dollars = async (ledger: Ledger) => {
  const [reading] = await ledger.accounts()
  return { spent: reading!.nanoUsd.spent, held: reading!.nanoUsd.held }
}

/** A model whose answers wait until they are let through. */
function waiting() {
  const mock = mockModel({ otherwise: () => answer })
  let resolve = () => {}
  const promise = new Promise<void>(done => (resolve = done))
  const upstream: Upstream = async (...asked) => {
    const response = await mock.upstream(...asked)
    await promise
    return response
  }
  return { mock: { ...mock, upstream, requests: mock.requests }, answers: resolve }
}

describe('an agent that is started again', () => {
  it('finds its spend as it was, and admits what is left and no more', async () => {
    const first = await started()
    for (let i = 0; i < 2; i++) await first.sidecar.send('hello')
    await first.ledger.close()

    const second = await started()
    const sends = await Promise.allSettled(Array.from({ length: 6 }, () => second.sidecar.send('hello')))
    expect(sends.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(second.mock.requests).toHaveLength(3)
    expect(await dollars(second.ledger)).toEqual({ spent: 5 * call, held: 0 })
    expect(second.sidecar.budget.nanoUsd).toMatchObject({ spent: 5 * call, remaining: 0 })
  })

  it('counts a call whose answer was lost in full until it is decided, and says so in its health', async () => {
    const first = await started({ mock: mockModel().disconnect() })
    await expect(first.sidecar.send('hello')).rejects.toThrow()
    await first.ledger.close()

    const second = await started()
    for (let i = 0; i < 4; i++) await second.sidecar.send('hello')
    await expect(second.sidecar.send('hello')).rejects.toMatchObject({ code: 'ERR_BUDGET' })
    second.sidecar.health()
    await turns()
    expect(second.sidecar.health().reasons.join()).toContain('unknown-hold: 1 holds')

    const [lost] = await second.ledger.holds({ state: 'unknown' })
    expect(await second.ledger.reconcile({ id: lost!.id, decision: 'release' })).toMatchObject({ ok: true })
    await second.sidecar.send('hello')
    expect(await dollars(second.ledger)).toEqual({ spent: 5 * call, held: 0 })
  })

  it('finds what a process held when it ended, and is degraded by its age', async () => {
    const { mock, answers } = waiting()
    const first = await started({ mock })
    const sent = first.sidecar.send('hello')
    await turns(40)
    expect(await dollars(first.ledger)).toEqual({ spent: 0, held: call })

    const clock = new VirtualClock()
    await clock.advance(16 * 60_000)
    const second = await started({ clock })
    await second.sidecar.send('hello')
    second.sidecar.health()
    await turns()
    expect(second.sidecar.health()).toMatchObject({ status: 'degraded', reasons: [expect.stringContaining('open for 16 minutes')] })

    answers()
    await sent
  })
})

describe('a process that was replaced', () => {
  it('neither settles what it held nor sends anything more', async () => {
    const { mock, answers } = waiting()
    const old = await started({ mock, fence: 1 })
    const sent = old.sidecar.send('hello')
    await turns(20)
    expect(mock.requests).toHaveLength(1)

    const next = await started({ fence: 2 })
    await next.sidecar.send('hello')
    answers()
    await expect(sent).rejects.toMatchObject({ code: 'ERR_LEDGER', message: expect.stringContaining('fenced') })
    expect(await dollars(next.ledger)).toEqual({ spent: call, held: call })
    expect(old.sidecar.health()).toMatchObject({ status: 'failing' })

    await expect(old.sidecar.send('hello')).rejects.toThrow(/is failing/)
    old.sidecar.resume()
    await expect(old.sidecar.send('hello')).rejects.toMatchObject({ code: 'ERR_LEDGER', message: expect.stringContaining('fenced') })
    expect(mock.requests).toHaveLength(1)

    const [left] = await next.ledger.holds()
    await next.ledger.markUnknown({ id: left!.id })
    await next.ledger.reconcile({ id: left!.id, decision: 'settle', nanoUsd: call, tokens: 1003 })
    expect(await dollars(next.ledger)).toEqual({ spent: 2 * call, held: 0 })
  })
})
