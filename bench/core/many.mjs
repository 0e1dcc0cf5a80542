// A send on the same ten sidecars, with 10,000 alive and with ten: two processes that take turns.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { median, row } from '../measure.mjs'

const rounds = 21
const sends = 5_000

async function start(alive) {
  const child = fork(new URL('./senders.mjs', import.meta.url), [String(alive)])
  await once(child, 'message')
  const round = async () => {
    child.send(sends)
    const [microseconds] = await once(child, 'message')
    return microseconds
  }
  return { round, stop: () => child.kill() }
}

export async function manyRow() {
  const many = await start(10_000)
  const few = await start(10)
  const pairs = []
  for (let n = 0; n < rounds; n++) pairs.push([await many.round(), await few.round()])
  many.stop()
  few.stop()
  const figures = {
    ours: median(pairs.map(([a]) => a)),
    peer: median(pairs.map(([, b]) => b)),
    ratio: median(pairs.map(([a, b]) => a / b)),
  }
  return row(
    { group: 'core', name: 'a send on ten sidecars with 10,000 alive, against 10 alive', unit: 'µs a send', goal: '<= 1.3' },
    figures,
  )
}
