import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { replay } from '../../lib/ledger/replay.js'
import { sqliteStore } from '../../lib/ledger/sqlite/index.js'
import { compiled } from '../support/compiled.js'

/** The program as it can be run, in a folder that whoever asks removes. */
export const programIn = (): string => compiled({ program: join(__dirname, 'sqlite-program.ts') })

/** What node is given to run it. */
export const argv = (program: string, path: string, mode: string, name: string, count: number): string[] => [
  '--disable-warning=OUTRIGGER_OLD_SQLITE',
  join(program, 'program.js'),
  path,
  mode,
  name,
  `${count}`,
]

const acknowledgedIn = (said: string): readonly string[] =>
  said
    .split('\n')
    .slice(0, -1)
    .filter(line => line !== 'begun')

/** Makes the books that the program works on. */
export async function prepared(path: string): Promise<void> {
  const store = await sqliteStore({ path })
  await store.openAccount({ id: 'task', nanoUsd: 'unlimited', tokens: 'unlimited' })
  await store.close?.()
}

/** Kills the program so long after it has begun. Resolves to the calls whose settling was acknowledged. */
export async function killedAfter(ms: number, program: string, path: string, name: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, argv(program, path, 'go-on', name, 1e6), { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', part => {
    said += part
  })
  await once(child.stdout, 'data')
  await new Promise(resolve => setTimeout(resolve, ms))
  child.kill('SIGKILL')
  await once(child, 'close')
  return acknowledgedIn(said)
}

/** Can processes be traced here? */
export const canTrace = (): boolean => spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'trace=none', 'true']).status === 0

/** Runs the program with something done to its system calls. */
export function traced(inject: string, args: readonly string[]): { readonly isKilled: boolean; readonly said: string } {
  const given = ['-f', '-o', '/dev/null', '-e', `trace=${inject.split(':')[0]}`, '-e', `inject=${inject}`, process.execPath, ...args]
  const { status, signal, stdout, stderr } = spawnSync('strace', given, { encoding: 'utf8' })
  if (status !== 0 && status !== 137 && signal !== 'SIGKILL') throw new Error(`the program ended with ${status ?? signal}: ${stderr}`)
  return { isKilled: status !== 0, said: stdout }
}

/** Kills the program at its nth call of this name; undefined: there were fewer. */
export function killedAtCall(call: string, n: number, program: string, path: string, calls: number): readonly string[] | undefined {
  const { isKilled, said } = traced(`${call}:signal=KILL:when=${n}`, argv(program, path, 'go-on', 'x', calls))
  return isKilled ? acknowledgedIn(said) : undefined
}

/** What is wrong with the books after so many kills: something lost, something twice, something below the true bill. */
export async function flawsOf(path: string, acknowledged: readonly string[], kills: number): Promise<readonly string[]> {
  const store = await sqliteStore({ path })
  const { entries } = await store.history()
  const holds = await store.holds()
  const reading = await store.read('task')
  const settled = entries.filter(({ op }) => op === 'settle').map(({ id }) => id)
  const once = new Set(settled)
  const isReplayed = JSON.stringify(replay(entries)) === JSON.stringify(await store.accounts())
  const next = await store.reserve({ id: 'task' }, { id: `after ${entries.length}`, nanoUsd: 1, tokens: 0 })
  await store.close?.()
  return [
    ...acknowledged.filter(id => !once.has(id)).map(id => `${id} was acknowledged and is lost`),
    ...(once.size < settled.length ? ['a call is settled twice'] : []),
    ...(reading?.nanoUsd.spent !== 1_000 * settled.length ? [`${reading?.nanoUsd.spent} spent by ${settled.length} calls`] : []),
    ...(reading?.nanoUsd.held !== 1_000 * holds.length ? [`${reading?.nanoUsd.held} held by ${holds.length} calls`] : []),
    ...(settled.length - acknowledged.length > kills || holds.length > kills ? ['more calls than were made'] : []),
    ...(isReplayed ? [] : ['the history gives other figures']),
    ...(next.ok ? [] : [`does not go on: ${next.code}`]),
  ]
}
