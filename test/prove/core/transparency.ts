import { conversation, numbers, transparent } from '../../seam/conversations.js'
import type { Proof } from '../proof.js'

/** Random conversations, with and without a sidecar: replies, events and the bodies that the model receives are equal. */
export const proof: Proof = {
  group: 'core',
  name: 'an agent behind a sidecar says and asks exactly what it does without one',
  full: 10_000,
  small: 400,
  async run({ n, seed }) {
    let failed = 0
    for (let tried = 0; tried < n; tried++) {
      const talk = conversation(numbers(seed * 1_000_003 + tried))
      if (await transparent(talk).catch(() => false)) continue
      failed++
      process.stderr.write(`transparency, seed ${seed}, case ${tried}: ${JSON.stringify(talk)}\n`)
    }
    return { tried: n, failed }
  },
}
