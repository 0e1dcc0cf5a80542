import { fstatSync, lstatSync, readlinkSync, type Stats } from 'node:fs'
import { mountIdOf } from './mount-id.js'
import { utf8 } from './real-path.js'
import type { HeldFile } from '../types.js'

/** Where an open file is, whatever is done with it. */
export type HeldPlace = Omit<HeldFile, 'use'>

/** What stands at a path is no longer what stood there a moment before. */
export class MovedError extends Error {
  override readonly name = 'MovedError'
}

/**
 * Where an open file is, as the kernel of Linux says: no path is followed to find out.
 * @throws MovedError where that is not a place at which it can be found now: it is gone, or of another file system tree
 * @throws Error where there is no /proc
 */
export function placeOf(fd: number): HeldPlace {
  const stats = fstatSync(fd)
  const path = nameOf(fd)
  if (!path.startsWith('/') || !isAt(path, stats)) throw new MovedError('it is not where it was opened')
  return { path, stats, dev: stats.dev, mountId: mountIdOf(fd) }
}

function nameOf(fd: number): string {
  try {
    return utf8(readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }))
  } catch (cause) {
    throw new Error('guardedFiles: /proc does not say where an open file is', { cause })
  }
}

/** Is the file that stands at a path this one? */
export function isAt(path: string, { dev, ino }: Stats): boolean {
  try {
    const now = lstatSync(path)
    return now.ino === ino && now.dev === dev
  } catch {
    return false
  }
}
