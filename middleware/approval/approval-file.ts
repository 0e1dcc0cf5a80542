import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants

/** Why a file or folder cannot be trusted, or is not what it should be: in words, without its content. */
export class UnfitFile extends Error {
  override readonly name = 'UnfitFile'
}

/**
 * Makes sure that the folder is there, is ours and is closed to others.
 * @throws UnfitFile that says the fix
 */
export function ownFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const stats = lstatSync(path)
  if (!stats.isDirectory()) throw new UnfitFile(`${path} is not a folder of its own; move it away`)
  checkAccess(path, stats.uid, stats.mode, 0o077, 'chmod go-rwx')
}

/**
 * Writes a file whole, readable for its owner alone, under a name that nobody has: it appears complete or not at all, and replaces nothing.
 * @throws the system's error, with the code EEXIST where the name is taken
 */
export function writeOnce(path: string, text: string): void {
  const draft = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`)
  const file = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    try {
      fchmodSync(file, 0o600)
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    // A link, not a renaming: that would replace what another has written.
    linkSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}

/**
 * The text of a regular file that nobody else could have written. All is asked of the file that was opened: it cannot be exchanged in between.
 * @throws UnfitFile, and the system's error where it cannot be opened
 */
export function readOwn(path: string, mostBytes: number): string {
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new UnfitFile('is not a regular file')
    checkAccess('the file', stats.uid, stats.mode, 0o022, 'chmod go-w')
    if (stats.size > mostBytes) throw new UnfitFile(`is larger than ${mostBytes} bytes`)
    return contentOf(file, stats.size)
  } finally {
    closeSync(file)
  }
}

function contentOf(file: number, size: number): string {
  const bytes = Buffer.alloc(size)
  let length = 0
  for (let read = -1; length < size && read !== 0; length += read) read = readSync(file, bytes, length, size - length, length)
  return bytes.toString('utf8', 0, length)
}

/** Owners and modes say nothing on Windows. */
function checkAccess(what: string, owner: number, mode: number, forbidden: number, fix: string): void {
  const user = process.geteuid?.()
  if (user === undefined) return
  if (owner !== user) throw new UnfitFile(`${what} belongs to user ${owner}, not to ${user}, who runs this`)
  if ((mode & forbidden) !== 0) throw new UnfitFile(`${what} is open to other users (mode ${(mode & 0o777).toString(8)}): ${fix}`)
}
