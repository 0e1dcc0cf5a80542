import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { visible } from '../ctx/language/escape.js'
import { type KillNote, killSwitchFile } from '../sidecar/kill-switch.js'
import { type Command, type CommandIo, exitCodes, UsageError } from './command.js'

/** `outrigger kill`: sets the kill switch, or takes it away. */
export const kill: Command = {
  usage: '[--reason TEXT] [--by NAME] [--lift]',
  options: {
    reason: { type: 'string', value: 'TEXT', about: 'why; every refusal says it' },
    by: { type: 'string', value: 'NAME', about: 'who; default: the user of the environment' },
    lift: { type: 'boolean', about: 'take it away: agents may act again' },
  },
  args: [0, 0],
  async run(io) {
    const file = killSwitchFile(io.env, io.cwd)
    if (io.options.lift) lift(io, file)
    else set(io, file)
    return exitCodes.fine
  },
}

function set({ stdout, options: { reason = '', by, json }, env }: CommandIo, file: string): void {
  const note: KillNote = { by: String(by ?? env.USER ?? env.USERNAME ?? ''), reason: String(reason) }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(note)}\n`)
  if (json) stdout.write(`${JSON.stringify({ file, set: true, ...note }, null, 2)}\n`)
  else stdout.write(`${visible(file)} is set: sidecars that heed it refuse every action, and end what runs, within a second\n`)
}

function lift({ stdout, options: { reason, by, json } }: CommandIo, file: string): void {
  if (reason !== undefined || by !== undefined) throw new UsageError('--lift takes neither --reason nor --by')
  rmSync(file, { force: true })
  if (json) stdout.write(`${JSON.stringify({ file, set: false }, null, 2)}\n`)
  else stdout.write(`${visible(file)} is not set\n`)
}
