import { resolve } from 'node:path'
import { visible } from '../../ctx/language/escape.js'
import { judge } from '../../policy/judge.js'
import type { Rule } from '../../policy/types.js'
import { type Command, type CommandIo, exitCodes } from '../command.js'
import { casesIn, type PolicyCase } from './cases.js'
import { policyOf, policyOption } from './policy-option.js'

/** What became of one case. */
interface Tried {
  readonly name: string
  readonly ok: boolean
  readonly expect: string
  readonly response: string
  /** The rule that decided, and what it found. */
  readonly ruleId: string | null
  readonly details: string | null
}

/** `outrigger policy test`: judges a file of cases, each with fresh counters, and says which answers are others than expected. */
export const testing: Command = {
  usage: 'FILE [--policy FILE]',
  options: { policy: policyOption },
  args: [1, 1],
  async run(io) {
    const cases = casesIn(resolve(io.cwd, io.args[0]!))
    const { files, rules } = await policyOf(io)
    const tried: Tried[] = []
    for (const one of cases) tried.push(await tryCase(rules, one))
    const failed = tried.filter(({ ok }) => !ok).length
    if (io.options.json) io.stdout.write(`${JSON.stringify({ files, cases: tried, failed }, null, 2)}\n`)
    else print(io, tried, failed)
    return failed === 0 ? exitCodes.fine : exitCodes.failed
  },
}

async function tryCase(rules: readonly Rule[], { name, action, expect, ruleId }: PolicyCase): Promise<Tried> {
  const judgement = await judge(rules, action)
  const ok = judgement.response === expect && (ruleId === undefined || judgement.all.some(found => found.ruleId === ruleId))
  return { name, ok, expect, response: judgement.response, ruleId: judgement.ruleId ?? null, details: judgement.details ?? null }
}

function print({ stdout }: CommandIo, tried: readonly Tried[], failed: number): void {
  for (const { name, ok, expect, response, ruleId, details } of tried) {
    const because = ruleId === null ? '' : `  ${visible(ruleId)}: ${visible(details ?? '')}`
    stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${response.padEnd(12)}${visible(name)}${ok ? '' : `  (expected ${expect})`}${because}\n`)
  }
  stdout.write(`${tried.length - failed} of ${tried.length} as expected\n`)
}
