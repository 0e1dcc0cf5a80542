import { illRun } from '../../middleware/health-runs.js'
import type { Proof } from '../proof.js'

/** Silence of every sort, cycles of 1 to 8 calls in disguise, equal words, failures in a row, cut answers: after a random healthy time. */
export const proof: Proof = {
  group: 'core',
  name: 'health finds every agent that spins, stalls, fails over and over or gives a wrong answer, and not before it does',
  full: 10_000,
  small: 500,
  async run({ n, seed }) {
    let failed = 0
    for (let tried = 0; tried < n; tried++) {
      const wrong = await illRun(seed * 1_000_003 + tried).catch(String)
      if (wrong === undefined) continue
      failed++
      process.stderr.write(`health, seed ${seed}, run ${tried}: ${wrong}\n`)
    }
    return { tried: n, failed }
  },
}
