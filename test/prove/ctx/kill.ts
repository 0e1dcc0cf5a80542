import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeys } from '../../../lib/ctx/keys/keys.js'
import { fileLog } from '../../../lib/ctx/log/log-file.js'
import { LogWriter } from '../../../lib/ctx/log/log-writer.js'
import { VirtualClock } from '../../../lib/testing/virtual-clock.js'
import { callsAbout, canTrace, goneOn, killedAfter, killedAtCall, leftBehind, programIn, type Work } from '../../ctx/killed.js'
import { draft, orphan } from '../../ctx/log-rig.js'
import { numbers } from '../../seam/conversations.js'
import type { Proof } from '../proof.js'

const small = 20
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'outrigger-killed-'))
const gone = (folder: string): void => rmSync(folder, { recursive: true, force: true })

/** What the checks of one folder come to, over many kills. */
class Kept {
  readonly dir: string
  readonly #checkpoints = new Map<string, string>()

  constructor(dir: string) {
    this.dir = dir
  }

  /** Checks what a kill has left; goes on with it here, or leaves it to the next process. */
  async flaws(goesOn: boolean): Promise<readonly string[]> {
    const kept = [...this.#checkpoints.values()]
    const { flaws, found } = await leftBehind(this.dir, kept)
    for (const { log, checkpoint } of found?.logs ?? []) if (checkpoint !== undefined) this.#checkpoints.set(log, checkpoint)
    return goesOn ? [...flaws, ...(await goneOn(this.dir, found, [...this.#checkpoints.values()]))] : flaws
  }
}

/** One folder, in which process after process is killed. */
async function atRandom(program: string, n: number, seed: number): Promise<number> {
  const random = numbers(seed)
  const kept = new Kept(newFolder())
  let failed = 0
  for (let tried = 0; tried < n; tried++) {
    const batchMs = random() < 0.5 ? 0 : 5
    const work: Work = { name: `${tried}`, rounds: 1e9, batchMs, piece: random() < 0.3 ? 0 : 1 + Math.floor(random() * 90) }
    await killedAfter(random() * 60, program, kept.dir, work)
    failed += reported(await kept.flaws(random() < 0.5), `after a kill at a random point, seed ${seed}, case ${tried}`)
  }
  gone(kept.dir)
  return failed
}

/** The calls by which something gets to the disk; `?`: where the system has it. */
const calls = ['write', 'fdatasync', 'fsync', 'ftruncate', '?rename', '?mkdir', '?unlink']

const scenes: Readonly<Record<string, (dir: string) => Promise<void>>> = {
  'a new folder': async () => {},
  'a folder with keys': async dir => void createKeys(join(dir, '.context')),
  'a log that was left with half a line': leaveTorn,
}

async function leaveTorn(dir: string): Promise<void> {
  const context = join(dir, '.context')
  const log = fileLog({ dir: context })
  const agent = { id: 'killed', name: 'killed', type: 'agent' }
  const writer = await LogWriter.open({ log, agent, signer: createKeys(context), clock: new VirtualClock(), checkpointEvery: 5 })
  for (const n of [1, 2, 3]) await writer.append(draft(n)).durable
  orphan(context, writer.id)
  appendFileSync(join(context, 'log', writer.id, 'records.jsonl'), '{"body":{"act')
}

/** Every call, in every scene, with a tree head in time and with a signature a record. */
async function atEveryCall(program: string): Promise<{ readonly tried: number; readonly failed: number }> {
  let [tried, failed] = [0, 0]
  for (const [scene, prepare] of Object.entries(scenes))
    for (const call of calls)
      for (const batchMs of [0, 5]) {
        const work: Work = { name: 'x', rounds: 1, batchMs, piece: 600 }
        const ns = await inFolder(prepare, async dir => callsAbout(call, program, dir, work))
        for (const n of ns) {
          const flaws = await inFolder(prepare, async dir => killedAtCall(call, n, program, dir, work) && new Kept(dir).flaws(true))
          if (flaws === false) continue
          tried++
          failed += reported(flaws, `after a kill at ${call} ${n}, in ${scene}`)
        }
      }
  return { tried, failed }
}

async function inFolder<T>(prepare: (dir: string) => Promise<void>, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = newFolder()
  try {
    await prepare(dir)
    return await work(dir)
  } finally {
    gone(dir)
  }
}

function reported(flaws: readonly string[], when: string): number {
  for (const flaw of flaws) process.stderr.write(`kill, ${when}: ${flaw}\n`)
  return flaws.length > 0 ? 1 : 0
}

/** A process that is killed anywhere leaves a log that is good, and that the next one goes on with; nothing was done without its intent. */
export const proof: Proof = {
  group: 'ctx',
  name: 'a process that is killed leaves a good log, and no effect without its intent',
  full: 200,
  small,
  async run({ n, seed }) {
    const program = programIn()
    const failed = await atRandom(program, n, seed)
    const isTraced = n > small && canTrace()
    if (n > small && !isTraced) process.stderr.write('kill: skipped, at every write and fsync: there is no strace that can trace here\n')
    const traced = isTraced ? await atEveryCall(program) : { tried: 0, failed: 0 }
    gone(program)
    return { tried: n + traced.tried, failed: failed + traced.failed }
  },
}
