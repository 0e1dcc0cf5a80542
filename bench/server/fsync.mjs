import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from '../measure.mjs'

/** What it costs to make 4 kB durable where the record of a run is kept: the median of 31 times, in milliseconds. */
export function fsyncMs() {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-fsync-'))
  const file = openSync(join(folder, 'file'), 'w')
  try {
    return median(Array.from({ length: 31 }, () => timed(() => durable(file))))
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true, force: true })
  }
}

function durable(file) {
  writeSync(file, Buffer.alloc(4096, 7))
  fsyncSync(file)
}

function timed(work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

/** Above this a run would measure the disk, and not the companion: the record is then kept in memory. */
export const slowDiskMs = 0.5
