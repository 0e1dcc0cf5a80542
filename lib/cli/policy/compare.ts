import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { visible } from '../../ctx/language/escape.js'
import { compareRules } from '../../policy/project/compare-rules.js'
import { loadPolicy } from '../../policy/project/load-policy.js'
import { parsePolicy } from '../../policy/project/parse-policy.js'
import type { Rule } from '../../policy/types.js'
import { type Command, type CommandIo, exitCodes } from '../command.js'

/** `outrigger policy compare`: what a change of a file of rules means, as a sidecar that lives would take it. */
export const compare: Command = {
  usage: 'OLD NEW [--allow-loosening]',
  options: { 'allow-loosening': { type: 'boolean', about: 'end with 0 though it loosens' } },
  args: [2, 2],
  async run(io) {
    const [before, after] = await rulesOf(io)
    const { change, loosened } = compareRules(before, after)
    if (io.options.json) io.stdout.write(`${JSON.stringify({ change, loosened: loosened.map(shown) }, null, 2)}\n`)
    else print(io, change, loosened)
    return change === 'loosened' && !io.options['allow-loosening'] ? exitCodes.failed : exitCodes.fine
  },
}

/** Both as if they stood where the new one stands: relative paths of the two mean the same. Who owns a file does not count: nothing is enforced by it here. */
async function rulesOf({ args, cwd }: CommandIo): Promise<readonly [before: readonly Rule[], after: readonly Rule[]]> {
  const [old, next] = args.map(path => resolve(cwd, path)) as [string, string]
  const read = (path: string) => readFileSync(path, 'utf8')
  await loadPolicy(old, { read })
  const { rules } = await loadPolicy(next, { read })
  return [parsePolicy(next, read(old)).rules, rules]
}

const shown = ({ id, response, facts }: Rule): object => ({ id, response, facts })

const words = {
  none: 'none: both say the same',
  tightened: 'tightened: whatever was refused still is',
  loosened: 'loosened: nothing in the new file is certain to be as strict as',
}

function print({ stdout }: CommandIo, change: keyof typeof words, loosened: readonly Rule[]): void {
  stdout.write(`${words[change]}\n`)
  for (const { id, response, facts } of loosened) stdout.write(`  ${visible(id)} (${response}): ${visible(JSON.stringify(facts))}\n`)
}
