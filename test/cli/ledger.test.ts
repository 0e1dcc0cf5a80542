import { parse } from 'csv-parse/sync'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from '../../lib/ledger/sqlite/index.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { runMain } from './run-main.js'

let folder: string
const later = new VirtualClock()
beforeAll(() => later.advance(3 * 3_600_000 + 5))
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-cli-ledger-'))
  const clock = new VirtualClock()
  const store = await sqliteStore({ path: join(folder, 'books.sqlite'), clock })
  await store.openAccount({ id: 'team', nanoUsd: 10_000_000_000, tokens: 'unlimited' })
  await store.delegate({ id: 'team' }, { id: 'task', nanoUsd: 2_000_000_000 })
  await store.reserve({ id: 'task' }, { id: 'call-1', nanoUsd: 500_000_000, tokens: 100, prices: '2026-11-20' })
  await store.settle({ id: 'task' }, { id: 'call-1', nanoUsd: 123_456_789, tokens: 42 })
  await store.reserve({ id: 'task' }, { id: 'lost', nanoUsd: 400_000_000, tokens: 10 })
  await store.markUnknown({ id: 'task' }, { id: 'lost' })
  await store.reserve({ id: 'task' }, { id: 'open, "quoted"', nanoUsd: 300_000_000, tokens: 10 })
  await store.close?.()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const ledger = (...args: readonly string[]) =>
  runMain(['ledger', ...args, ...(args.includes('--store') ? [] : ['--store', 'sqlite:books.sqlite'])], {
    cwd: folder,
    clock: later,
  })

describe('outrigger ledger', () => {
  it('show prints the tree with bars, and what is held', async () => {
    const { code, stdout, stderr } = await ledger('show')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      [
        'team  [####................] $0.00 spent, $2.00 set aside of $10.00: $8.00 left  42 tokens spent, 20 tokens held',
        '  task  [########............] $0.123456789 spent, $0.70 held of $2.00: $1.176543211 left  42 tokens spent, 20 tokens held',
        '2 held, 1 of them unknown; the oldest for 3 h',
        '',
      ].join('\n'),
    )
    const { accounts, holds } = JSON.parse((await ledger('show', '--json')).stdout)
    expect(accounts.map(({ id }: { id: string }) => id)).toEqual(['team', 'task'])
    expect(holds).toHaveLength(2)
  })

  it('history prints every change, or those that are wanted', async () => {
    const { stdout } = await ledger('history', '--account', 'task', '--after', '2', '--limit', '2')
    expect(stdout).toBe(
      [
        '     3  2026-01-01T00:00:00.000Z  reserve            task  call-1  $0.50, 100 tokens',
        '     4  2026-01-01T00:00:00.000Z  settle             task  call-1  $0.123456789, 42 tokens',
        '',
      ].join('\n'),
    )
    expect(JSON.parse((await ledger('history', '--json')).stdout).entries).toHaveLength(7)
  })

  it('export prints CSV that a reader of CSV takes, and JSON', async () => {
    const rows = parse((await ledger('export')).stdout, { columns: true }) as Record<string, string>[]
    expect(rows).toHaveLength(7)
    expect(rows[3]).toMatchObject({ seq: '4', op: 'settle', usd: '0.123456789', nanoUsd: '123456789', tokens: '42' })
    expect(rows[6]).toMatchObject({ id: 'open, "quoted"', usd: '0.30' })
    expect(rows[2]).toMatchObject({ prices: '2026-11-20' })
    const { entries } = JSON.parse((await ledger('export', '--format', 'json')).stdout)
    expect(entries[0]).toMatchObject({ op: 'open', usd: '10.00', nanoUsd: 10_000_000_000, tokens: 'unlimited' })
  })

  it('reconcile lists what is held, and decides what nobody will end', async () => {
    expect((await ledger('reconcile')).stdout).toBe(
      ['unknown     3 h  task  lost  at most $0.40, 10 tokens', 'held        3 h  task  open, "quoted"  at most $0.30, 10 tokens', ''].join(
        '\n',
      ),
    )
    expect(await ledger('reconcile', 'lost', '--settle', '0.15', '--tokens', '7')).toMatchObject({
      code: 0,
      stdout: 'settled: lost of task, $0.15, 7 tokens\n',
    })
    expect(await ledger('reconcile', 'lost', '--settle', '0.15', '--tokens', '7')).toMatchObject({ code: 0 })
    expect(await ledger('reconcile', 'lost', '--release')).toMatchObject({ code: 1, stderr: expect.stringContaining('settled already') })
    const held = 'open, "quoted"'
    expect(await ledger('reconcile', held, '--release')).toMatchObject({ code: 1, stderr: expect.stringContaining('--gone') })
    expect(await ledger('reconcile', held, '--release', '--gone')).toMatchObject({
      code: 0,
      stdout: `released: ${held} of task, $0.00, 0 tokens\n`,
    })
    expect((await ledger('reconcile')).stdout).toBe('nothing is held\n')
    expect((await ledger('show')).stdout).toContain('task  [##..................] $0.273456789 spent of $2.00: $1.726543211 left')
  })

  it.each<[string, readonly string[], string]>([
    ['books that are not there', ['show', '--store', 'sqlite:other.sqlite'], 'there are no books in other.sqlite'],
    ['another kind of store', ['show', '--store', 'redis:x'], 'not redis:'],
    ['a limit that is none', ['history', '--limit', 'many'], '--limit takes a whole number'],
    ['another format', ['export', '--format', 'xml'], '--format takes csv or json'],
    ['a decision without a hold', ['reconcile', '--release'], 'which hold is meant'],
    ['a hold without a decision', ['reconcile', 'lost'], 'say one of the two'],
    ['two decisions', ['reconcile', 'lost', '--release', '--settle', '1'], 'say one of the two'],
    ['dollars that are none', ['reconcile', 'lost', '--settle', '-1'], '--settle'],
  ])('refuses %s with a line that says what to write', async (_, args, says) => {
    const { code, stderr, stdout } = await ledger(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(says)
  })

  it('takes the books of the environment', async () => {
    expect(await runMain(['ledger', 'show'], { cwd: folder })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no books are named'),
    })
    const { code } = await runMain(['ledger', 'show'], { cwd: folder, env: { OUTRIGGER_LEDGER: 'books.sqlite' } })
    expect(code).toBe(0)
  })
})
