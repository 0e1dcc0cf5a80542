import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canTrace, flawsOf, killedAfter, killedAtCall, prepared, programIn } from '../../ledger/sqlite-killed.js'
import { numbers } from '../../seam/conversations.js'
import type { Proof } from '../proof.js'

const small = 4
/** So many kills on one file, one after the other. */
const onOneFile = 20
/** The calls by which something gets to the disk. */
const calls = ['pwrite64', 'fsync', 'fdatasync', 'ftruncate']

async function atRandom(program: string, folder: string, n: number, seed: number): Promise<number> {
  const random = numbers(seed)
  let failed = 0
  for (let tried = 0; tried < n; tried += onOneFile) {
    const [path, kills] = [join(folder, `random-${tried}`), Math.min(onOneFile, n - tried)]
    await prepared(path)
    const acknowledged: string[] = []
    for (let kill = 0; kill < kills; kill++) acknowledged.push(...(await killedAfter(random() * 60, program, path, `${kill}`)))
    failed += reported(await flawsOf(path, acknowledged, kills), `after kills ${tried} to ${tried + kills - 1}, seed ${seed}`)
  }
  return failed
}

async function atEveryCall(program: string, folder: string): Promise<{ readonly tried: number; readonly failed: number }> {
  let [tried, failed] = [0, 0]
  for (const call of calls)
    for (let n = 1; ; n++) {
      const path = join(folder, `${call}-${n}`)
      await prepared(path)
      const acknowledged = killedAtCall(call, n, program, path, 5)
      if (!acknowledged) break
      tried++
      failed += reported(await flawsOf(path, acknowledged, 1), `after a kill at ${call} ${n}`)
    }
  return { tried, failed }
}

function reported(flaws: readonly string[], when: string): number {
  for (const flaw of flaws) process.stderr.write(`sqlite-kills, ${when}: ${flaw}\n`)
  return flaws.length > 0 ? 1 : 0
}

/** A process that is killed anywhere has lost no settling that it was told of. */
export const proof: Proof = {
  group: 'ledger',
  name: 'a process that is killed loses nothing that was acknowledged, and nothing counts twice',
  full: 500,
  small,
  async run({ n, seed }) {
    const [program, folder] = [programIn(), mkdtempSync(join(tmpdir(), 'outrigger-killed-'))]
    try {
      const failed = await atRandom(program, folder, n, seed)
      const isTraced = n > small && canTrace()
      if (n > small && !isTraced) process.stderr.write('sqlite-kills: skipped, at every write and fsync: no strace can trace here\n')
      const traced = isTraced ? await atEveryCall(program, folder) : { tried: 0, failed: 0 }
      return { tried: n + traced.tried, failed: failed + traced.failed }
    } finally {
      for (const path of [program, folder]) rmSync(path, { recursive: true, force: true })
    }
  },
}
