import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers'
import { type Clock, systemClock } from '../core/clock.js'
import type { Halt, Halted } from '../core/halt.js'

/** What `outrigger kill` writes into the file: who, and why. */
export interface KillNote {
  readonly by: string
  readonly reason: string
}

/** What it says may be this old, in milliseconds. */
const freshMs = 250
/** How soon it looks again while something is running, in milliseconds. */
const soonMs = 500
const longestNote = 1024

/**
 * The file that stops every sidecar of a folder while it is there: `OUTRIGGER_KILL_SWITCH` where the environment names one, else `.context/kill` in the
 * working directory.
 * @returns an absolute path
 */
export function killSwitchFile(env: Readonly<Record<string, string | undefined>> = process.env, cwd: string = process.cwd()): string {
  return resolve(cwd, env.OUTRIGGER_KILL_SWITCH || '.context/kill')
}

/** Real time past the timers that tests replace and count: looking is nothing that a layer has left behind. */
const ownTime: Pick<Clock, 'monotonic' | 'after'> = {
  monotonic: systemClock.monotonic,
  after: (ms, look) => {
    const timer = setTimeout(look, ms).unref()
    return () => clearTimeout(timer)
  },
}

/**
 * The kill switch of a sidecar: a file that stops it by being there, whatever is in it. One that cannot be looked at counts as set. It is looked at
 * by the real clock, whatever clock the sidecar has: a person who throws it lives in real time.
 */
export class KillSwitch implements Halt {
  readonly #file: string
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>
  #lookedAt = Number.NEGATIVE_INFINITY
  #halted: Halted | undefined

  constructor(file: string, clock: Pick<Clock, 'monotonic' | 'after'> = ownTime) {
    this.#file = file
    this.#clock = clock
  }

  now(): Halted | undefined {
    const now = this.#clock.monotonic()
    if (now - this.#lookedAt >= freshMs) {
      this.#lookedAt = now
      this.#halted = haltedBy(this.#file)
    }
    return this.#halted
  }

  soon(look: () => void): void {
    this.#clock.after(soonMs, look)
  }
}

function haltedBy(file: string): Halted | undefined {
  try {
    const stats = lstatSync(file, { throwIfNoEntry: false })
    return (
      stats && {
        reason: `the kill switch ${file} is set${saidBy(file, stats)}`,
        lift: 'remove that file, or run outrigger kill --lift, to go on',
      }
    )
  } catch (error) {
    return absent(error)
      ? undefined
      : { reason: `the kill switch ${file} cannot be looked at (${codeOf(error)})`, lift: 'let this process look at it to go on' }
  }
}

/** A file in the place of a folder of the path: then there is no such file. */
const absent = (error: unknown): boolean => codeOf(error) === 'ENOTDIR'
const codeOf = (error: unknown): string => (error as { readonly code?: string }).code ?? 'unknown'

function saidBy(file: string, stats: Stats): string {
  const { by, reason } = noteIn(file, stats)
  const at = stats.mtime.toISOString()
  return ` by ${by ?? `user ${stats.uid}`} at ${at}${reason ? `: ${reason}` : ''}`
}

function noteIn(file: string, stats: Stats): Partial<KillNote> {
  try {
    const { by, reason } = stats.isFile() ? (JSON.parse(firstOf(file)) as Record<string, unknown>) : {}
    return { by: plain(by), reason: plain(reason) }
  } catch {
    return {}
  }
}

/** Never waits: what is no file any more, a pipe for one, is not read. */
function firstOf(file: string): string {
  const opened = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const bytes = Buffer.alloc(longestNote)
    return fstatSync(opened).isFile() ? bytes.toString('utf8', 0, readSync(opened, bytes)) : ''
  } finally {
    closeSync(opened)
  }
}

/** One line of letters, digits and signs, short: it stands in messages and logs. */
function plain(text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '') return undefined
  return text
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, ' ')
    .trim()
    .slice(0, 200)
}
