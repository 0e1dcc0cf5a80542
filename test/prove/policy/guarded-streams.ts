import { flaw, numbers, someCase } from '../../middleware/guarded-texts.js'
import type { Proof } from '../proof.js'

export const proof: Proof = {
  group: 'policy',
  name: 'a guarded text is judged and released the same, however its stream is cut, and nothing forbidden of it is ever released',
  full: 10_000,
  small: 1_000,
  async run({ n, seed }) {
    let failed = 0
    for (let at = 0; at < n; at++) {
      const one = someCase(numbers(seed * 1_000_003 + at))
      const wrong = await flaw(one, numbers(at + 1)).catch(
        (error: Error) => `${error.stack}${(error.cause as Error | undefined)?.stack ?? ''}`,
      )
      if (wrong === undefined) continue
      failed++
      const checks = one.checks.map(({ given }) => [given.id ?? given.find, given.response])
      if (failed < 10) process.stderr.write(`case ${at}: ${wrong}: ${JSON.stringify({ hold: one.hold, checks, texts: one.texts })}\n`)
    }
    return { tried: n, failed }
  },
}
