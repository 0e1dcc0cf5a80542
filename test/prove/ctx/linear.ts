import { CTXParser } from '../../../lib/ctx/language/parser.js'
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

/** How long it takes, as many times in a row. */
function timeOf(text: string, times: number): number {
  const start = process.hrtime.bigint()
  for (let time = 0; time < times; time++) work(text)
  return Number(process.hrtime.bigint() - start)
}

/**
 * As many bytes at once and in small inputs, so that both pay for the same garbage; the least of some runs, and tried again while it is too
 * much, since a busy machine can only add.
 */
function isLinear(make: (bytes: number) => string): boolean {
  const [little, much, times] = [make(small), make(large), large / small]
  let [lower, upper] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let attempt = 0; attempt < 40; attempt++) {
    upper = Math.min(upper, timeOf(much, 1))
    lower = Math.min(lower, timeOf(little, times) / times)
    if (attempt > 0 && upper <= most * lower) return true
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
