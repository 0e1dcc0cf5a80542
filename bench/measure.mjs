// Paired measuring: two processes take turns, so that a busy machine slows both, and neither pays for what the other has loaded. Only the
// ratio is a result.
import { fork } from 'node:child_process'
import { once } from 'node:events'

const rounds = 31

export const median = values => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Starts one side.
 * @param {{ module: URL | string, make: string, args?: readonly string[] }} side `make` is a function that the module exports; it resolves to
 * one unit of work, which is awaited
 */
async function start({ module, make, args = [] }) {
  const child = fork(new URL('./worker.mjs', import.meta.url), [String(module), make, ...args])
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${make} ended with ${code}`)))
  failed.catch(() => {})
  await Promise.race([once(child, 'message'), failed])
  return {
    async round() {
      child.send('round')
      const [microseconds] = await Promise.race([once(child, 'message'), failed])
      return microseconds
    },
    stop: () => child.kill(),
  }
}

/**
 * Measures two ways of doing the same work against each other.
 * @returns {Promise<{ ours: number, peer: number, ratio: number }>} medians in microseconds a call; `ratio` is the median of the rounds'
 * own ratios, ours ÷ peer: below 1 we are faster
 */
export async function compare(ours, peer) {
  const [a, b] = [await start(ours), await start(peer)]
  try {
    const pairs = []
    for (let n = 0; n < rounds; n++) pairs.push(n % 2 ? [await a.round(), await b.round()] : [await b.round(), await a.round()].reverse())
    return { ours: median(pairs.map(([x]) => x)), peer: median(pairs.map(([, y]) => y)), ratio: median(pairs.map(([x, y]) => x / y)) }
  } finally {
    a.stop()
    b.stop()
  }
}

/**
 * A row of the report.
 * @param {{ group: string, name: string, unit: string, goal: string }} facts `goal` is about the ratio: '<= 1.5' or '>= 3'
 * @param {{ ours: number, peer: number, ratio: number }} figures
 * @returns {Row}
 */
export function row({ group, name, unit, goal }, { ours, peer, ratio }) {
  return { group, name, unit, ours: rounded(ours), peer: rounded(peer), ratio: rounded(ratio), goal, ok: meets(ratio, goal) }
}

/** Does a ratio meet its goal? @throws RangeError for a goal that is none. */
export function meets(ratio, goal) {
  const [, relation, figure] = /^(<=|>=) (\d+(?:\.\d+)?)$/.exec(goal) ?? []
  if (!relation) throw new RangeError(`a goal is '<= 1.5' or '>= 3', not ${JSON.stringify(goal)}`)
  return relation === '<=' ? ratio <= Number(figure) : ratio >= Number(figure)
}

const rounded = value => Number(value.toPrecision(4))

/** @typedef {{ group: string, name: string, unit: string, ours: number, peer: number, ratio: number, goal: string, ok: boolean }} Row */
