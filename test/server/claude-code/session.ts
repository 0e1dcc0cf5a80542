import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** How a session ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A place for one session of Claude Code: a home and a project of its own, which are removed after it. */
export class Scratch {
  readonly home: string
  readonly project: string
  /** Beside the project, as a policy file that its tools could write to would be none. */
  readonly policyFile: string
  readonly keyFile: string
  /** The real key: random, so that whoever has it has it from us. */
  readonly key = `sk-ant-api03-${randomBytes(24).toString('base64url')}`
  readonly #folder = mkdtempSync(join(tmpdir(), 'outrigger-claude-code-'))

  constructor() {
    this.home = join(this.#folder, 'home')
    this.project = join(this.#folder, 'project')
    this.policyFile = join(this.#folder, 'policy.json')
    this.keyFile = join(this.#folder, 'key')
    for (const folder of [this.home, this.project]) mkdirSync(folder)
  }

  /** A file of the project: its path. */
  path(name: string): string {
    return join(this.project, name)
  }

  has(name: string): boolean {
    return existsSync(this.path(name))
  }

  read(name: string): string {
    return this.has(name) ? readFileSync(this.path(name), 'utf8') : ''
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
  }

  /** A program beside the project: the folder to find it in. */
  program(name: string, script: string): string {
    const folder = join(this.#folder, 'bin')
    mkdirSync(folder)
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return folder
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

// It ends a session that hangs, on a slow machine too; no proof is about time.
const longest = 180_000

/** Runs a command in the scratch project to its end, with exactly this environment. */
export function ran(command: readonly [string, ...string[]], { project }: Scratch, env: Readonly<Record<string, string>>): Promise<Ended> {
  const [program, ...args] = command
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: longest })
    const out = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8')
      child[name].on('data', text => {
        out[name] += text
      })
    }
    child.on('error', reject).on('close', code => resolve({ code, ...out }))
  })
}
