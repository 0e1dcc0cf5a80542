import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandEntry, Io } from '../../lib/cli/command.js'
import { main } from '../../lib/cli/main.js'

/** A new folder with these files. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-cli-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** Runs a command line in process and keeps what it printed. */
export async function runMain(argv: readonly string[], io: Partial<Io> = {}, commands?: readonly CommandEntry[]) {
  const out: string[] = []
  const err: string[] = []
  const world: Io = {
    stdout: { write: text => out.push(text) },
    stderr: { write: text => err.push(text) },
    signal: new AbortController().signal,
    env: {},
    cwd: tmpdir(),
    ...io,
  }
  const code = await main(argv, world, commands)
  return { code, stdout: out.join(''), stderr: err.join('') }
}
