import { lstatSync, type Stats } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { foldName } from '../../core/fold-name.js'
import { shown } from '../check-options.js'
import { mountIdAt } from './mount-id.js'
import type { PathPattern } from './path-patterns.js'
import { isProtected } from '../self-modification/protected-paths.js'
import { isPseudo, realPath } from './real-path.js'
import { isPinned, type RootPin } from './root-pin.js'
import { strangePath } from './strange-path.js'
import type { HeldFile } from '../types.js'

/** What is done with a file. */
export type Use = HeldFile['use']

/** What `rules.files` was told, resolved when it was made. */
export interface FilePlaces {
  readonly root: string
  readonly realRoot: string
  /** Which folder the root was; `undefined` where there was none. */
  readonly pin: RootPin | undefined
  /** Real paths; `undefined` allows all. */
  readonly folders: Readonly<Record<Use, readonly string[] | undefined>>
  readonly deny: readonly PathPattern[]
}

/** What is wrong with using the file that a path leads to, as facts; `undefined` where it may be. Each way of reading the path must lead to a place that is allowed. */
export function pathFinding(places: FilePlaces, use: Use, path: unknown, given: unknown = path): string | undefined {
  const strange = strangePath(path)
  if (strange !== undefined) return strange
  if (places.pin && !isPinned(places.pin, places.root)) return 'the root is not the folder that it was'
  for (const form of readings(places.root, path as string)) {
    const finding = readingFinding(places, use, form, given as string)
    if (finding !== undefined) return finding
  }
  return undefined
}

/** As the kernel reads it; as a tool does that takes `..` out first; as one does that trims. */
function readings(root: string, path: string): readonly string[] {
  const plain = isAbsolute(path) ? path : `${root}${sep}${path}`
  const trimmed = path.trim()
  return [plain, ...(path.includes('..') ? [resolve(root, path)] : []), ...(trimmed === path ? [] : [resolve(root, trimmed)])]
}

function readingFinding(places: FilePlaces, use: Use, form: string, given: string): string | undefined {
  const real = followed(form)
  if (real === undefined) return `the path ${shown(given)} cannot be followed`
  const lexical = resolve(form)
  if (isProtected(given) || isProtected(lexical) || isDenied(places, lexical)) return `${shown(given)} is denied`
  if (isPseudo(lexical) || real.isPseudo) return `${shown(given)} is no file on a disk`
  return heldFinding(places, { use, ...real }, given)
}

function followed(path: string): ReturnType<typeof realPath> | undefined {
  try {
    return realPath(path)
  } catch {
    return undefined
  }
}

/** What is wrong with using a file, by where it is. */
export function heldFinding(places: FilePlaces, file: HeldFile, given: string): string | undefined {
  const { use, path, stats } = file
  if (isProtected(path) || isDenied(places, path)) return `${shown(given)} is denied`
  if (isPseudo(path)) return `${shown(given)} is no file on a disk`
  const around = places.folders[use]?.filter(folder => isInside(folder, path))
  if (around?.length === 0) return `${shown(given)} is outside of what may be ${use === 'read' ? 'read' : 'written'}`
  if (around && !around.some(folder => isOnMountOf(folder, file))) return `${shown(given)} is on another file system than its folder`
  return stats && oddFile(stats, use, given)
}

function isDenied({ root, realRoot, deny }: FilePlaces, path: string): boolean {
  if (deny.length === 0) return false
  const forms = [path, relative(root, path), relative(realRoot, path)].map(foldedParts)
  return deny.some(matches => forms.some(matches))
}

const foldedParts = (path: string): readonly string[] =>
  path
    .split(sep)
    .filter(part => part !== '')
    .map(foldName)

/** Is a path the folder itself or below it? Part by part: `/ws-evil` is not in `/ws`. */
function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

/** Whoever gives the root of all gives all that is mounted there. A folder that is not there yet is on no file system. */
function isOnMountOf(folder: string, { path, dev, mountId }: HeldFile): boolean {
  if (folder === path || folder === '/') return true
  const now = lstatSync(folder, { throwIfNoEntry: false })
  if (now === undefined) return true
  return now.dev === dev && (mountId === undefined || mountIdAt(folder) === mountId)
}

function oddFile(stats: Stats, use: Use, given: string): string | undefined {
  if (!stats.isFile() && !stats.isDirectory()) return `${shown(given)} is neither a file nor a folder`
  if (use === 'write' && stats.isDirectory()) return `${shown(given)} is a folder`
  return use === 'write' && stats.nlink > 1 ? `${shown(given)} has another name on the disk` : undefined
}
