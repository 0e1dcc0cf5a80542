import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/** How a process ended: its exit code, or the signal that ended it. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A command that runs. */
export interface Child {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** Sends a signal to it, or to its process group where it has one of its own. */
  signal(name: NodeJS.Signals): void
}

/** How a command is started. */
export interface ChildSpec {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** A process group and a session of its own. */
  readonly ownGroup: boolean
}

/** A command that could not be started. `exitCode` is the shell's: 127 it is not there, 126 it cannot be run. */
export class NotStarted extends Error {
  override readonly name = 'NotStarted'
  readonly exitCode: 126 | 127

  constructor(message: string, exitCode: 126 | 127) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Starts a command with our own streams. @throws NotStarted */
export async function startChild({ command, env, cwd, ownGroup }: ChildSpec): Promise<Child> {
  const [program, ...args] = command as [string, ...string[]]
  const child = spawn(program, args, { env, cwd, stdio: 'inherit', detached: ownGroup })
  const ended = endOf(child)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', error => reject(notStarted(program, error, env.PATH ?? '', cwd)))
  })
  const pid = child.pid!
  return { pid, ended, signal: name => signal(ownGroup ? -pid : pid, name) }
}

const endOf = (child: ChildProcess): Promise<Ended> =>
  new Promise(resolve => void child.once('exit', (code, signal) => resolve({ code, signal })))

/** It may have ended. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {}
}

/** The exit code that a shell gives for it: 128 and the signal's number for one that a signal ended. */
export function exitCodeOf({ code, signal }: Ended): number {
  return code ?? 128 + (signal ? constants.signals[signal] : 0)
}

function notStarted(program: string, { code }: NodeJS.ErrnoException, path: string, cwd: string): NotStarted {
  if (code !== 'ENOENT') return new NotStarted(`${program}: cannot be run (${code}); is it a program, and executable?`, 126)
  if (isThere(program, path, cwd))
    return new NotStarted(`${program}: cannot be run, the interpreter that its first line names is not there`, 126)
  return new NotStarted(`${program}: command not found; it is looked for in PATH, and no alias or function of the shell counts`, 127)
}

function isThere(program: string, path: string, cwd: string): boolean {
  const places = program.includes('/')
    ? [resolve(cwd, program)]
    : path.split(delimiter).map(folder => join(isAbsolute(folder) ? folder : cwd, program))
  return places.some(place => existsSync(place) && statSync(place).isFile())
}
