import { cases } from '../../server/claude-code/cases.js'
import { claudeCode } from '../../server/claude-code/install.js'
import { Scratch } from '../../server/claude-code/session.js'
import type { Proof } from '../proof.js'

/** Installs Claude Code, so it has no small size: `npm test` shows it as skipped. */
export const proof: Proof = {
  group: 'server',
  name: 'Claude Code behind a companion: what it prints, runs and does not run',
  full: cases.length,
  small: 0,
  async run({ n }) {
    await claudeCode()
    let failed = 0
    for (let tried = 0; tried < n; tried++) {
      const { name, holds } = cases[tried % cases.length]!
      const scratch = new Scratch()
      try {
        await holds(scratch)
      } catch (error) {
        failed++
        process.stderr.write(`Claude Code: not so: ${name}: ${(error as Error).message}\n`)
      } finally {
        scratch.remove()
      }
    }
    return { tried: n, failed }
  },
}
