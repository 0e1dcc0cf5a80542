import { resolve } from 'node:path'
import type { PolicyFile } from '../../policy/project/parse-policy.js'
import { projectFiles } from '../../policy/project/project-rules.js'
import { loadPolicy } from '../../policy/project/load-policy.js'
import { rules } from '../../policy/rules.js'
import type { Rule } from '../../policy/types.js'
import type { CommandIo, CommandOption } from '../command.js'

/** Which file of rules a command judges by. */
export const policyOption: CommandOption = {
  type: 'string',
  short: 'p',
  value: 'FILE',
  about: 'the file of rules; default: every outrigger.policy.json from here up to the root of the project',
}

/** What a command judges by: the files, and their rules behind those of every stack. */
export interface PolicyOfCommand {
  readonly files: readonly string[]
  readonly rules: readonly Rule[]
}

/** @throws ConfigError where there is no file, or one cannot be read, or is wrong */
export async function policyOf({ options: { policy }, cwd }: CommandIo): Promise<PolicyOfCommand> {
  const paths = projectFiles(typeof policy === 'string' ? resolve(cwd, policy) : true, cwd)
  const files: readonly PolicyFile[] = await Promise.all(paths.map(path => loadPolicy(path)))
  const steering = rules.selfModification({ paths })
  return { files: paths, rules: [steering, ...files.flatMap(file => file.rules)] }
}
