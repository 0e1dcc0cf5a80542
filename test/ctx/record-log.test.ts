import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import { startOf } from '../../lib/ctx/log/log-name.js'
import type { LogHandle, RecordLog } from '../../lib/ctx/log/record-log.js'

const folders: string[] = []
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'record-'))
  folders.push(made)
  return made
}
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true })
})

async function textOf(log: RecordLog | LogHandle, id?: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of id === undefined ? (log as LogHandle).read() : (log as RecordLog).read(id)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const first = `probe-${startOf(1)}`

/** In a file the writer that is gone must be made up: this process lives. */
const logs: readonly (readonly [string, () => { readonly log: RecordLog; leave(handle: LogHandle): Promise<void> }])[] = [
  ['memoryLog', () => ({ log: memoryLog(), leave: handle => handle.close({ finished: false }) })],
  [
    'fileLog',
    () => {
      const dir = folder()
      const leave = async (handle: LogHandle) => {
        await handle.close({ finished: false })
        writeFileSync(join(dir, 'log', handle.id, 'lock-1'), JSON.stringify({ pid: 2 ** 22 - 1, host: hostname() }))
      }
      return { log: fileLog({ dir }), leave }
    },
  ],
]

describe.each(logs)('%s', (_name, make) => {
  it('reads what is appended before it returns: its memory may be used again', async () => {
    const { log } = make()
    const handle = await log.create(first)
    const lines = Buffer.from('one\n')
    const written = handle.append(lines)
    lines.write('two\n')
    await written
    expect(await textOf(handle)).toBe('one\n')
    await handle.close({ finished: true })
  })

  it('gives back what was appended, in order', async () => {
    const { log } = make()
    const handle = await log.create(first)
    expect(handle.fresh).toBe(true)
    await Promise.all(['one\n', 'two\n', 'three\n'].map(text => handle.append(Buffer.from(text))))
    expect(await textOf(handle)).toBe('one\ntwo\nthree\n')
    expect(await textOf(log, first)).toBe('one\ntwo\nthree\n')
    expect([await log.list(), await log.state(first)]).toEqual([[first], 'open'])
    await handle.close({ finished: true })
    expect(await log.state(first)).toBe('done')
  })

  it('gives a name that is taken a number', async () => {
    const { log } = make()
    const ids = [await log.create(first), await log.create(first), await log.create(first)].map(({ id }) => id)
    expect(ids).toEqual([first, `${first}-2`, `${first}-3`])
    expect(await log.list()).toEqual(ids)
  })

  it('opens a log again that was given up, for one writer at a time', async () => {
    const { log, leave } = make()
    const handle = await log.create(first)
    await handle.append(Buffer.from('one\n'))
    expect(await log.reopen!(first)).toBeUndefined()
    await handle.close({ finished: true })
    const again = (await log.reopen!(first))!
    expect([again.id, again.fresh, await log.state(first), await log.reopen!(first)]).toEqual([first, false, 'open', undefined])
    await again.append(Buffer.from('two\n'))
    await leave(again)
    const left = (await log.reopen!(first))!
    expect(await textOf(left)).toBe('one\ntwo\n')
    await left.close({ finished: true })
    expect(await log.state(first)).toBe('done')
  })

  it('lets only one of many open it again', async () => {
    const { log } = make()
    await (await log.create(first)).close({ finished: true })
    const handles = await Promise.all(Array.from({ length: 8 }, () => log.reopen!(first)))
    expect(handles.filter(handle => handle !== undefined)).toHaveLength(1)
  })

  it('opens no log again that is not there', async () => {
    await expect(make().log.reopen!('probe-none')).rejects.toMatchObject({ code: 'ERR_SIGNING' })
  })

  it('takes nothing once it is closed', async () => {
    const handle = await make().log.create(first)
    await handle.append(Buffer.from('one\n'))
    await handle.close({ finished: true })
    await expect(handle.append(Buffer.from('two\n'))).rejects.toMatchObject({ code: 'ERR_SIGNING' })
  })

  it('resumes what a writer left behind, and only that, and only one of many', async () => {
    const { log, leave } = make()
    const handle = await log.create(first)
    await handle.append(Buffer.from('one\ntw'))
    expect(await log.resume('probe-')).toBeUndefined()
    await leave(handle)
    expect(await log.state(first)).toBe('left')
    expect(await log.resume('other-')).toBeUndefined()
    const resumed = (await Promise.all([1, 2, 3].map(() => log.resume('probe-')))).filter(one => one !== undefined)
    expect(resumed).toHaveLength(1)
    const [again] = resumed
    expect([again!.id, again!.fresh]).toEqual([first, false])
    await again!.cut(4)
    await again!.append(Buffer.from('three\n'))
    expect(await textOf(log, first)).toBe('one\nthree\n')
    await again!.close({ finished: true })
    expect(await log.resume('probe-')).toBeUndefined()
  })

  it('does not take the log of an agent whose name only begins the same', async () => {
    const { log, leave } = make()
    await leave(await log.create(`probe-b-${startOf(1)}`))
    expect(await log.resume('probe-')).toBeUndefined()
    expect(await log.resume('probe-b-')).toBeDefined()
  })

  it('says that a log is not there', async () => {
    const { log } = make()
    await expect(textOf(log, `none-${startOf(1)}`)).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    expect(await log.list()).toEqual([])
  })
})

describe('memoryLog', () => {
  it('refuses what does not fit', async () => {
    const handle = await memoryLog({ maxBytes: 8 }).create(first)
    expect(handle.append(Buffer.from('1234567\n'))).toBeUndefined()
    await expect(handle.append(Buffer.from('x\n'))).rejects.toMatchObject({ code: 'ERR_SIGNING', facts: { maxBytes: 8 } })
  })

  it.each([[{ maxBytes: 0 }], [{ maxBytes: Number.NaN }], [{ most: 1 }], [null]])('refuses %j', options => {
    expect(() => memoryLog(options as never)).toThrow(/memoryLog/)
  })
})

describe('fileLog', () => {
  const slowDisk = () => {
    const calls: string[] = []
    let held: (() => void)[] = []
    return {
      calls,
      go: () => {
        for (const open of held.splice(0)) open()
      },
      disk: {
        write: async (fd: number, bytes: Uint8Array) => {
          calls.push(`write ${bytes.length}`)
          return writeSync(fd, bytes)
        },
        sync: (_fd: number) => {
          calls.push('sync')
          return new Promise<void>(resolve => {
            held = [...held, resolve]
          })
        },
      },
    }
  }
  const turn = () => new Promise<void>(resolve => setImmediate(resolve))

  it('makes folders and files that only their owner can read', async () => {
    const dir = folder()
    const handle = await fileLog({ dir: join(dir, 'new') }).create(first)
    const at = join(dir, 'new', 'log', first)
    expect(statSync(at).mode & 0o777).toBe(0o700)
    expect(statSync(join(at, 'records.jsonl')).mode & 0o777).toBe(0o600)
    expect(readdirSync(at).sort()).toEqual(['lock-1', 'records.jsonl'])
    expect(JSON.parse(readFileSync(join(at, 'lock-1'), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() })
    await handle.close({ finished: true })
    expect(readdirSync(at)).toEqual(['records.jsonl'])
  })

  it('shares one fsync among all that is appended while another is under way', async () => {
    const { disk, calls, go } = slowDisk()
    const handle = await fileLog({ dir: folder(), disk }).create(first)
    const [one, ...rest] = ['a\n', 'b\n', 'c\n', 'd\n'].map((text, n) => (n === 0 ? handle.append(Buffer.from(text)) : text))
    await turn()
    const later = rest.map(text => handle.append(Buffer.from(text as string)))
    expect(calls).toEqual(['write 2', 'sync'])
    go()
    await one
    await turn()
    expect(calls).toEqual(['write 2', 'sync', 'write 6', 'sync'])
    go()
    await Promise.all(later)
  })

  it('is not durable before the fsync has ended', async () => {
    const { disk, go } = slowDisk()
    const handle = await fileLog({ dir: folder(), disk }).create(first)
    let durable = false
    const written = handle.append(Buffer.from('a\n'))!.then(() => {
      durable = true
    })
    await turn()
    expect(durable).toBe(false)
    go()
    await written
    expect(durable).toBe(true)
  })

  it.each([
    ['write', { write: () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })), sync: async () => {} }],
    [
      'fsync',
      { write: async (_: number, b: Uint8Array) => b.length, sync: () => Promise.reject(Object.assign(new Error('io'), { code: 'EIO' })) },
    ],
  ])('stops for good when a %s fails: all that wait are told, and nothing is tried again', async (_call, broken) => {
    let calls = 0
    const counted = {
      write: (fd: number, bytes: Uint8Array) => {
        calls++
        return broken.write(fd, bytes) as Promise<number>
      },
      sync: broken.sync as () => Promise<void>,
    }
    const handle = await fileLog({ dir: folder(), disk: counted }).create(first)
    const ends = await Promise.allSettled([handle.append(Buffer.from('a\n')), handle.append(Buffer.from('b\n'))])
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(ends[0]).toMatchObject({ reason: { code: 'ERR_SIGNING', facts: { errno: expect.any(String) } } })
    await expect(handle.append(Buffer.from('c\n'))).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    expect(calls).toBe(1)
  })

  it('cuts what a failed write has left half', async () => {
    const dir = folder()
    const real = fileLog({ dir }) // for reading
    let writes = 0
    const disk = {
      write: async (fd: number, bytes: Uint8Array) => {
        if (++writes > 1) {
          writeSync(fd, bytes.subarray(0, 3))
          throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
        }
        return writeSync(fd, bytes)
      },
      sync: async () => {},
    }
    const handle = await fileLog({ dir, disk }).create(first)
    await handle.append(Buffer.from('whole\n'))
    await expect(handle.append(Buffer.from('a half\n'))).rejects.toMatchObject({ facts: { errno: 'ENOSPC' } })
    expect(await textOf(real, first)).toBe('whole\n')
    await handle.close({ finished: true })
    expect(await real.state(first)).not.toBe('done')
  })

  it.each<[string, (at: string) => void]>([
    ['removed', at => rmSync(at, { recursive: true })],
    ['moved away', at => renameSync(join(at, 'records.jsonl'), join(at, 'records.jsonl.1'))],
    ['emptied', at => truncateSync(join(at, 'records.jsonl'), 0)],
    ['cut', at => truncateSync(join(at, 'records.jsonl'), 3)],
    ['longer', at => writeFileSync(join(at, 'records.jsonl'), 'x\n', { flag: 'a' })],
    [
      'replaced',
      at => {
        writeFileSync(join(at, 'new'), readFileSync(join(at, 'records.jsonl')))
        renameSync(join(at, 'new'), join(at, 'records.jsonl'))
      },
    ],
  ])('stops where its file was %s while it was open', async (_how, change) => {
    const dir = folder()
    const handle = await fileLog({ dir }).create(first)
    await handle.append(Buffer.from('whole\n'))
    change(join(dir, 'log', first))
    for (const text of ['lost\n', 'again\n']) await expect(handle.append(Buffer.from(text))).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    await handle.close({ finished: true })
  })

  it.each<[string, (path: string) => void]>([
    ['a link to a device', path => symlinkSync('/dev/zero', path)],
    ['a pipe', path => void spawnSync('mkfifo', [path])],
    ['a folder', path => mkdirSync(path)],
  ])('does not read %s for a log', async (_what, put) => {
    const dir = folder()
    mkdirSync(join(dir, 'log', first), { recursive: true })
    put(join(dir, 'log', first, 'records.jsonl'))
    await expect(textOf(fileLog({ dir }), first)).rejects.toMatchObject({ code: 'ERR_SIGNING' })
  })

  it('leaves nothing of a log that could not be begun', async () => {
    const dir = folder()
    const full = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
    const log = fileLog({ dir, disk: { write: full, sync: async () => {} } })
    for (let n = 0; n < 3; n++) {
      const handle = await log.create(first)
      await expect(handle.append(Buffer.from('one\n'))).rejects.toMatchObject({ facts: { errno: 'ENOSPC' } })
      await handle.close({ finished: false })
    }
    expect(await log.list()).toEqual([])
  })

  it('takes a lock over whose process is gone, and none whose process lives', async () => {
    const dir = folder()
    const log = fileLog({ dir })
    const handle = await log.create(first)
    await handle.close({ finished: false })
    const lock = join(dir, 'log', first, 'lock-1')
    for (const living of [
      { pid: process.pid, host: hostname() },
      { pid: 2 ** 22 - 1, host: 'another' },
      { pid: process.ppid, host: hostname() },
    ]) {
      writeFileSync(lock, JSON.stringify(living))
      expect(await log.resume('probe-')).toBeUndefined()
    }
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname(), started: 'another boot:1' }))
    const resumed = await log.resume('probe-')
    expect(readdirSync(join(dir, 'log', first)).sort()).toEqual(['lock-2', 'records.jsonl'])
    await resumed!.close({ finished: true })
  })

  it('leaves a lock alone that is being made', async () => {
    const dir = folder()
    const log = fileLog({ dir })
    await (await log.create(first)).close({ finished: false })
    writeFileSync(join(dir, 'log', first, 'lock-1'), '')
    expect(await log.resume('probe-')).toBeUndefined()
  })

  it('does not write through a link', async () => {
    const dir = folder()
    const log = fileLog({ dir })
    const handle = await log.create(first)
    await handle.close({ finished: false })
    const at = join(dir, 'log', first)
    rmSync(join(at, 'records.jsonl'))
    writeFileSync(join(dir, 'elsewhere'), '')
    symlinkSync(join(dir, 'elsewhere'), join(at, 'records.jsonl'))
    writeFileSync(join(at, 'lock-1'), JSON.stringify({ pid: 2 ** 22 - 1, host: hostname() }))
    await expect(log.resume('probe-')).rejects.toMatchObject({ code: 'ERR_SIGNING', facts: { errno: 'ELOOP' } })
  })

  it.each([[{ dir: '' }], [{ folder: 'x' }], [{ disk: {} }], [null]])('refuses %j', options => {
    expect(() => fileLog(options as never)).toThrow(/fileLog/)
  })

  it.each(['../up', 'a/b', '', '.hidden', 'x'.repeat(201)])('refuses the id %j', async id => {
    await expect(fileLog({ dir: folder() }).create(id)).rejects.toMatchObject({ code: 'ERR_SIGNING' })
  })
})
