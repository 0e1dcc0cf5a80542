import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'

/** Reads a file of rules. Throws an `Error` that says why it is refused. */
export type PolicyReader = (path: string) => string

const mostBytes = 2 ** 20

/**
 * Reads a file of rules that nobody but its owner can have written: it belongs to the user of this process or to root, and neither its group nor others
 * may write it. What is looked at is what is read. (Windows has no such bits: there, who may write is not looked at.)
 * @throws Error that says why it is refused, and what to do
 */
export const readOwned: PolicyReader = path => {
  const opened = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const wrong = unfit(fstatSync(opened))
    if (wrong !== undefined) throw new Error(wrong)
    return readFileSync(opened, 'utf8')
  } finally {
    closeSync(opened)
  }
}

function unfit(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'it is no file'
  if (stats.size > mostBytes) return `it is larger than ${mostBytes} bytes`
  return process.getuid ? strangers(stats, process.getuid()) : undefined
}

function strangers({ uid, mode }: Stats, own: number): string | undefined {
  if (uid !== own && uid !== 0) return `it belongs to user ${uid}, not to ${own} or root; chown it`
  return (mode & 0o022) === 0 ? undefined : `others may write it (mode ${(mode & 0o777).toString(8)}); chmod go-w it`
}
