import fc from 'fast-check'
import { writtenFlaw } from '../../ctx/flaws.js'
import { statements } from '../../ctx/statements.js'
import type { Proof } from '../proof.js'

export const proof: Proof = {
  group: 'ctx',
  name: 'every statement is read from its canonical form as it was, and the form is one visible line',
  full: 200_000,
  small: 2_000,
  async run({ n, seed }) {
    let failed = 0
    for (const statement of fc.sample(statements, { numRuns: n, seed })) {
      const wrong = writtenFlaw(statement)
      if (wrong === undefined) continue
      failed++
      process.stderr.write(`round trip: ${wrong}\n`)
    }
    return { tried: n, failed }
  },
}
