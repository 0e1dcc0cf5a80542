import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What must never be read, and never be changed. */
export const secret = 'SECRET'

/** A workspace beside a folder of secrets; at each place of `attacks` one thing stands and another lies ready to take its place. */
export interface AttackedTree {
  readonly base: string
  readonly root: string
  readonly outside: string
  /** Files outside, each of which holds the secret; from `outside` on. */
  readonly secrets: readonly string[]
  /** Paths in the workspace to try. */
  readonly paths: readonly string[]
  remove(): void
}

/** Places that are exchanged: what is named, and what lies ready for it. */
const exchanged = ['src/folder', 'src/deep/file', 'src/pipe', 'out/folder', 'out/hard', 'moved']

const secrets = ['a', 'file', 'hard', 'sub/a']

/** Makes the tree. */
export function attackedTree(): AttackedTree {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-swapped-')))
  const at = (path: string) => join(base, path)
  for (const folder of ['ws/src/folder', 'ws/src/deep', 'ws/out/folder', 'ws/moved', 'outside/sub'])
    mkdirSync(at(folder), { recursive: true })
  for (const file of ['src/folder/a', 'src/deep/file', 'src/pipe', 'out/folder/a', 'out/hard', 'moved/a'])
    writeFileSync(at(`ws/${file}`), 'fine')
  for (const file of secrets) writeFileSync(at(`outside/${file}`), secret)
  symlinkSync(at('outside'), at('ws/src/folder.next'))
  symlinkSync('../../../outside/file', at('ws/src/deep/file.next'))
  execFileSync('mkfifo', [at('ws/src/pipe.next')])
  symlinkSync(at('outside'), at('ws/out/folder.next'))
  linkSync(at('outside/hard'), at('ws/out/hard.next'))
  symlinkSync(at('outside/sub'), at('ws/moved.next'))
  return {
    base,
    root: at('ws'),
    outside: at('outside'),
    secrets,
    paths: ['src/folder/a', 'src/folder/../folder/a', 'src/deep/file', 'src/pipe', 'out/folder/a', 'out/folder/new', 'out/hard', 'moved/a'],
    remove: () => rmSync(base, { recursive: true, force: true }),
  }
}

/** Exchanges one place: what stood there lies ready, what lay ready stands there. */
const program = `
const { renameSync, existsSync } = require('node:fs')
const [, root, ...places] = process.argv
const parent = process.ppid
const exchange = place => {
  try {
    renameSync(root + '/' + place, root + '/' + place + '.held')
    renameSync(root + '/' + place + '.next', root + '/' + place)
    renameSync(root + '/' + place + '.held', root + '/' + place + '.next')
  } catch { if (!existsSync(root)) process.exit() }
}
places.forEach(exchange)
places.forEach(exchange)
process.stdout.write('ready')
while (process.ppid === parent) for (const place of places) exchange(place)
`

/** Another process that exchanges all places without a pause, until it is stopped or left alone. */
export async function startSwapping({ root }: AttackedTree): Promise<{ stop(): Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, ['-e', program, root, ...exchanged], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await once(child.stdout!, 'data')
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
