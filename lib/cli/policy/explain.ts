import { visible } from '../../ctx/language/escape.js'
import { type CommandEffects, commandEffects, type ProgramEffect } from '../../policy/commands/command-effects.js'
import { judge } from '../../policy/judge.js'
import type { Judgement } from '../../policy/types.js'
import { type Command, type CommandIo, exitCodes } from '../command.js'
import { policyOf, policyOption } from './policy-option.js'

/** `outrigger policy explain`: how a command of the shell is read, and what each rule says of it. Nothing is run. */
export const explain: Command = {
  usage: "'COMMAND' [--policy FILE]",
  options: {
    policy: policyOption,
    tool: { type: 'string', value: 'NAME', about: 'the tool that would run it, in its field command; default: Bash' },
  },
  args: [1, 1],
  isArgument: text => /\s/.test(text),
  async run(io) {
    const [command = ''] = io.args
    const { files, rules } = await policyOf(io)
    const { tool = 'Bash' } = io.options
    const effects = await commandEffects(command)
    const judgement = await judge(rules, { kind: 'tool', name: String(tool), input: { command } })
    if (io.options.json) io.stdout.write(`${JSON.stringify({ command, files, effects, judgement }, null, 2)}\n`)
    else print(io, effects, judgement)
    return judgement.response === 'allow' ? exitCodes.fine : exitCodes.failed
  },
}

function print({ stdout }: CommandIo, effects: CommandEffects, { response, all }: Judgement): void {
  for (const line of [...described(effects), '', ...judged(response, all)]) stdout.write(`${line}\n`)
}

function described({ programs, reads, writes, variables, hosts, unclear }: CommandEffects): readonly string[] {
  const lists = { reads, writes, sets: variables, hosts, 'not analysed': unclear }
  return [
    ...programs.map(program => `runs          ${said(program)}`),
    ...Object.entries(lists).flatMap(([name, items]) => items.map(item => `${name.padEnd(14)}${visible(item)}`)),
  ]
}

function said({ name, args, code, unknown }: ProgramEffect): string {
  const words = [name, ...args.map(arg => arg ?? '<known when it runs>')].map(word => visible(word)).join(' ')
  const notes = [...(code ? [`runs code of files (${code})`] : []), ...(unknown ? ['in no table'] : [])]
  return notes.length > 0 ? `${words}   (${notes.join('; ')})` : words
}

function judged(response: string, all: Judgement['all']): readonly string[] {
  if (all.length === 0) return ['allow: no rule is broken']
  return [
    response,
    ...all.map(found => `  ${visible(found.ruleId)}: ${visible(found.details)} (${found.response}${found.shadow ? ', in shadow' : ''})`),
  ]
}
