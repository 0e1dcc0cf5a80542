import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'

/** Where a path leads when the links in it are followed, as the kernel does. */
export interface RealPath {
  readonly path: string
  /** What is there; `undefined` where nothing is. */
  readonly stats: Stats | undefined
}

/** The most links that are followed, as on Linux. */
const mostLinks = 40

/**
 * Follows a path part by part: a link before a `..` counts, unlike in a path that is shortened first. Parts that do not exist are kept as they
 * stand.
 * @param path - absolute
 * @throws Error where the path cannot be followed: too many links, no permission, a file in the place of a folder
 */
export function realPath(path: string): RealPath {
  const { root } = parse(path)
  return follow(root, partsOf(path.slice(root.length)))
}

const partsOf = (path: string): string[] => path.split(sep === '\\' ? /[\\/]+/ : /\/+/).filter(part => part !== '' && part !== '.')

function follow(root: string, parts: string[]): RealPath {
  let at = root
  let stats: Stats | undefined = lstatSync(root)
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift()!
    const next = part === '..' ? dirname(at) : join(at, part)
    const found = statsOf(next)
    if (found?.isSymbolicLink()) {
      if (++links > mostLinks) throw new Error('too many links')
      const target = readlinkSync(next)
      parts.unshift(...partsOf(target.slice(parse(target).root.length)))
      if (parse(target).root !== '') at = parse(resolve(at, target)).root
      continue
    }
    at = next
    stats = found
  }
  return { path: at, stats: stats?.isSymbolicLink() ? undefined : stats }
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}
