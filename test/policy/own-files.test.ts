import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeys, fileLog } from 'outrigger/ctx'
import { sqliteStore } from 'outrigger/ledger/sqlite'
import { guardedFiles, rules } from 'outrigger/policy'
import { found, passes, tool } from './support.js'

describe('what the process keeps for itself', () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-own-')))
  const at = (path: string) => join(base, path)
  afterAll(() => rmSync(base, { recursive: true, force: true }))

  const rule = rules.selfModification()
  const reads = (path: string) => passes(rule, tool('Read', { file_path: at(path) }))
  const runs = (command: string) => passes(rule, tool('Bash', { command }))

  it('F18 books are denied from when they are opened, whatever their name, and their journals with them', async () => {
    mkdirSync(at('real'))
    symlinkSync('real', at('alias'))
    const path = at('alias/accounts.data')
    expect(await reads('alias/accounts.data')).toBe(true)
    const store = await sqliteStore({ path })
    const names = [
      'alias/accounts.data',
      'real/accounts.data',
      'real/accounts.data-wal',
      'real/ACCOUNTS.DATA-shm',
      'real/accounts.data-journal',
    ]
    for (const name of names) expect({ name, reads: await reads(name) }).toEqual({ name, reads: false })
    expect([await runs(`sqlite3 ${path} .dump`), await runs(`cp x "${at('real')}"/accounts.data`)]).toEqual([false, false])
    expect([await reads('real/accounts.data-old'), await reads('real/accounts'), await runs(`ls ${at('real')}`)]).toEqual([
      true,
      true,
      true,
    ])
    linkSync(path, at('innocent'))
    expect(await reads('innocent')).toBe(false)
    await store.close?.()
    expect(await reads('real/accounts.data')).toBe(false)
    expect(await passes(rules.files({ read: [base], root: base }), tool('Read', { file_path: at('real/accounts.data') }))).toBe(false)
    await expect(guardedFiles([rules.files({ read: [base], root: base })]).open('real/accounts.data')).rejects.toThrow(/denied/)
  })

  it('F18 keys and logs are denied, wherever their folder is', async () => {
    const dir = at('record')
    createKeys(dir)
    fileLog({ dir })
    writeFileSync(at('record/other'), '')
    for (const name of ['.keys', '.keys/sidecar.key', 'log/x/records.jsonl', 'LOG/x', 'translations/a'])
      expect({ name, reads: await reads(`record/${name}`) }).toEqual({ name, reads: false })
    expect([await reads('record/other'), await reads('record/logs')]).toEqual([true, true])
    expect(await runs(`tail -f '${at('record/log')}'/x/records.jsonl`)).toBe(false)
  })

  it('F18 and what is named, also by another name of the same file', async () => {
    const own = rules.selfModification({ paths: [at('policy.json'), at('books')] })
    const readsOwn = (path: string) => passes(own, tool('Read', { file_path: at(path) }))
    mkdirSync(at('books/deep'), { recursive: true })
    for (const name of ['policy.json', 'books/deep/ledger', 'free']) writeFileSync(at(name), name)
    linkSync(at('policy.json'), at('hard'))
    linkSync(at('books/deep/ledger'), at('harder'))
    linkSync(at('free'), at('freer'))
    symlinkSync('books', at('soft'))
    for (const name of ['policy.json', 'books/deep/ledger', 'books/new', 'hard', 'harder', 'soft/deep/ledger', 'Policy.JSON'])
      expect({ name, reads: await readsOwn(name) }).toEqual({ name, reads: false })
    expect([await readsOwn('free'), await readsOwn('freer'), await readsOwn('policy.jsonl')]).toEqual([true, true, true])
  })

  it('says no more than that', async () => {
    expect(await found(rules.selfModification({ paths: [at('x')] }), tool('Grep', { path: at('x') }))).toBe(
      'it addresses the files that steer the sidecar',
    )
  })
})
