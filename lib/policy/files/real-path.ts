import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'

/** Where a path leads when the links in it are followed, as the kernel does. */
export interface RealPath {
  readonly path: string
  /** What is there; `undefined` where nothing is. */
  readonly stats: Stats | undefined
  /** The file system of the last part that is there. */
  readonly dev: number
  /** It is in, or leads through, what is no file on a disk. What stands there leads elsewhere than its text says. */
  readonly isPseudo: boolean
}

/** The most links that are followed, as on Linux. */
const mostLinks = 40

/** Processes, devices and, on macOS, files by their number. */
export const isPseudo = (path: string): boolean => /^\/(?:proc|sys|dev|\.vol)(?:\/|$)/i.test(path)

/**
 * Follows a path part by part: a link before a `..` counts, unlike in a path that is shortened first. Parts that do not exist are kept as they
 * stand.
 * @param path - absolute
 * @throws Error where the path cannot be followed: too many links, no permission, a file in the place of a folder, a link to a name that is no UTF-8
 */
export function realPath(path: string): RealPath {
  const { root } = parse(path)
  return follow(root, partsOf(path.slice(root.length)))
}

const partsOf = (path: string): string[] => path.split(sep === '\\' ? /[\\/]+/ : /\/+/).filter(part => part !== '' && part !== '.')

function follow(root: string, parts: string[]): RealPath {
  let at = root
  let stats: Stats | undefined = lstatSync(root)
  let { dev } = stats
  let pseudo = false
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift()!
    const next = part === '..' ? dirname(at) : join(at, part)
    const found = statsOf(next)
    pseudo ||= isPseudo(next)
    if (found?.isSymbolicLink()) {
      if (++links > mostLinks) throw new Error('too many links')
      const target = targetOf(next)
      if (target === undefined) {
        parts.unshift(part)
        continue
      }
      parts.unshift(...partsOf(target.slice(parse(target).root.length)))
      if (parse(target).root !== '') at = parse(resolve(at, target)).root
      continue
    }
    at = next
    stats = found
    dev = found?.dev ?? dev
  }
  return { path: at, stats: stats?.isSymbolicLink() ? undefined : stats, dev, isPseudo: pseudo }
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** `undefined` where it has just been exchanged for something that is no link. */
function targetOf(link: string): string | undefined {
  try {
    return utf8(readlinkSync(link, { encoding: 'buffer' }))
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** A name of other bytes has no text that leads back to it. @throws Error where it is none */
export function utf8(bytes: Buffer): string {
  const text = bytes.toString()
  if (!Buffer.from(text).equals(bytes)) throw new Error('a name that is no UTF-8')
  return text
}
