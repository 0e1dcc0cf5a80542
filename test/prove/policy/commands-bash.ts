import { openJudge, rules } from 'outrigger/policy'
import { commandLine, randomFrom } from '../../policy/commands/command-lines.js'
import { program } from '../../policy/commands/prove-attack.js'
import { linesCanRun, linesThatRun } from '../../policy/commands/run-lines.js'
import { tool } from '../../policy/support.js'
import type { Proof } from '../proof.js'

const batch = 500

export const proof: Proof = {
  group: 'policy',
  name: 'no line is let pass by which bash runs the denied program',
  full: 100_000,
  small: 2_000,
  async run({ n, seed }) {
    const random = randomFrom(seed)
    const { judge } = openJudge([rules.commands({ deny: [program] })])
    const sum = { tried: 0, failed: 0, ran: 0, refused: 0 }
    while (sum.tried < n) {
      const lines = Array.from({ length: Math.min(batch, n - sum.tried) }, () => commandLine(random))
      // Where none can be run, what is refused is still counted.
      const ran = linesCanRun ? linesThatRun(lines) : new Set<number>()
      for (const [number, line] of lines.entries()) {
        const refused = (await judge({ stage: 'action', action: tool('Bash', { command: line }) })).response !== 'allow'
        sum.refused += Number(refused)
        sum.ran += Number(ran.has(number))
        if (refused || !ran.has(number)) continue
        sum.failed++
        process.stderr.write(`let pass, though bash runs the program: ${JSON.stringify(line)}\n`)
      }
      sum.tried += lines.length
    }
    if (n >= 10_000) process.stderr.write(`commands: of ${n} lines ${sum.ran} ran the program, ${sum.refused} were refused\n`)
    // A generator that makes nothing worth refusing, or nothing worth letting pass, proves nothing.
    const blind = n >= 1_000 && linesCanRun && (sum.ran < n / 20 || sum.refused > n * 0.9)
    return { tried: sum.tried, failed: sum.failed + Number(blind) }
  },
}
