import { rmSync } from 'node:fs'
import { cases } from '../../server/claude-code/cases.js'
import { claudeCode } from '../../server/claude-code/install.js'
import { Scratch } from '../../server/claude-code/session.js'
import { compiled } from '../../support/compiled.js'
import type { Proof } from '../proof.js'

/** Installs Claude Code, so it has no small size: `npm test` shows it as skipped. */
export const proof: Proof = {
  group: 'server',
  name: 'Claude Code under outrigger run: what it prints, runs and does not run, and where its requests go',
  full: cases.length,
  small: 0,
  async run({ n }) {
    await claudeCode()
    const program = compiled({})
    try {
      return { tried: n, failed: await failuresOf(program, n) }
    } finally {
      rmSync(program, { recursive: true, force: true })
    }
  },
}

async function failuresOf(program: string, n: number): Promise<number> {
  let failed = 0
  for (let tried = 0; tried < n; tried++) {
    const { name, holds } = cases[tried % cases.length]!
    const scratch = new Scratch()
    try {
      await holds(program, scratch)
    } catch (error) {
      failed++
      process.stderr.write(`Claude Code: not so: ${name}: ${(error as Error).message}\n`)
    } finally {
      scratch.remove()
    }
  }
  return failed
}
