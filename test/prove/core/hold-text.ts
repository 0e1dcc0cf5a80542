import fc from 'fast-check'
import { flaw, streams, untils } from '../../core/held-stream.js'
import type { Proof } from '../proof.js'

export const proof: Proof = {
  group: 'core',
  name: 'held text is judged before it is released, whole, once and in order, however the stream is cut',
  full: 30_000,
  small: 300,
  async run({ n, seed }) {
    let failed = 0
    for (const [events, until] of fc.sample(fc.tuple(streams, untils), { numRuns: n, seed })) {
      const wrong = await flaw(events, until).catch(String)
      if (wrong === undefined) continue
      failed++
      process.stderr.write(`holdText until ${until}: ${wrong}: ${JSON.stringify(events)}\n`)
    }
    return { tried: n, failed }
  },
}
