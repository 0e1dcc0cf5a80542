import { type BigIntStats, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Which folder stood at a path. */
export interface RootPin {
  readonly dev: bigint
  readonly ino: bigint
  /** Nanoseconds. */
  readonly birth: bigint
  /** Is it known that the file system keeps times of birth? */
  readonly keepsBirths: boolean
}

/** The folder that a path leads to now; `undefined` where there is none. */
export function pinOf(path: string): RootPin | undefined {
  const stats = statsOf(path)
  return stats && { dev: stats.dev, ino: stats.ino, birth: stats.birthtimeNs, keepsBirths: keepsBirths(path, stats) }
}

/**
 * Does the path still lead to the same folder? By file system and number, and, because a number is given again, by the time of birth where the file system keeps
 * one.
 */
export function isPinned(pin: RootPin, path: string): boolean {
  const now = statsOf(path)
  if (now === undefined || now.dev !== pin.dev || now.ino !== pin.ino) return false
  return now.birthtimeNs === pin.birth || !(pin.keepsBirths || isOlderThanItsChange(now))
}

function statsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return undefined
  }
}

/** Where no births are kept, Node gives the last change for one. A new folder has both at once: the folders above it tell. */
function keepsBirths(path: string, stats: BigIntStats): boolean {
  if (isOlderThanItsChange(stats)) return true
  const above = statsOf(dirname(path))
  return above !== undefined && dirname(path) !== path && above.dev === stats.dev && keepsBirths(dirname(path), above)
}

const isOlderThanItsChange = ({ birthtimeNs, ctimeNs }: BigIntStats): boolean => birthtimeNs !== ctimeNs
