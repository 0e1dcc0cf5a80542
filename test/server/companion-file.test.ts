import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownFiles } from '../../lib/core/own-files.js'
import { type CompanionFacts, findCompanions, removeCompanionFile, writeCompanionFile } from '../../lib/server/companion-file.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'outrigger-companion-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const facts: CompanionFacts = {
  pid: process.pid,
  baseURL: 'http://127.0.0.1:4000',
  watchToken: 'watch',
  command: 'claude',
  startedAt: 1_000,
}
const file = (pid: number = process.pid) => join(dir, 'companions', `${pid}.json`)

/** The number of a process that has ended. */
const gone = (): number => spawnSync(process.execPath, ['-e', '0']).pid

describe('writeCompanionFile', () => {
  it('writes what findCompanions finds, 0600 in a folder of 0700', () => {
    writeCompanionFile(dir, facts)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(statSync(join(dir, 'companions')).mode & 0o777).toBe(0o700)
    expect(findCompanions(dir)).toEqual([facts])
    expect(readdirSync(join(dir, 'companions'))).toEqual([`${process.pid}.json`])
  })

  it('has no admin token unless one was given', () => {
    writeCompanionFile(dir, facts)
    expect(readFileSync(file(), 'utf8')).not.toContain('adminToken')
    writeCompanionFile(dir, { ...facts, adminToken: 'admin' })
    expect(findCompanions(dir)).toEqual([{ ...facts, adminToken: 'admin' }])
  })

  it('keeps the folder from agents', () => {
    writeCompanionFile(dir, facts)
    expect([...ownFiles().values()]).toContain(join(dir, 'companions'))
  })

  it('refuses a link in the place of the file, and writes nothing where it leads', () => {
    const target = join(dir, 'target')
    writeFileSync(target, 'theirs', { mode: 0o600 })
    mkdirSync(join(dir, 'companions'), { mode: 0o700 })
    symlinkSync(target, file())
    expect(() => writeCompanionFile(dir, facts)).toThrow(/is a link or no regular file; take it away/)
    rmSync(file())
    linkSync(target, file())
    expect(() => writeCompanionFile(dir, facts)).toThrow(/is a link or no regular file; take it away/)
    expect(readFileSync(target, 'utf8')).toBe('theirs')
  })

  it('refuses a link in the place of the folder, and a folder that others may look into', () => {
    mkdirSync(join(dir, 'elsewhere'), { mode: 0o700 })
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'companions'))
    expect(() => writeCompanionFile(dir, facts)).toThrow(/symbolic link|not a folder/)
    expect(readdirSync(join(dir, 'elsewhere'))).toEqual([])
    rmSync(join(dir, 'companions'))
    mkdirSync(join(dir, 'companions'))
    chmodSync(join(dir, 'companions'), 0o755)
    expect(() => writeCompanionFile(dir, facts)).toThrow(/is open to other users \(mode 755\)/)
  })
})

describe('findCompanions', () => {
  it('takes the file of a process that is gone away', () => {
    const pid = gone()
    writeCompanionFile(dir, { ...facts, pid })
    expect(findCompanions(dir)).toEqual([])
    expect(existsSync(file(pid))).toBe(false)
  })

  it('lists the newest first', () => {
    writeCompanionFile(dir, facts)
    writeCompanionFile(dir, { ...facts, pid: process.ppid, startedAt: 2_000 })
    expect(findCompanions(dir).map(({ pid }) => pid)).toEqual([process.ppid, process.pid])
  })

  it('finds nothing where there is no folder, or a link to one', () => {
    expect(findCompanions(dir)).toEqual([])
    const other = mkdtempSync(join(tmpdir(), 'outrigger-companion-'))
    writeCompanionFile(other, facts)
    symlinkSync(join(other, 'companions'), join(dir, 'companions'))
    expect(findCompanions(dir)).toEqual([])
    rmSync(other, { recursive: true })
  })

  it.each<[string, (path: string) => void]>([
    ['a link', path => symlinkSync('/etc/hostname', path)],
    ['a file that others may read', path => writeFileSync(path, JSON.stringify(facts), { mode: 0o644 })],
    ['no JSON', path => writeFileSync(path, '{', { mode: 0o600 })],
    ['nothing', path => writeFileSync(path, 'null', { mode: 0o600 })],
    ['facts of the wrong kind', path => writeFileSync(path, JSON.stringify({ ...facts, watchToken: 1 }), { mode: 0o600 })],
    ['the facts of another process', path => writeFileSync(path, JSON.stringify({ ...facts, pid: 1 }), { mode: 0o600 })],
    ['a folder', path => mkdirSync(path)],
  ])('passes %s by, and leaves it', (_, put) => {
    mkdirSync(join(dir, 'companions'), { mode: 0o700 })
    put(file())
    expect(findCompanions(dir)).toEqual([])
    expect(readdirSync(join(dir, 'companions'))).toHaveLength(1)
  })
})

describe('removeCompanionFile', () => {
  it('takes the file of this process away, and does not mind where there is none', () => {
    writeCompanionFile(dir, facts)
    removeCompanionFile(dir)
    expect(findCompanions(dir)).toEqual([])
    expect(() => removeCompanionFile(join(dir, 'none'))).not.toThrow()
  })
})
