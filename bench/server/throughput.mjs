// Requests a second over 32 connections, against Portkey's gateway.
import { median, row } from '../measure.mjs'
import { fsyncMs, slowDiskMs } from './fsync.mjs'
import { scene, turns, warm } from './scene.mjs'

const rounds = 9
const job = { connections: 32, ms: 1_000 }

export async function throughputRow() {
  const fsync = fsyncMs()
  const inFiles = fsync <= slowDiskMs
  return scene(async ({ companion, gateway, load }) => {
    const [ours, peer] = [await companion({ inFiles }), await gateway()]
    const both = [() => load(ours, job), () => load(peer, job)]
    await warm(load, [ours, peer])
    const pairs = (await turns(rounds, both)).map(results => results.map(({ perSecond }) => perSecond))
    const where = inFiles ? 'in files' : 'in memory'
    return row(
      {
        group: 'server',
        name: `full stack, signed in batches (log ${where}, fsync ${fsync.toFixed(2)} ms), at 32 connections, against Portkey's gateway`,
        unit: 'requests a second',
        goal: '>= 4',
      },
      { ours: median(pairs.map(([a]) => a)), peer: median(pairs.map(([, b]) => b)), ratio: median(pairs.map(([a, b]) => a / b)) },
    )
  })
}
