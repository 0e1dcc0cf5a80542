import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, openSync, readSync, type Stats, writeSync } from 'node:fs'
import { SigningError } from '../../core/errors.js'

// Those that a platform lacks are nothing there.
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_DIRECTORY = 0, O_NOCTTY = 0 } = constants

/** What others may not do with a file or a folder: bits of its mode. */
export const forbidden: { readonly everything: number; readonly writing: number } = Object.freeze({ everything: 0o077, writing: 0o022 })

/** The longest file that is read as a key of ours. */
const keyBytes = 1_000

/**
 * Makes a file that was not there, of exactly this mode whatever the umask, and waits until it is on the disk.
 * @throws the system's error, with the code EEXIST where something is there, a link too
 */
export function writeNewFile(path: string, text: string, mode: 0o600 | 0o644): void {
  const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
  try {
    fchmodSync(file, mode)
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * The text of a small regular file that others cannot change, nor read where `mask` says so. All is asked of the file that was opened, so it
 * cannot be exchanged in between. Links are refused, unless they are followed on purpose.
 * @throws SigningError that says the fix
 */
export function readTrustedFile(path: string, mask: number, links: 'refuse' | 'follow' = 'refuse', mostBytes: number = keyBytes): string {
  return opened(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | (links === 'refuse' ? O_NOFOLLOW : 0), file => {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new SigningError(`${path} is not a regular file; put a copy of the key in its place`)
    if (links === 'refuse' && stats.nlink > 1)
      throw new SigningError(`${path} has a second name (a hard link); put a copy of the key in its place`)
    checkAccess(stats, path, mask)
    return contentOf(file, path, mostBytes)
  })
}

/**
 * Makes sure that a folder is one, is ours, and that others cannot do in it what `mask` says.
 * @throws SigningError that says the fix
 */
export function checkFolder(path: string, mask: number, links: 'refuse' | 'follow' = 'refuse'): void {
  opened(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | (links === 'refuse' ? O_NOFOLLOW : 0), folder => {
    const stats = fstatSync(folder)
    if (!stats.isDirectory()) throw new SigningError(`${path} is not a folder; move it away`)
    checkAccess(stats, path, mask)
  })
}

/** Waits until the names in a folder are on the disk, where the platform can. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, O_RDONLY | O_DIRECTORY)
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function opened<T>(path: string, flags: number, work: (file: number) => T): T {
  const file = openOrExplain(path, flags)
  try {
    return work(file)
  } finally {
    closeSync(file)
  }
}

function openOrExplain(path: string, flags: number): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new SigningError(`${path} ${explanations[code ?? ''] ?? `cannot be opened (${code})`}`, { path, code }, error)
  }
}

const explanations: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; make the keys with `actx init`, or put them back',
  ELOOP: 'is a symbolic link; put a copy in its place',
  EMLINK: 'is a symbolic link; put a copy in its place',
  ENOTDIR: 'is not a folder, or a link to one; move it away',
  EACCES: 'cannot be read by the user that runs this; give it to that user',
  ENXIO: 'is not a regular file; put a copy of the key in its place',
}

/** Owners and modes say nothing on Windows. */
function checkAccess(stats: Stats, path: string, mask: number): void {
  const user = process.geteuid?.()
  if (user === undefined) return
  if (!isOwner(stats.uid, user, mask)) {
    throw new SigningError(`${path} belongs to user ${stats.uid}, not to ${user}, who runs this; change its owner: chown ${user} ${path}`)
  }
  if ((stats.mode & mask) !== 0) {
    const [shown, less] = [(stats.mode & 0o7777).toString(8), mask === forbidden.everything ? 'go-rwx' : 'go-w']
    throw new SigningError(`${path} is open to other users (mode ${shown}); close it: chmod ${less} ${path}`)
  }
}

/** What is only not to be changed may belong to the administrator. */
const isOwner = (owner: number, user: number, mask: number): boolean => owner === user || (owner === 0 && mask === forbidden.writing)

function contentOf(file: number, path: string, mostBytes: number): string {
  const bytes = Buffer.alloc(mostBytes + 1)
  try {
    const length = readSync(file, bytes, 0, bytes.length, 0)
    if (length > mostBytes) throw new SigningError(`${path} is too long to be a key; put the key back`)
    return bytes.toString('utf8', 0, length)
  } finally {
    bytes.fill(0)
  }
}
