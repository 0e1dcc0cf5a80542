import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { foldName } from '../../core/fold-name.js'
import { ownFiles, type Places } from '../../core/own-files.js'

/**
 * Files that steer an agent's sidecar, in any folder: its configuration, its rules, the folder of record and keys, and books by their usual names. With
 * `~`: the short names that Windows makes of them.
 */
const ownNames = /^(\.context|outrigger\.(config|policy)(\..*)?|(outrigger|ledger)\.(sqlite3?|db)|(contex|outrig)~\d+(\..*)?)$/

/** What SQLite keeps beside a file of books. */
const beside = /-(?:wal|shm|journal)$/

const none: Places = new Map()

/**
 * Does a path lead to, or through, what steers the sidecar, what this process keeps for itself, or `also`? Letter case does not count: on some file
 * systems it does not either.
 */
export function isProtected(path: string, also: Places = none): boolean {
  const parts = path.split(/[\\/]+/).map(foldName)
  return parts.some(part => ownNames.test(bare(part))) || isBelow(parts, also) || isBelow(parts, ownFiles())
}

/** Without what Windows leaves out, a stream and dots and spaces at the end, and without what SQLite adds. */
function bare(part: string): string {
  const name = part.replace(/(?!^):.*$/, '').replace(/[. ]+$/, '')
  return (name || part).replace(beside, '')
}

function isBelow(parts: readonly string[], places: Places): boolean {
  if (places.size === 0) return false
  return parts.some((_, at) => {
    const path = parts.slice(0, at + 1).join('/')
    return places.has(path) || places.has(path.replace(beside, ''))
  })
}

/** No more names than these are looked at for one file. */
const mostNames = 10_000

/**
 * Is a file of several names (hard links) one of those that steer the sidecar? Looks at `also`, at what this process keeps, and at the files of their
 * names in `folder`. True where there are too many to look at.
 */
export function isProtectedByAnotherName({ dev, ino, nlink }: Stats, folder: string, also: Places): boolean {
  if (nlink < 2) return false
  let left = mostNames
  for (const path of candidates(folder, also)) {
    if (left-- === 0) return true
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats?.ino === ino && stats.dev === dev) return true
  }
  return false
}

function* candidates(folder: string, also: Places): Generator<string> {
  const named = namesIn(folder).filter(name => ownNames.test(bare(foldName(name))))
  for (const path of [...also.values(), ...ownFiles().values(), ...named.map(name => join(folder, name))]) yield* withContent(path)
}

function* withContent(path: string): Generator<string> {
  yield path
  for (const name of namesIn(path)) yield* withContent(join(path, name))
}

/** What is in a folder; nothing where it is none. Links are not followed. */
function namesIn(path: string): readonly string[] {
  try {
    return lstatSync(path).isDirectory() ? readdirSync(path) : []
  } catch {
    return []
  }
}
