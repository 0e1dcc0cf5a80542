import { seeded } from '../../middleware/stack.js'
import { randomPair } from '../../policy/project/random-policies.js'
import type { Proof, Tally } from '../proof.js'

/**
 * Random policies, edited: where any of the subjects is answered less strictly after the edit, the edit must have been called a loosening. A comparison that calls
 * everything a loosening proves nothing, so that pairs which are stricter must be found as well.
 */
async function run({ n, seed }: { readonly n: number; readonly seed: number }): Promise<Tally> {
  const random = seeded(seed)
  let failed = 0
  let tightened = 0
  for (let tried = 0; tried < n; tried++) {
    const { change, weaker, stricter, shown } = await randomPair(random)
    if (change === 'tightened' && stricter) tightened++
    if (weaker === undefined || change === 'loosened') continue
    failed++
    process.stderr.write(`loosening: ${change}, and weaker at ${weaker}: ${shown}\n`)
  }
  if (tightened * 20 >= n) return { tried: n, failed }
  process.stderr.write(`loosening: only ${tightened} of ${n} pairs were found to be stricter\n`)
  return { tried: n, failed: failed + 1 }
}

export const proof: Proof = {
  group: 'policy',
  name: 'no change of a policy that lets more pass is taken for a tightening',
  full: 10_000,
  small: 150,
  run,
}
