import { readFileSync } from 'node:fs'
import { open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Who holds a lock. `started` tells a process from a later one with the same number, where the system says it. */
interface Holder {
  readonly pid: number
  readonly host: string
  readonly started?: string
}

const name = /^lock-(\d{1,9})$/
/** Between making a lock and writing who holds it: a file that names nobody for longer is what a crash has left. */
const writingMs = 10_000

/**
 * Takes the lock of a folder: a file that names the process, made with O_EXCL. The lock of a process that is gone is taken over: the file
 * with the next number is made, so that of many who try only one can win. `undefined`: somebody living holds it.
 */
export async function takeLock(folder: string): Promise<LockFile | undefined> {
  const held = await locksOf(folder)
  const last = held.at(-1) ?? 0
  if (last > 0 && (await isAlive(folder, last))) return undefined
  const mine = last + 1
  if (!(await make(folder, mine))) return undefined
  // Who listed the folder long ago can find an old number free: the highest holds.
  if ((await locksOf(folder)).at(-1) !== mine) {
    await remove(folder, mine)
    return undefined
  }
  for (const old of held) await remove(folder, old)
  return new LockFile(folder, mine)
}

/** What the lock of a folder says: nobody has it, somebody living, or somebody who is gone. */
export async function lockState(folder: string): Promise<'free' | 'held' | 'stale'> {
  const last = (await locksOf(folder)).at(-1)
  if (last === undefined) return 'free'
  if (await isAlive(folder, last)) return 'held'
  // It can be given up in good order while it is looked at.
  return (await locksOf(folder)).includes(last) ? 'stale' : lockState(folder)
}

/** A lock that this process holds. */
export class LockFile {
  readonly #folder: string
  readonly #number: number

  constructor(folder: string, number: number) {
    this.#folder = folder
    this.#number = number
  }

  /** The same lock, where its folder has another name now. */
  in(folder: string): LockFile {
    return new LockFile(folder, this.#number)
  }

  /** Gives the lock up. */
  release(): Promise<void> {
    return remove(this.#folder, this.#number)
  }
}

async function locksOf(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  return names
    .map(file => Number(name.exec(file)?.[1] ?? 0))
    .filter(number => number > 0)
    .sort((a, b) => a - b)
}

const fileOf = (folder: string, number: number): string => join(folder, `lock-${number}`)

async function make(folder: string, number: number): Promise<boolean> {
  const started = startOf(process.pid)
  const holder: Holder = { pid: process.pid, host: hostname(), ...(started === undefined ? {} : { started }) }
  try {
    const file = await open(fileOf(folder, number), 'wx', 0o600)
    await file
      .writeFile(`${JSON.stringify(holder)}\n`)
      .finally(() => file.close())
      .catch(error => remove(folder, number).finally(() => Promise.reject(error)))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function remove(folder: string, number: number): Promise<void> {
  await unlink(fileOf(folder, number)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Where it is not certain that the holder is gone, it lives. */
async function isAlive(folder: string, number: number): Promise<boolean> {
  const holder = await holderOf(folder, number)
  if (!holder) return isYoung(folder, number)
  if (holder.host !== hostname()) return true
  return exists(holder.pid) && (holder.started === undefined || holder.started === startOf(holder.pid))
}

async function isYoung(folder: string, number: number): Promise<boolean> {
  const made = await stat(fileOf(folder, number)).catch(() => undefined)
  return made !== undefined && Date.now() - made.mtimeMs < writingMs
}

/** `undefined`: the file names nobody, or is gone. */
async function holderOf(folder: string, number: number): Promise<Holder | undefined> {
  try {
    const { pid, host, started } = JSON.parse(await readFile(fileOf(folder, number), 'utf8')) as Partial<Holder>
    if (!Number.isInteger(pid) || pid! < 1 || typeof host !== 'string') return undefined
    return { pid: pid!, host, ...(typeof started === 'string' ? { started } : {}) }
  } catch {
    return undefined
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** The boot and the tick in which a process began, on Linux: in containers the number of a process comes again. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${boot}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}
