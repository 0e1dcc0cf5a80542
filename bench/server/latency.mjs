// What a server adds to a request at one connection, over the same request without it, against Portkey's gateway.
import { median, row } from '../measure.mjs'
import { scene, turns, warm } from './scene.mjs'

const rounds = 15
const job = { connections: 1, ms: 400 }

export const latencyRow = () =>
  scene(async ({ companion, gateway, load, upstream }) => {
    const [ours, peer] = [await companion(), await gateway()]
    const all = [() => load(upstream, job), () => load(ours, job), () => load(peer, job)]
    await warm(load, [ours, peer])
    const added = (await turns(rounds, all)).map(([direct, a, b]) => [a.median - direct.median, b.median - direct.median])
    return row(
      {
        group: 'server',
        name: "what a request takes longer than without (full stack, signed in batches, log in memory), against Portkey's gateway",
        unit: 'µs a request',
        goal: '<= 0.35',
      },
      { ours: median(added.map(([a]) => a)), peer: median(added.map(([, b]) => b)), ratio: median(added.map(([a, b]) => a / b)) },
    )
  })
