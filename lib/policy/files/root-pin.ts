import { statSync } from 'node:fs'

/** Which folder stood at a path. */
export interface RootPin {
  readonly dev: bigint
  readonly ino: bigint
  readonly birth: bigint
  readonly change: bigint
}

/** The folder that a path leads to now; `undefined` where there is none. */
export function pinOf(path: string): RootPin | undefined {
  try {
    const { dev, ino, birthtimeNs: birth, ctimeNs: change } = statSync(path, { bigint: true })
    return { dev, ino, birth, change }
  } catch {
    return undefined
  }
}

/**
 * Does the path still lead to the same folder? By file system and number, and, because a number is given again, by the time of birth where the file system keeps
 * one: where it does not, Node gives the last change in its place.
 */
export function isPinned(pin: RootPin, path: string): boolean {
  const now = pinOf(path)
  if (now === undefined || now.dev !== pin.dev || now.ino !== pin.ino) return false
  const hasBirths = pin.birth !== pin.change || now.birth !== now.change
  return !hasBirths || now.birth === pin.birth
}
