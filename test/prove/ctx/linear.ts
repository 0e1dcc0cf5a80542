import { CTXParser } from '../../../lib/ctx/language/parser.js'
import { shapes } from '../../ctx/linear-shapes.js'
import type { Proof } from '../proof.js'

const [small, large] = [1_000, 64_000]
/** 64 is linear. Work that grows with the square is at 4,096. */
const most = 80
/** No other process makes that much of a linear one: it need not be tried again. */
const hopeless = 10 * most

const parsers = [new CTXParser(), new CTXParser({ mode: 'hybrid' })]

function work(text: string): void {
  for (const parser of parsers)
    try {
      parser.parse(text)
    } catch {
      // What it is is not asked here.
    }
}

/** CPU time in µs: a clock also counts what others do on a busy machine, and the wait until the threads that collect garbage get their turn. */
function costOf(text: string, times: number): number {
  const start = process.cpuUsage()
  for (let time = 0; time < times; time++) work(text)
  const { user, system } = process.cpuUsage(start)
  return user + system
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

/**
 * As many bytes at once and in small inputs, by turns, so that both pay for the same garbage: the least that the large one cost, since others
 * only add to it, against what the small one usually costs. Goes on while it is too much; what grows with the square never comes near.
 */
function isLinear(make: (bytes: number) => string): boolean {
  const [little, much, times] = [make(small), make(large), large / small]
  const [uppers, lowers]: [number[], number[]] = [[], []]
  for (let attempt = 0; attempt < 100; attempt++) {
    uppers.push(costOf(much, 1))
    lowers.push(costOf(little, times) / times)
    const ratio = Math.min(...uppers) / median(lowers)
    if (attempt >= 4 && ratio <= most) return true
    if (attempt >= 4 && ratio > hopeless) return false
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
