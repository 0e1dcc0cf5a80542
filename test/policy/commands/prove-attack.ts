import { spawnSync } from 'node:child_process'
import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Attack } from './attacks.js'

/** The program that every attack runs. */
export const program = 'forbidden-x'

/** Where bash is; `undefined` where it is not. */
export const bash: string | undefined = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'].find(path => existsSync(path))

const folders = (process.env.PATH ?? '').split(delimiter)

/** Is a program installed, by its name or by its path? */
export function isInstalled(name: string): boolean {
  const paths = name.startsWith('/') ? [name] : folders.map(folder => join(folder, name))
  return paths.some(path => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Why an attack is not run here; `undefined` where it is. */
export function whyNotRun({ needs = [], unproved }: Attack): string | undefined {
  const missing = needs.filter(name => !isInstalled(name))
  return unproved ?? (missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined)
}

/** A folder with the forbidden program first on the path: all it does is to leave a mark. */
export interface Range {
  /** Does bash run the program by this text? */
  runs(attack: Attack): boolean
  close(): void
}

export function openRange(): Range {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-attacks-'))
  const mark = join(folder, 'MARK')
  put(join(folder, 'bin', program), `#!/bin/sh\n: > '${mark}'\n`)
  const env = {
    PATH: [join(folder, 'bin'), ...folders].join(delimiter),
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    GIT_CONFIG_NOSYSTEM: '1',
    FILTER_BRANCH_SQUELCH_WARNING: '1',
    LC_ALL: 'C',
    npm_config_update_notifier: 'false',
    npm_config_offline: 'true',
  }
  let number = 0
  return {
    runs(attack) {
      rmSync(mark, { force: true })
      const cwd = place(join(folder, `at-${++number}`), attack, env)
      spawnSync(bash!, ['--norc', '--noprofile', '-c', attack.text], {
        cwd,
        env: { ...env, HOME: cwd },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 30_000,
      })
      return existsSync(mark)
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The folder of one attack. */
function place(cwd: string, { files = {}, repository }: Attack, env: NodeJS.ProcessEnv): string {
  put(join(cwd, 'a.txt'), 'x\n')
  if (repository) commitAll(cwd, env)
  for (const [name, text] of Object.entries(files)) put(join(cwd, name), text)
  return cwd
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  if (text.startsWith('#!')) chmodSync(path, 0o755)
}

function commitAll(cwd: string, env: NodeJS.ProcessEnv): void {
  const run = 'git init -q . && git add a.txt && git commit -q -m x'
  spawnSync(bash!, ['-c', run], { cwd, env: { ...env, HOME: cwd }, stdio: 'ignore', timeout: 30_000 })
}
