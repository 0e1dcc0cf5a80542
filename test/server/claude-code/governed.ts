import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv } from '../../cli/run-process.js'
import { claudeCode } from './install.js'
import { type Ended, ran, type Scratch } from './session.js'

/** What a session of Claude Code is given. */
export interface Given {
  /** Where its requests go in the end. */
  readonly upstream: string
  /** In US dollars. Default 100. */
  readonly budget?: string
  /** Programs that its tools may not run. Default: `touch`. */
  readonly deny?: readonly string[]
  /** What is found as `claude`, in place of Claude Code itself: the text of a shell script, which has the path of Claude Code in `$CLAUDE`. */
  readonly wrapper?: string
}

/** Runs `outrigger run -- claude -p …` in a scratch project, with the key in a file beside it; `program` is the folder of ours, compiled. */
export async function governed(program: string, scratch: Scratch, given: Given): Promise<Ended> {
  const { upstream, budget = '100', deny = ['touch'], wrapper } = given
  const bin = await claudeCode()
  writeFileSync(scratch.keyFile, scratch.key, { mode: 0o600 })
  writeFileSync(scratch.policyFile, policy(deny))
  const options = { 'base-url': upstream, budget, 'key-file': scratch.keyFile, policy: scratch.policyFile }
  const ours = [join(program, 'lib/cli/bin.js'), 'run', ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])]
  const claude = ['claude', '-p', 'Do what the script says.', '--allowedTools', 'Bash']
  // Else it may ask for a title of the session as well, and answers that go by order would go to the wrong request.
  const first = wrapper === undefined ? bin : scratch.program('claude', wrapper)
  const env = {
    ...cleanEnv(),
    PATH: `${first}:${bin}:${process.env.PATH}`,
    CLAUDE: join(bin, 'claude'),
    HOME: scratch.home,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  }
  return ran([process.execPath, ...ours, '--', ...claude], scratch, env)
}

const policy = (deny: readonly string[]): string => JSON.stringify({ rules: deny.length > 0 ? [{ commands: { deny } }] : [] })
