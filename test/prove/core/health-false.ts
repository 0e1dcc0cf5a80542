import { healthyRun } from '../../middleware/health-runs.js'
import type { Proof } from '../proof.js'

/** Long streams and thoughts, slow answers, tools side by side, people who take their time, polls, batches, pages, limits, back-off, pauses. */
export const proof: Proof = {
  group: 'core',
  name: 'health says of no healthy agent that it spins, stalls, fails over and over, or gives wrong answers',
  full: 10_000,
  small: 1_000,
  async run({ n, seed }) {
    let failed = 0
    for (let tried = 0; tried < n; tried++) {
      const wrong = await healthyRun(seed * 1_000_003 + tried).catch(error => [String(error)])
      if (wrong.length === 0) continue
      failed++
      process.stderr.write(`health, seed ${seed}, run ${tried}: ${wrong}\n`)
    }
    return { tried: n, failed }
  },
}
