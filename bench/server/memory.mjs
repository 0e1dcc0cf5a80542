// The heap of a companion after 100,000 requests, against what it was after the first 10,000. The record is in files: in memory it would grow.
import { row } from '../measure.mjs'
import { scene } from './scene.mjs'

const all = 100_000
const first = 10_000

export const memoryRow = () =>
  scene(async ({ companion, load }) => {
    const ours = await companion({ inFiles: true })
    const run = requests => load(ours, { connections: 32, requests })
    await run(first)
    const before = await ours.ask('heap')
    await run(all - first)
    const after = await ours.ask('heap')
    return row(
      { group: 'server', name: `heap after ${all} requests, after GC, against after the first ${first}`, unit: 'bytes', goal: '<= 1.1' },
      { ours: after, peer: before, ratio: after / before },
    )
  })
