import fc from 'fast-check'
import { agrees, spans } from '../../core/interval-model.js'
import type { Proof } from '../proof.js'

export const proof: Proof = {
  group: 'core',
  name: 'the folded times of overlapping spans equal a count millisecond by millisecond, and no share leaves 0 to 1',
  full: 50_000,
  small: 300,
  async run({ n, seed }) {
    let failed = 0
    for (const all of fc.sample(spans(20), { numRuns: n, seed })) {
      if (agrees(all)) continue
      failed++
      process.stderr.write(`spans: ${JSON.stringify(all)}\n`)
    }
    return { tried: n, failed }
  },
}
