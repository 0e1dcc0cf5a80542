import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSidecar, type Tool } from '../../lib/index.js'
import { withSigning } from '../../middleware/with-signing.js'
import { runMain } from './run-main.js'

const folders: string[] = []

/** A new folder that `cleared` removes. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-actx-'))
  folders.push(folder)
  return folder
}

export function clearFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** Has an agent run a tool for each word, under the layer that signs; the record is in `folder/.context`. */
export async function recorded(folder: string, words: readonly string[], name = 'writer'): Promise<void> {
  const echo: Tool = { name: 'echo', run: async (input: { readonly word: string }) => input.word }
  const sidecar = createSidecar({
    agent: {
      name,
      async send(word: string, { tool }) {
        return tool(echo).run({ word })
      },
    },
    use: [withSigning({ dir: join(folder, '.context'), files: 'all' })],
  })
  for (const word of words) await sidecar.send(word)
  await sidecar.close()
}

/** The file of the only log, or of the log that was begun as the nth. */
export function logFile(folder: string, n = 0): string {
  const logs = join(folder, '.context/log')
  const ids = readdirSync(logs).sort((a, b) => (a.slice(-9) < b.slice(-9) ? -1 : 1))
  return join(logs, ids[n]!, 'records.jsonl')
}

/** Rewrites a file by its lines. */
export function edit(file: string, change: (lines: string[]) => readonly string[]): void {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  writeFileSync(
    file,
    change(lines)
      .map(line => `${line}\n`)
      .join(''),
  )
}

/** The files of `translations/` with this end, sorted. */
export const translations = (folder: string, end: string): readonly string[] => {
  const all = join(folder, '.context/translations')
  return readdirSync(all)
    .filter(name => name.endsWith(end))
    .sort()
    .map(name => join(all, name))
}

/** `actx …` in a folder. */
export const actx = (folder: string, ...argv: string[]) => runMain(['ctx', ...argv], { cwd: folder })
