import { resolve } from 'node:path'
import type { CommandIo, CommandOption } from '../command.js'

/** `--dir` of every command that works on a record. */
export const dirOption: CommandOption = { type: 'string', short: 'd', value: 'D', about: 'the folder of keys and logs; default: .context' }

/** The folder that is meant: absolute, and as the user wrote it. */
export function folderOf({ options: { dir }, cwd }: CommandIo): { readonly dir: string; readonly shown: string } {
  const shown = typeof dir === 'string' ? dir : '.context'
  return { dir: resolve(cwd, shown), shown }
}
