import { CTXParser } from '../../../lib/ctx/parser.js'
import { shapes } from '../../ctx/linear-shapes.js'
import type { Proof } from '../proof.js'

const [small, large] = [1_000, 64_000]
/** 64 is linear. Work that grows with the square is at 4,096. */
const most = 80

const parsers = [new CTXParser(), new CTXParser({ mode: 'hybrid' })]

function work(text: string): void {
  for (const parser of parsers)
    try {
      parser.parse(text)
    } catch {
      // What it is is not asked here.
    }
}

/** The least time of some runs, which is what the machine's other work adds nothing to. */
function least(text: string, runs: number): number {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) {
    const start = process.hrtime.bigint()
    work(text)
    best = Math.min(best, Number(process.hrtime.bigint() - start))
  }
  return best
}

/** Tried again while it is too much: a machine that is busy cannot make it less. */
function isLinear(make: (bytes: number) => string): boolean {
  const [little, much] = [make(small), make(large)]
  let [lower, upper] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let attempt = 0; attempt < 50; attempt++) {
    upper = Math.min(upper, least(much, 2))
    lower = Math.min(lower, least(little, attempt === 0 ? 20 : 1))
    if (upper <= most * lower) return true
  }
  return false
}

export const proof: Proof = {
  group: 'ctx',
  name: 'an input of 64 kB takes at most 80 times what one of 1 kB takes',
  full: Object.keys(shapes).length,
  small: Object.keys(shapes).length,
  async run({ n }) {
    const all = Object.entries(shapes)
    let failed = 0
    for (let at = 0; at < n; at++) {
      const [name, make] = all[at % all.length]!
      if (isLinear(make)) continue
      failed++
      process.stderr.write(`linear: ${name} is not\n`)
    }
    return { tried: n, failed }
  },
}
