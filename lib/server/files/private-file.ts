import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, type Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ConfigError } from '../../core/errors.js'
import { checkFolder, forbidden, syncFolder, writeNewFile } from '../../ctx/keys/key-file.js'

// Those that a platform lacks are nothing there.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants
/** Nothing of ours is longer: what is has been put there by somebody else. */
const mostBytes = 1_048_576

/**
 * Makes a folder that only this user may look into, and the folders above it where they lack.
 * @throws ConfigError where it cannot be made; SigningError where a link, another user's folder or one that is open to others stands in its place
 */
export function privateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(`the folder ${path} cannot be made (${code}); name one below a folder that can be written`, { path, code })
  }
  checkFolder(path, forbidden.everything)
}

/**
 * Writes a file of 0600 as a whole: it holds the old text or the new one, whenever the process ends. When this returns, it is on the disk.
 * @throws ConfigError where something that is not a file of this user stands in its place
 */
export function writePrivateFile(path: string, text: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there) checkOurs(path, there)
  const making = join(dirname(path), `.${basename(path)}-${randomBytes(8).toString('hex')}`)
  try {
    writeNewFile(making, text, 0o600)
    renameSync(making, path)
  } catch (error) {
    rmSync(making, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/**
 * The text of a file that only this user can read; `undefined` where there is none. All is asked of the file that was opened, so it cannot be
 * exchanged in between.
 * @throws ConfigError where something else stands in its place: a link, another user's file, one that others may read
 */
export function readPrivateFile(path: string): string | undefined {
  const file = openedOrNone(path)
  if (file === undefined) return undefined
  try {
    const stats = fstatSync(file)
    checkOurs(path, stats)
    checkClosed(path, stats)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** Takes a file away for good: when this returns, its name is gone from the disk. Where there is none, nothing happens. */
export function removePrivateFile(path: string): void {
  rmSync(path, { force: true })
  syncFolder(dirname(path))
}

function openedOrNone(path: string): number | undefined {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new ConfigError(`${path} ${code === 'ELOOP' ? 'is a symbolic link; take it away' : `cannot be read (${code})`}`, { path, code })
  }
}

function checkOurs(path: string, stats: Stats): void {
  if (!stats.isFile() || stats.nlink > 1) throw new ConfigError(`${path} is a link or no regular file; take it away`, { path })
  const user = process.geteuid?.()
  if (user !== undefined && stats.uid !== user)
    throw new ConfigError(`${path} belongs to user ${stats.uid}, not to ${user}, who runs this; take it away`, { path })
  if (stats.size > mostBytes) throw new ConfigError(`${path} is longer than ${mostBytes} bytes; take it away`, { path })
}

/** Modes say nothing on Windows. */
function checkClosed(path: string, { mode }: Stats): void {
  if (process.geteuid && (mode & forbidden.everything) !== 0)
    throw new ConfigError(`${path} is open to other users (mode ${(mode & 0o7777).toString(8)}); close it: chmod 600 ${path}`, { path })
}
