// When the first byte of a stream comes, against Hono before `fetch`.
import { median, row } from '../measure.mjs'
import { scene, turns, warm } from './scene.mjs'

const rounds = 15
const job = { connections: 1, ms: 400, stream: true }

export const firstByteRow = () =>
  scene(async ({ companion, fetchPipe, load }) => {
    const [ours, peer] = [await companion(), await fetchPipe()]
    const both = [() => load(ours, job), () => load(peer, job)]
    await warm(load, [ours, peer], { stream: true })
    const pairs = (await turns(rounds, both)).map(results => results.map(({ firstByte }) => firstByte))
    return row(
      { group: 'server', name: 'first byte of a stream through the full stack, against Hono and a fetch pipe', unit: 'µs', goal: '<= 1' },
      { ours: median(pairs.map(([a]) => a)), peer: median(pairs.map(([, b]) => b)), ratio: median(pairs.map(([a, b]) => a / b)) },
    )
  })
