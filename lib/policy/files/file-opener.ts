import { closeSync, constants, lstatSync, mkdirSync, openSync, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type HeldPlace, isAt, MovedError, placeOf } from './held-place.js'
import { pathOnly } from './mount-id.js'
import { type RealPath, realPath } from './real-path.js'

/** Throws where the place may not be used. */
export type JudgePlace = (place: HeldPlace) => void

/** Opens and makes files so that what was judged is what is used. Paths are absolute; `flags` say how the handle may be used. */
export interface FileOpener {
  /** @throws MovedError where it should be tried anew; the system's error, `ENOENT` where nothing stands there */
  open(path: string, flags: number, judge: JudgePlace): Promise<FileHandle>
  /** @throws the same; `EEXIST` where something stands there */
  make(path: string, flags: number, judge: JudgePlace): Promise<FileHandle>
  /** Makes one folder. @throws the same */
  makeFolder(path: string, judge: JudgePlace): void
}

// Windows has neither: there they are 0.
const { O_CREAT, O_EXCL, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants

/** Never waits for the other end of a FIFO, never takes a terminal. */
const calm = O_NONBLOCK | O_NOCTTY

/** `O_NOFOLLOW_ANY` of macOS 11 and later, <sys/fcntl.h>: a link in any part of the path is an error. */
const noLinkAtAll = 0x20000000

/** The opener for a system, by the name that `process.platform` has for it. */
export function openerFor(platform: string): FileOpener {
  if (platform === 'linux') return byHandle
  return byPath(platform === 'darwin' ? noLinkAtAll : O_NOFOLLOW)
}

/**
 * Linux: the kernel follows the path once and gives a handle that cannot be used for anything yet. What it holds is judged, by the place that the kernel names,
 * and the same handle is then opened. A new file is made in a folder that is held the same way.
 */
const byHandle: FileOpener = {
  open: (path, flags, judge) =>
    holding(path, pathOnly, async held => {
      judge(placeOf(held))
      return open(`/proc/self/fd/${held}`, flags | calm)
    }),
  make: (path, flags, judge) =>
    inFolder(path, judge, async child => {
      const handle = await open(child, flags | calm | O_CREAT | O_EXCL, 0o666)
      return closedUnless(handle, () => judge(placeOf(handle.fd)))
    }),
  makeFolder: (path, judge) => void inFolder(path, judge, child => mkdirSync(child)),
}

/** The folder that is to take what a path names, held and judged; `use` gets a path that starts at the handle. Links to nothing lead to their target. */
function inFolder<T>(path: string, judge: JudgePlace, use: (child: string) => T): T {
  const real = realPath(path).path
  return holding(dirname(real), pathOnly | O_DIRECTORY, held => {
    const folder = placeOf(held)
    judge({ ...folder, path: join(folder.path, basename(real)), stats: undefined })
    return use(`/proc/self/fd/${held}/${basename(real)}`)
  })
}

/** Closes the handle when the work has ended. */
function holding<T>(path: string, flags: number, use: (held: number) => T): T {
  const held = openSync(path, flags)
  let later = false
  try {
    const result = use(held)
    if (!(result instanceof Promise)) return result
    later = true
    return result.finally(() => closeSync(held)) as T
  } finally {
    if (!later) closeSync(held)
  }
}

/**
 * Other systems: the links are followed here, the path without links is judged and opened, and what was opened must be what was judged. On macOS the kernel
 * refuses a link in any part, so that no part can be exchanged for one; elsewhere that is looked at before and after.
 */
function byPath(noLink: number): FileOpener {
  return {
    async open(path, flags, judge) {
      const real = realPath(path)
      const stats = lstatSync(real.path)
      judge({ path: real.path, stats, dev: stats.dev })
      const handle = await unlinked(open(real.path, flags | calm | noLink))
      return closedUnless(handle, async () => checkSame(real.path, stats, await handle.stat()))
    },
    async make(path, flags, judge) {
      const real = realPath(path)
      judge(asPlace(real))
      const handle = await unlinked(open(real.path, flags | calm | O_CREAT | O_EXCL | noLink, 0o666))
      return closedUnless(handle, async () => {
        const stats = await handle.stat()
        checkSame(real.path, stats, stats)
        judge({ path: real.path, stats, dev: stats.dev })
      })
    },
    makeFolder(path, judge) {
      const real = realPath(path)
      judge(asPlace(real))
      mkdirSync(real.path)
    },
  }
}

const asPlace = ({ path, dev }: RealPath): HeldPlace => ({ path, dev, stats: undefined })

function unlinked(opening: Promise<FileHandle>): Promise<FileHandle> {
  // ENXIO: a FIFO that nobody reads.
  const isMoved = ({ code }: NodeJS.ErrnoException) => code === 'ELOOP' || code === 'ENXIO'
  return opening.catch(error => Promise.reject(isMoved(error) ? new MovedError('a link or a FIFO has come into the path') : error))
}

function checkSame(path: string, judged: Stats, opened: Stats): void {
  const again = realPath(path)
  if (opened.ino !== judged.ino || opened.dev !== judged.dev || again.path !== path || !isAt(path, opened))
    throw new MovedError('what was opened is not what was judged')
}

async function closedUnless(handle: FileHandle, check: () => void | Promise<void>): Promise<FileHandle> {
  try {
    await check()
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}
