import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createLedger, type Hold } from '../../lib/ledger/index.js'
import { sqliteStore } from '../../lib/ledger/sqlite/index.js'
import { ask, bareClient, until } from '../seam/mounts.js'
import { compiled } from '../support/compiled.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'

const token = 'outrigger-of-this-test'
const running = new Set<ChildProcess>()
let folder: string
let up: MessagesServer

beforeAll(() => {
  folder = compiled({ program: join(__dirname, 'killed-program.ts') })
})
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  return up.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A companion in a process of its own, on the books of its folder. */
async function started(upstream: string): Promise<{ readonly baseURL: string; kill(): Promise<void>; end(): Promise<void> }> {
  const given = ['--disable-warning=OUTRIGGER_OLD_SQLITE', join(folder, 'program.js'), join(folder, 'books.sqlite'), upstream, token]
  const child = spawn(process.execPath, given, { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  const closed = once(child, 'close').finally(() => running.delete(child))
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return {
    baseURL: line.trim(),
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
    end: async () => {
      child.stdin.end()
      await closed
    },
  }
}

const books = async () => createLedger({ store: await sqliteStore({ path: join(folder, 'books.sqlite') }) })

async function read(): Promise<{
  readonly holds: readonly Hold[]
  readonly spent: number
  readonly held: number
  readonly remaining: unknown
}> {
  const ledger = await books()
  const holds = await ledger.holds()
  const { spent, held, remaining } = (await ledger.store.read('scribe'))!.nanoUsd
  await ledger.close()
  return { holds, spent, held, remaining }
}

describe('a companion that is killed', () => {
  it('leaves its holds, each in full; the next one finds them, serves on, and a person decides them', async () => {
    up = await startServer([script.text('one'), script.stall(5), script.silent(), script.text('four'), script.text('five')])
    const first = await started(up.url)
    const client = bareClient(first.baseURL, { apiKey: token, maxRetries: 0 })
    await client.messages.create(ask)
    const paid = (await read()).spent
    expect(paid).toBeGreaterThan(0)

    // Two are under way: one whose answer has begun, one without.
    let begun = false
    const stream = (async () => {
      for await (const event of await client.messages.create({ ...ask, stream: true })) begun ||= event.type === 'content_block_delta'
    })().catch(error => error)
    await until(() => begun, 'the first delta')
    const answer = client.messages.create(ask).catch(error => error)
    await until(() => up.requests.length === 3, 'both requests')
    await first.kill()
    expect([await stream, await answer]).toMatchObject([{ message: expect.any(String) }, { message: expect.any(String) }])
    await until(() => up.openSockets === 0, 'the end of what it had sent')

    const left = await read()
    expect(left.holds).toHaveLength(2)
    expect(left).toMatchObject({ spent: paid, held: left.holds.reduce((sum, { reserved }) => sum + reserved.nanoUsd, 0) })
    expect(left.remaining).toBe(1_000_000_000 - left.spent - left.held)

    const second = await started(up.url)
    const next = bareClient(second.baseURL, { apiKey: token, maxRetries: 0 })
    await next.messages.create(ask)
    const after = await read()
    expect(after.holds).toEqual(left.holds)
    expect(after.held).toBe(left.held)
    expect(after.spent).toBeGreaterThan(paid)

    // Nobody but a person knows that the first process is gone, and what the provider billed.
    const ledger = await books()
    const [one, two] = left.holds
    for (const { id } of left.holds) expect(await ledger.markUnknown({ id })).toMatchObject({ ok: true })
    expect(await ledger.holds({ state: 'unknown' })).toHaveLength(2)
    expect(await ledger.reconcile({ id: one!.id, decision: 'settle', nanoUsd: 500, tokens: 10 })).toMatchObject({ ok: true })
    expect(await ledger.reconcile({ id: two!.id, decision: 'release' })).toMatchObject({ ok: true })
    await ledger.close()
    await next.messages.create(ask)
    await second.end()
    const end = await read()
    expect([end.holds, end.held]).toEqual([[], 0])
    expect(end.spent).toBeGreaterThan(after.spent + 500)
  })
})
