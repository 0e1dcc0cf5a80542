import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { SigningError } from '../../core/errors.js'
import { keepForItself } from '../../core/own-files.js'
import { type LockFile, lockState, takeLock } from './lock-file.js'
import { isLogOf } from './log-name.js'
import type { LogHandle, RecordLog } from './record-log.js'

/** The two calls that make a line durable. */
export interface LogDisk {
  /** Writes at the end of the file; resolves to how many bytes were taken. */
  write(fd: number, bytes: Uint8Array): Promise<number>
  /** Resolves when what was written is on the disk. */
  sync(fd: number): Promise<void>
}

/** Options of {@link fileLog}. */
export interface FileLogOptions {
  /** The folder; the logs are in `log/` below it. Default `.context`. */
  readonly dir?: string
  /** How bytes get to the disk. Default: `write` and `fdatasync` of Node. */
  readonly disk?: LogDisk
}

const records = 'records.jsonl'

// Plain descriptors: Node closes a `FileHandle` by itself when nobody holds it any more, with a warning, and a sidecar may be left unclosed.
const [openFile, closeFile, statsOf, truncate] = [fs.open, fs.close, fs.fstat, fs.ftruncate].map(call =>
  promisify(call as never),
) as unknown as [
  (path: string, flags: number, mode: number) => Promise<number>,
  (fd: number) => Promise<void>,
  (fd: number) => Promise<{ readonly size: number; readonly ino: number }>,
  (fd: number, bytes: number) => Promise<void>,
]

const realDisk: LogDisk = {
  write: (fd, bytes) => new Promise((resolve, reject) => fs.write(fd, bytes, (error, taken) => (error ? reject(error) : resolve(taken)))),
  sync: fd => new Promise((resolve, reject) => fs.fdatasync(fd, error => (error ? reject(error) : resolve()))),
}

/**
 * Logs in files: `log/<log-id>/records.jsonl`, a line a record, appended only. One writer holds the lock of a log; fsync makes a record
 * durable, and what many actions write at once shares one. Touches nothing before the first log is opened.
 * @throws TypeError on a wrong or unknown option
 */
export function fileLog(options: FileLogOptions = {}): RecordLog {
  const { dir, disk } = validated(options)
  const root = join(dir, 'log')
  keepForItself(root, join(dir, 'translations'))
  const folderOf = (id: string): string => join(root, checkedId(id))
  return {
    where: dir,
    create: async wanted => failing(`cannot make a log in ${root}`, async () => createIn(root, checkedId(wanted), disk)),
    resume: async prefix => failing(`cannot open the logs in ${root}`, async () => resumeIn(root, prefix, disk)),
    reopen: async id => failing(`cannot open the log ${id}`, async () => reopenIn(root, checkedId(id), disk)),
    list: () => logsIn(root),
    read: id => logBytes(join(folderOf(id), records)),
    async state(id) {
      const lock = await lockState(folderOf(id))
      return lock === 'free' ? 'done' : lock === 'held' ? 'open' : 'left'
    },
  }
}

/** Made under another name first: a log is there with its file and its lock, or it is not there, whenever the process ends. */
async function createIn(root: string, wanted: string, disk: LogDisk): Promise<LogHandle> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  let folder = join(root, `.${randomUUID()}`)
  try {
    const lock = await fillFolder(folder)
    for (let n = 1; ; n++) {
      const id = n === 1 ? wanted : `${wanted}-${n}`
      if (!(await takeName(folder, join(root, id)))) continue
      folder = join(root, id)
      return await opened(root, id, lock.in(folder), disk, true)
    }
  } catch (error) {
    // Nobody has seen it yet: left there, it would be a log without records, one more with every action that is refused.
    await discard(folder)
    throw error
  }
}

const discard = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true }).catch(() => {})

async function fillFolder(folder: string): Promise<LockFile> {
  await mkdir(folder, { mode: 0o700 })
  const lock = await takeLock(folder)
  await (await open(join(folder, records), 'ax', 0o600)).close()
  return lock!
}

/** False: the name is taken. A folder does not replace one that has something in it. */
async function takeName(folder: string, name: string): Promise<boolean> {
  try {
    await rename(folder, name)
    return true
  } catch (error) {
    if (await stat(name).catch(() => undefined)) return false
    throw error
  }
}

async function resumeIn(root: string, prefix: string, disk: LogDisk): Promise<LogHandle | undefined> {
  for (const id of (await logsIn(root)).filter(name => isLogOf(name, prefix)).reverse()) {
    if ((await lockState(join(root, id))) !== 'stale') continue
    const lock = await takeLock(join(root, id))
    if (lock) return opened(root, id, lock, disk, false)
  }
}

async function reopenIn(root: string, id: string, disk: LogDisk): Promise<LogHandle | undefined> {
  const lock = await takeLock(join(root, id))
  return lock && opened(root, id, lock, disk, false)
}

async function opened(root: string, id: string, lock: LockFile, disk: LogDisk, fresh: boolean): Promise<LogHandle> {
  const path = join(root, id, records)
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants
  const fd = await openFile(path, O_RDWR | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0), 0o600)
  try {
    const { size, ino } = await statsOf(fd)
    // A file is found after a crash only when the folders above it are on the disk too.
    if (fresh) for (const folder of [dirname(path), root, dirname(root)]) await syncFolder(folder)
    return new LogFile(id, path, { fd, size, ino }, lock, disk, fresh)
  } catch (error) {
    await closeFile(fd)
    throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (!handle) return
  try {
    await handle.sync()
  } catch (error) {
    // Where folders cannot be synced (Windows), the system does it.
    if (!['EPERM', 'EINVAL', 'EISDIR', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await handle.close()
  }
}

class LogFile implements LogHandle {
  readonly id: string
  readonly fresh: boolean
  readonly #path: string
  readonly #fd: number
  readonly #ino: number
  readonly #lock: LockFile
  readonly #disk: LogDisk
  /** Bytes that are on the disk for certain. */
  #durable: number
  #waiting: Uint8Array[] = []
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #failure: SigningError | undefined

  constructor(
    id: string,
    path: string,
    { fd, size, ino }: { readonly fd: number; readonly size: number; readonly ino: number },
    lock: LockFile,
    disk: LogDisk,
    fresh: boolean,
  ) {
    this.id = id
    this.#path = path
    this.#fd = fd
    this.#ino = ino
    this.#durable = size
    this.#lock = lock
    this.#disk = disk
    this.fresh = fresh
  }

  read(): AsyncIterable<Uint8Array> {
    return logBytes(this.#path)
  }

  async cut(bytes: number): Promise<void> {
    await failing(`cannot cut ${this.#path}`, async () => {
      await truncate(this.#fd, bytes)
      await this.#disk.sync(this.#fd)
    })
    this.#durable = bytes
  }

  /** What is appended while a write is under way goes together with the next. */
  append(lines: Uint8Array): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    this.#waiting.push(Uint8Array.from(lines))
    this.#next ??= this.#running ? this.#running.then(this.#flush, this.#flush) : Promise.resolve().then(this.#flush)
    return this.#next
  }

  async close({ finished }: { readonly finished: boolean }): Promise<void> {
    await (this.#next ?? this.#running)?.catch(() => {})
    const whole = this.#failure === undefined
    this.#failure ??= new SigningError(`the log ${this.id} is closed`)
    await closeFile(this.#fd)
    if (finished && whole) await this.#lock.release()
    else if (this.fresh && !whole && this.#durable === 0) await discard(dirname(this.#path))
  }

  readonly #flush = async (): Promise<void> => {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#running = this.#next
    this.#next = undefined
    if (this.#failure) throw this.#failure
    try {
      await this.#writeAll(bytes)
      await this.#disk.sync(this.#fd)
      await this.#found(this.#durable + bytes.length)
      this.#durable += bytes.length
    } catch (error) {
      throw await this.#stop(error)
    }
    if (!this.#next) this.#running = undefined
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const taken = await this.#disk.write(this.#fd, rest)
      if (taken === 0) throw new Error('the disk took no bytes')
      rest = rest.subarray(taken)
    }
  }

  /** What was written must be where a reader will look for it: a file can be removed, replaced and cut while it is open. */
  async #found(size: number): Promise<void> {
    const there = await stat(this.#path)
    if (there.ino !== this.#ino) throw new Error('another file stands in its place')
    if (there.size !== size) throw new Error(`somebody else has changed it: it has ${there.size} bytes, not ${size}`)
  }

  /** After a failed write or fsync nobody knows what is on the disk behind the last good one: no second try, and it is cut off. */
  async #stop(error: unknown): Promise<SigningError> {
    this.#failure = failed(`cannot write ${this.#path}; the log is stopped`, error)
    await this.#cutBack().catch(() => {})
    return this.#failure
  }

  /** Never makes it longer: what somebody else has cut off would come back as zeros. */
  async #cutBack(): Promise<void> {
    const { size } = await statsOf(this.#fd)
    if (size > this.#durable) await truncate(this.#fd, this.#durable)
  }
}

async function logsIn(root: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true })
    return entries
      .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * What stands in the file of a log, from this byte on. A link, a device or a pipe in its place is none: a reader would read it for ever.
 * @throws SigningError where it cannot be read
 */
export async function* logBytes(path: string, start = 0): AsyncGenerator<Uint8Array> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    const file = await open(path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0))
    try {
      if (!(await file.stat()).isFile()) throw Object.assign(new Error('not a regular file'), { code: 'EINVAL' })
      yield* file.createReadStream({ start, highWaterMark: 2 ** 18, autoClose: false })
    } finally {
      await file.close()
    }
  } catch (error) {
    throw failed(`cannot read ${path}`, error)
  }
}

async function failing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof SigningError ? error : failed(what, error)
  }
}

/** Says which call failed, never what was being written. */
function failed(what: string, error: unknown): SigningError {
  const { code, syscall } = error as NodeJS.ErrnoException
  return new SigningError(`${what}${code ? `: ${code}` : ''}`, { ...(code ? { errno: code } : {}), ...(syscall ? { syscall } : {}) }, error)
}

function checkedId(id: string): string {
  if (/^[\w.-]{1,200}$/.test(id) && !id.startsWith('.')) return id
  throw new SigningError(`a log id is up to 200 letters, digits, "_", "-" and "."; got ${JSON.stringify(id)}`)
}

function validated(options: FileLogOptions): Required<FileLogOptions> {
  if (typeof options !== 'object' || options === null) throw new TypeError('fileLog: options must be an object')
  for (const key of Object.keys(options))
    if (key !== 'dir' && key !== 'disk') throw new TypeError(`fileLog: unknown option "${key}"; known are dir, disk`)
  const { dir = '.context', disk = realDisk } = options
  if (typeof dir !== 'string' || dir === '') throw new TypeError('fileLog: dir must be the path of a folder')
  if (typeof disk?.write !== 'function' || typeof disk.sync !== 'function') throw new TypeError('fileLog: disk must have write and sync')
  return { dir, disk }
}
