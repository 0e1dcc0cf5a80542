import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Aimock, type AimockAnswer, startAimock } from '../support/aimock.js'
import { compiled } from '../support/compiled.js'

/** A key that nothing else holds. */
export const marker = 'sk-ant-api03-MARKER-of-the-test-0123456789'

/** How a process of a test came to its end. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** `outrigger` as a program of its own, a folder to run it in, and a Messages API server that is not ours. */
export class Place {
  readonly program: string
  readonly upstream: Aimock
  readonly folder: string
  readonly #started: ChildProcess[] = []

  private constructor(program: string, upstream: Aimock) {
    this.program = program
    this.upstream = upstream
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-run-')))
    writeFileSync(join(this.folder, 'key'), `${marker}\n`, { mode: 0o600 })
  }

  static async open(program: string, answers: readonly AimockAnswer[]): Promise<Place> {
    return new Place(program, await startAimock(answers))
  }

  /** The arguments of node for `outrigger run` with a key file, this upstream and a small budget; `given` stands before them. */
  args(given: readonly string[], command: readonly string[]): string[] {
    return [join(this.program, 'lib/cli/bin.js'), 'run', '--base-url', this.upstream.url, ...given, '--', ...command]
  }

  /** Starts it, without a terminal. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
    const child = spawn(process.execPath, args, { cwd: this.folder, env: { ...cleanEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#started.push(child)
    return new Started(child)
  }

  /** Runs a command behind a companion, with the key from the file, and waits for its end. */
  run(
    command: readonly string[],
    options: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Ended> {
    const given = options.args ?? []
    const key = given.some(arg => arg.startsWith('--key-')) ? [] : ['--key-file', 'key']
    return this.start(this.args([...key, ...given], command), options.env).ended
  }

  /** Every file that was written, with its text. */
  files(): readonly (readonly [string, string])[] {
    return readdirSync(this.folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .map(file => [file, readFileSync(file, 'latin1')] as const)
  }

  async close(): Promise<void> {
    for (const child of this.#started) child.kill('SIGKILL')
    await this.upstream.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A process of a test that runs. */
export class Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #texts = { stdout: '', stderr: '' }
  readonly #waiting = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.child = child
    for (const name of ['stdout', 'stderr'] as const) child[name]!.on('data', chunk => this.#hear(name, String(chunk)))
    this.ended = new Promise(resolve => {
      child.once('close', (code, signal) => {
        resolve({ code, signal, ...this.#texts })
        for (const look of this.#waiting) look()
      })
    })
  }

  /** Waits until `pattern` has been printed. @throws Error when the process ends before */
  async printed(pattern: RegExp, on: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#texts[on])
      if (found) return found
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`ended without ${pattern}: ${JSON.stringify(this.#texts)}`)
      await new Promise<void>(resolve => {
        const look = () => {
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    }
  }

  #hear(name: 'stdout' | 'stderr', text: string): void {
    this.#texts[name] += text
    for (const look of [...this.#waiting]) look()
  }
}

/**
 * The sources as a program, once for a test file. Whoever asks removes the folder. No preset is installed there, whether or not those of the workspace
 * have been built: every run has the built-in stack.
 */
export function programFolder(): string {
  const folder = compiled({ 'run-client': join(__dirname, 'run-client.ts') })
  const packages = join(folder, 'node_modules')
  const shared = realpathSync(packages)
  rmSync(packages)
  mkdirSync(packages)
  for (const name of readdirSync(shared).filter(name => !name.startsWith('outrigger-preset-')))
    symlinkSync(join(shared, name), join(packages, name))
  return folder
}

/** The environment of the tests without anything that leads to Claude. */
export function cleanEnv(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(ANTHROPIC|CLAUDE|OUTRIGGER|NODE_CHANNEL|NODE_OPTIONS)/.test(name))
  return Object.fromEntries(own as [string, string][])
}

/** Waits until they are gone. Where streams are closed, that is a moment away; one that stays keeps the test until its time is over. */
export async function gone(...pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await new Promise(resolve => setImmediate(resolve))
}

/** Is a process there, and not only its exit code? Linux. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
