import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** One process of this machine. */
export interface ProcessFacts {
  readonly pid: number
  readonly parent: number
  /** The id of its process group. */
  readonly group: number
  /** The id of its session; 0 where the system does not tell. */
  readonly session: number
  /** When it began, in the system's own words: with the id, it tells one process from a later one of the same id. */
  readonly startedAt: string
  /** It has ended, and nobody has asked for its exit code yet. */
  readonly ended: boolean
  /** It is halted: by Ctrl-Z, or by itself. */
  readonly halted: boolean
}

/** Every process, now: from `/proc` where there is one, else from `ps`. */
export function listProcesses(platform: NodeJS.Platform = process.platform): readonly ProcessFacts[] {
  return platform === 'linux' ? fromProc() : fromPs()
}

const isPid = (name: string): boolean => /^\d+$/.test(name)

function fromProc(): readonly ProcessFacts[] {
  return readdirSync('/proc')
    .filter(isPid)
    .flatMap(pid => factsOf(Number(pid)) ?? [])
}

/** One process; `undefined` where it is gone. Linux. */
function factsOf(pid: number): ProcessFacts | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : parseStat(pid, stat)
}

/** A line of `/proc/<pid>/stat` (proc_pid_stat(5)). The name of the program, in brackets, may hold anything: the fields begin behind the last one. */
export function parseStat(pid: number, stat: string): ProcessFacts {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent, group, session] = fields
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startedAt: fields[19]!,
    ended: state === 'Z' || state === 'X',
    halted: state === 'T',
  }
}

function fromPs(): readonly ProcessFacts[] {
  const text = execFileSync('ps', ['-axo', 'pid=,ppid=,pgid=,stat=,lstart='], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  return parsePs(text)
}

/** What `ps -axo pid=,ppid=,pgid=,stat=,lstart=` prints. */
export function parsePs(text: string): readonly ProcessFacts[] {
  return [...text.matchAll(/^ *(\d+) +(\d+) +(\d+) +(\S+) +(.+?) *$/gm)].map(([, pid, parent, group, state, startedAt]) => ({
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: 0,
    startedAt: startedAt!,
    ended: state!.startsWith('Z'),
    halted: state!.startsWith('T'),
  }))
}

/** The processes whose environment, as it was when they began, holds this text. Empty where the system does not show it. */
export function withInEnvironment(text: string, platform: NodeJS.Platform = process.platform): ReadonlySet<number> {
  if (platform !== 'linux') return new Set()
  const pids = readdirSync('/proc').filter(pid => isPid(pid) && read(`/proc/${pid}/environ`)?.includes(text))
  return new Set(pids.map(Number))
}

/** It may have ended meanwhile, or be another user's. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
