// Paired measuring: A and B take turns in one process, so that a busy machine slows both. Only the ratio is a result.

/** The middle of some numbers. */
export const median = values => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

async function timed(work, calls) {
  const start = process.hrtime.bigint()
  for (let call = 0; call < calls; call++) await work()
  return Number(process.hrtime.bigint() - start) / 1000 / calls
}

/** As many calls as fill `ms` milliseconds, found while warming up. */
async function callsFor(work, ms) {
  for (let calls = 1; ; calls *= 2) {
    const each = await timed(work, calls)
    if (each * calls >= ms * 1000) return Math.max(1, Math.round((ms * 1000) / each))
  }
}

async function round(first, second) {
  globalThis.gc?.()
  return [await first(), await second()]
}

/**
 * Measures two ways of doing the same work against each other.
 * @param {() => unknown} ours one unit of work; awaited
 * @param {() => unknown} peer the same unit by the peer
 * @param {{ rounds?: number, roundMs?: number, warmUpMs?: number }} [options] how long: a round of each takes `roundMs` milliseconds
 * @returns {Promise<{ ours: number, peer: number, ratio: number }>} medians in microseconds a call; `ratio` is the median of the rounds'
 * own ratios, ours ÷ peer: below 1 we are faster
 */
export async function compare(ours, peer, { rounds = 21, roundMs = 60, warmUpMs = 300 } = {}) {
  await callsFor(ours, warmUpMs)
  await callsFor(peer, warmUpMs)
  const a = await callsFor(ours, roundMs).then(calls => () => timed(ours, calls))
  const b = await callsFor(peer, roundMs).then(calls => () => timed(peer, calls))
  const pairs = []
  for (let n = 0; n < rounds; n++) pairs.push(n % 2 ? (await round(b, a)).reverse() : await round(a, b))
  return { ours: median(pairs.map(([x]) => x)), peer: median(pairs.map(([, y]) => y)), ratio: median(pairs.map(([x, y]) => x / y)) }
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
