import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { replay } from '../../lib/ledger/replay.js'
import { isOld, openDatabase } from '../../lib/ledger/sqlite/driver.js'
import { sqliteStore } from '../../lib/ledger/sqlite/index.js'
import type { LedgerStore } from '../../lib/ledger/types.js'
import { testStore } from '../../lib/testing/test-store.js'
import { runModel } from './model.js'
import { argv, canTrace, flawsOf, killedAfter, prepared, programIn, traced } from './sqlite-killed.js'

/** How many processes are killed at random points. */
const kills = 20

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-ledger-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const newPath = (): string => join(folder, `${files++}.sqlite`)
const newStore = (): Promise<LedgerStore> => sqliteStore({ path: newPath() })

describe('sqliteStore keeps the contract of a store', () => {
  it.each(testStore(newStore, { concurrent: 1_000 }).map(({ name, run }) => [name, run] as const))('%s', (_, run) => run())
})

describe('sqliteStore', () => {
  it('keeps ids as they are, whatever is in them', async () => {
    const store = await newStore()
    const ids = ['a', 'a\0b', 'a\0c', '\ud800', '\ud801', '\ufffd', '"', '\\"', '\\u0000', 'é', '\n']
    for (const id of ids) {
      await store.openAccount({ id, nanoUsd: 10, tokens: 10 })
      expect(await store.reserve({ id }, { id, nanoUsd: 1, tokens: 1 })).toMatchObject({ ok: true, repeated: false })
      expect(await store.adjust(id, { id, nanoUsd: 20 })).toMatchObject({ ok: true, repeated: false })
      expect((await store.history({ account: id })).entries).toHaveLength(3)
    }
    expect((await store.holds()).map(({ id }) => id)).toEqual(ids)
    expect((await store.accounts()).map(({ id }) => id)).toEqual(ids)
    await store.close?.()
  })

  it('refuses a detail that is no JSON alone, not those who ask at the same time', async () => {
    const store = await newStore()
    await store.openAccount({ id: 'a', nanoUsd: 10, tokens: 10 })
    const ask = (id: string, detail: unknown) => store.reserve({ id: 'a' }, { id, nanoUsd: 1, tokens: 0, detail: detail as null })
    const [one, other] = await Promise.allSettled([ask('x', null), ask('y', 1n)])
    expect([one, other]).toMatchObject([{ value: { ok: true } }, { reason: expect.any(TypeError) }])
    expect(await store.read('a')).toMatchObject({ nanoUsd: { held: 1 } })
    await store.close?.()
  })

  it('agrees with the model after every random operation', async () => {
    expect(await runModel({ n: 1_000, seed: 1, makeStore: newStore })).toEqual({ tried: 1_000, failed: 0, first: undefined })
  })
})

describe('several processes on one file', () => {
  let program: string
  beforeAll(() => {
    program = programIn()
  })
  afterAll(() => rmSync(program, { recursive: true, force: true }))

  const started = (path: string, mode: string, name: string, count: number) =>
    spawn(process.execPath, argv(program, path, mode, name, count), { stdio: ['ignore', 'pipe', 'inherit'] })

  it('are warned once of a SQLite that can damage a file which several processes write', () => {
    const old = ['3.7.0', '3.45.1', '3.51.2', '2.99.99', 'none']
    expect(old.filter(isOld)).toEqual(old)
    expect(['3.51.3', '3.51.10', '3.53.0', '4.0.0'].filter(isOld)).toEqual([])
    const [silent, ...plain] = argv(program, newPath(), 'try', 'w', 1)
    const said = (...args: string[]) => spawnSync(process.execPath, args, { encoding: 'utf8' }).stderr
    expect(said(...plain).match(/\[OUTRIGGER_OLD_SQLITE\]/g)).toHaveLength(1)
    expect(said(silent!, ...plain)).toBe('')
  })

  it('admit exactly as many calls as the cap pays for', async () => {
    const path = newPath()
    const store = await sqliteStore({ path })
    await store.openAccount({ id: 'task', nanoUsd: 1_000 * 4_777 + 999, tokens: 'unlimited' })
    const outputs = await Promise.all(['a', 'b', 'c', 'd'].map(name => text(started(path, 'spend', name, 2_500).stdout)))
    expect(outputs.reduce((sum, output) => sum + Number(output), 0)).toBe(4_777)
    expect(await store.read('task')).toMatchObject({ nanoUsd: { spent: 4_777_000, held: 0, remaining: 999 } })
    expect((await store.history()).entries).toHaveLength(1 + 2 * 4_777)
    await store.close?.()
  })

  it('lose nothing that was acknowledged, and count nothing twice, when they are killed at any time', async () => {
    const path = newPath()
    await prepared(path)
    const acknowledged: string[] = []
    for (let kill = 0; kill < kills; kill++) acknowledged.push(...(await killedAfter((kill * 13) % 60, program, path, `r${kill}`)))
    expect(acknowledged.length).toBeGreaterThan(0)
    expect(await flawsOf(path, acknowledged, kills)).toEqual([])
  })

  const where = canTrace() ? it : it.skip
  where.each([
    ['fsync', 'EIO', 4],
    ['pwrite64', 'EIO', 9],
    ['pwrite64', 'ENOSPC', 10],
  ])('admit nothing when %s fails with %s, and go on', async (call, error, at) => {
    const path = newPath()
    await prepared(path)
    const { said } = traced(`${call}:error=${error}:when=${at}`, argv(program, path, 'try', 'x', 8))
    const answers = said.trim().split('\n')
    const paid = answers.filter(answer => answer === 'true').length
    expect([paid, answers.filter(answer => answer === 'ERR_LEDGER').length, answers.at(-1)]).toEqual([7, 1, 'true'])
    const store = await sqliteStore({ path })
    const { spent, held } = (await store.read('task'))!.nanoUsd
    expect([spent, held <= 1_000]).toEqual([7_000, true])
    expect(replay((await store.history()).entries)).toEqual(await store.accounts())
    await store.close?.()
  })
})

describe('a file that cannot be trusted or used', () => {
  const filled = async (): Promise<string> => {
    const path = newPath()
    const store = await sqliteStore({ path })
    await store.openAccount({ id: 'task', nanoUsd: 1_000_000, tokens: 'unlimited' })
    await store.reserve({ id: 'task' }, { id: 'call', nanoUsd: 5_000, tokens: 1 })
    await store.close?.()
    return path
  }
  const changed = async (path: string, sql: string): Promise<void> => {
    const database = await openDatabase(path)
    database.exec(sql)
    database.close()
  }

  it.each([
    ['an account', `UPDATE account SET body = replace(body, '1000000', '9000000')`, (store: LedgerStore) => store.read('task')],
    [
      'an account, when it is written',
      `UPDATE account SET body = replace(body, '5000', '4000')`,
      (store: LedgerStore) => store.reserve({ id: 'task' }, { id: 'x', nanoUsd: 1, tokens: 0 }),
    ],
    [
      'a hold',
      `UPDATE hold SET body = replace(body, '5000', '4000')`,
      (store: LedgerStore) => store.settle({ id: 'task' }, { id: 'call', nanoUsd: 1, tokens: 0 }),
    ],
    ['an entry', `UPDATE entry SET body = replace(body, '5000', '4000')`, (store: LedgerStore) => store.history()],
    ['a sum', `UPDATE hold SET sum = 'x' || substr(sum, 2)`, (store: LedgerStore) => store.holds()],
  ])('says that %s was changed, and sums nothing', async (_, sql, use) => {
    const path = await filled()
    await changed(path, sql)
    const store = await sqliteStore({ path })
    await expect((async () => use(store))()).rejects.toMatchObject({ code: 'ERR_LEDGER', message: expect.stringContaining('damaged') })
    await store.close?.()
  })

  it('refuses what is no ledger, and another version', async () => {
    const path = newPath()
    writeFileSync(path, 'this is a text, and a long one at that '.repeat(100))
    await expect(sqliteStore({ path })).rejects.toMatchObject({ code: 'ERR_LEDGER' })
    expect(readFileSync(path, 'utf8')).toContain('this is a text')
    const other = await filled()
    await changed(other, 'PRAGMA user_version = 99')
    await expect(sqliteStore({ path: other })).rejects.toThrow('no ledger of version 1: it says 99')
    await expect(sqliteStore({ path: join(folder, 'nowhere', 'x.sqlite') })).rejects.toMatchObject({ code: 'ERR_LEDGER' })
  })

  it('finds an account that its index has lost: it is not opened again with all of its cap', async () => {
    const bytes = readFileSync(await filled())
    const lost: string[] = []
    for (const at of bytes.keys()) {
      if (bytes.subarray(at, at + 4).toString() !== 'task') continue
      const path = newPath()
      writeFileSync(
        path,
        bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)),
      )
      const store = await sqliteStore({ path }).catch(({ message }: Error) => void lost.push(message))
      if (store) expect(await store.openAccount({ id: 'task', nanoUsd: 1_000_000, tokens: 'unlimited' })).toMatchObject({ repeated: true })
      await store?.close?.()
    }
    expect(new Set(lost)).toEqual(new Set(['the ledger is damaged: the file is not what was written']))
  })

  it('admits nothing while another process holds the file, and goes on behind it', async () => {
    const path = await filled()
    const [store, other] = [await sqliteStore({ path, busyMs: 50 }), await openDatabase(path)]
    other.exec('BEGIN IMMEDIATE')
    await expect(store.reserve({ id: 'task' }, { id: 'more', nanoUsd: 1, tokens: 0 })).rejects.toMatchObject({ code: 'ERR_LEDGER' })
    expect(await store.read('task')).toMatchObject({ nanoUsd: { held: 5_000 } })
    other.exec('ROLLBACK')
    expect(await store.reserve({ id: 'task' }, { id: 'more', nanoUsd: 1, tokens: 0 })).toMatchObject({
      ok: true,
      reading: { nanoUsd: { held: 5_001 } },
    })
    other.close()
    await store.close?.()
  })

  it('goes on from what is whole where the end of its journal was torn off', async () => {
    const path = await filled()
    const store = await sqliteStore({ path })
    for (let n = 0; n < 40; n++) await store.reserve({ id: 'task' }, { id: `more-${n}`, nanoUsd: 10, tokens: 0 })
    const { entries: all } = await store.history()
    const [database, journal] = [readFileSync(path), readFileSync(`${path}-wal`)]
    await store.close?.()
    for (const part of [0, 0.01, 0.3, 0.5, 0.77, 0.99]) {
      const copy = newPath()
      writeFileSync(copy, database)
      writeFileSync(`${copy}-wal`, journal.subarray(0, Math.floor(journal.length * part)))
      const again = await sqliteStore({ path: copy })
      const { entries } = await again.history()
      expect(entries).toEqual(all.slice(0, entries.length))
      expect(replay(entries)).toEqual(await again.accounts())
      await again.openAccount({ id: 'task', nanoUsd: 1_000_000, tokens: 'unlimited' })
      expect(await again.reserve({ id: 'task' }, { id: `after-${part}`, nanoUsd: 10, tokens: 0 })).toMatchObject({ ok: true })
      await again.close?.()
    }
  })

  describe('on a file system of its own', () => {
    const mount = (dir: string, options: string): boolean => spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir]).status === 0
    const remount = (dir: string, options: string): number | null => spawnSync('mount', ['-o', `remount,${options}`, dir]).status
    const withMount = async (work: (dir: string) => Promise<void>): Promise<void> => {
      const dir = mkdtempSync(join(tmpdir(), 'outrigger-mount-'))
      expect(mount(dir, 'size=256k')).toBe(true)
      await work(dir).finally(() => spawnSync('umount', ['-l', dir]))
      rmSync(dir, { recursive: true, force: true })
    }
    const canMount = (): boolean => {
      const dir = mkdtempSync(join(tmpdir(), 'outrigger-mount-'))
      return mount(dir, 'size=64k') && spawnSync('umount', [dir]).status === 0
    }
    const where = process.platform === 'linux' && canMount() ? it : it.skip

    where('admits nothing when it is full, and goes on when there is room', async () => {
      await withMount(async dir => {
        const store = await sqliteStore({ path: join(dir, 'books.sqlite') })
        await store.openAccount({ id: 'task', nanoUsd: 'unlimited', tokens: 'unlimited' })
        let admitted = 0
        const call = async (): Promise<void> => {
          await store.reserve({ id: 'task' }, { id: `call-${admitted}`, nanoUsd: 1, tokens: 0 })
          admitted++
        }
        const untilFull = async (): Promise<void> => {
          for (;;) await call()
        }
        await expect(untilFull()).rejects.toMatchObject({ code: 'ERR_LEDGER' })
        expect(admitted).toBeGreaterThan(0)
        expect(await store.read('task')).toMatchObject({ nanoUsd: { held: admitted } })
        expect(remount(dir, 'size=2m')).toBe(0)
        await call()
        expect(await store.read('task')).toMatchObject({ nanoUsd: { held: admitted } })
        await store.close?.()
      })
    })

    where('cannot be opened when it is read-only', async () => {
      const path = await filled()
      await withMount(async dir => {
        writeFileSync(join(dir, 'books.sqlite'), readFileSync(path))
        expect(remount(dir, 'ro')).toBe(0)
        await expect(sqliteStore({ path: join(dir, 'books.sqlite') })).rejects.toMatchObject({ code: 'ERR_LEDGER' })
      })
    })
  })

  it('says that it is closed', async () => {
    const store = await newStore()
    await store.close?.()
    await expect((async () => store.read('task'))()).rejects.toThrow('closed')
    await expect((async () => store.reserve({ id: 'task' }, { id: 'x', nanoUsd: 1, tokens: 0 }))()).rejects.toThrow('closed')
  })

  it.each<[string, unknown, ErrorConstructor]>([
    ['no object', null, TypeError],
    ['no path', {}, TypeError],
    ['an unknown option', { path: 'x', file: 'y' }, TypeError],
    ['a wait that is none', { path: 'x', busyMs: -1 }, RangeError],
  ])('refuses %s', async (_, options, error) => {
    await expect(sqliteStore(options as never)).rejects.toThrow(error)
  })
})
