import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { foldName } from './fold-name.js'
import { ownPlaces } from './process.js'

/** Absolute paths by the form in which they are compared: folded, with `/` between the parts. */
export type Places = ReadonlyMap<string, string>

/**
 * Notes that this process keeps `path` for itself: books, keys, a log. Rules refuse an agent to touch it or what is below it. Nothing is ever taken
 * out: books stay books when they are closed.
 */
export function keepForItself(...paths: readonly string[]): void {
  const own = ownPlaces()
  for (const [folded, path] of placesOf(paths)) own.set(folded, path)
}

/** What this process keeps for itself. */
export function ownFiles(): Places {
  return ownPlaces()
}

/** Each path as it is given and as its links lead, folded. */
export function placesOf(paths: readonly string[]): Places {
  const both = paths.flatMap(path => [resolve(path), realOf(resolve(path))])
  return new Map(both.map(path => [foldedPath(path), path]))
}

/** A path as it is compared. */
export function foldedPath(path: string): string {
  return path.split(sep).map(foldName).join('/')
}

/** Where the part that is there leads, and the rest as it stands. */
function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const above = dirname(path)
    return above === path ? path : join(realOf(above), basename(path))
  }
}
