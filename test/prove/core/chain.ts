import fc from 'fast-check'
import { chainFlaw, chainPlans } from '../../core/random-chain.js'
import type { Proof } from '../proof.js'

/** Random stacks of layers that fail, refuse, hang, wait and repeat, around a core that does too, with a caller who aborts. */
export const proof: Proof = {
  group: 'core',
  name: 'every action ends once, with the right error, and leaves nothing behind, whatever its layers do',
  full: 100_000,
  small: 2_000,
  async run({ n, seed }) {
    let failed = 0
    for (const plan of fc.sample(chainPlans, { numRuns: n, seed })) {
      const wrong = await chainFlaw(plan)
      if (wrong === undefined) continue
      failed++
      process.stderr.write(`chain: ${wrong}: ${JSON.stringify(plan)}\n`)
    }
    return { tried: n, failed }
  },
}
