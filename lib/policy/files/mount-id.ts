import { closeSync, constants, openSync, readFileSync } from 'node:fs'

/** `O_PATH` of Linux on every processor that Node runs on: names a file without opening it. No FIFO waits, no device is touched. */
export const pathOnly = 0o10000000

/** By which mount an open file was reached, on Linux; `undefined` where /proc does not say. */
export function mountIdOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
}

/** By which mount a path is reached, on Linux, its last part not followed. @throws Error where there is nothing */
export function mountIdAt(path: string): string | undefined {
  const fd = openSync(path, pathOnly | constants.O_NOFOLLOW)
  try {
    return mountIdOf(fd)
  } finally {
    closeSync(fd)
  }
}
