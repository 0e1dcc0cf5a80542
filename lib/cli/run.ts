import { type Command, type CommandIo, UsageError } from './command.js'
import type { HostProcess } from './host-process.js'
import { type Credential, secretsOf } from './run/credential.js'
import type { govern as Govern } from './run/govern.js'
import { credentialFor } from './run/key-source.js'
import { handoverVariable, launch } from './run/launcher.js'
import { launchWarning } from './run/launch-warning.js'
import { runOptions, type RunSettings, runSettings } from './run/run-options.js'
import { secretVariables } from './run/secret-variables.js'
import { withoutDebugger } from './run/without-debugger.js'

/** `outrigger run`: a companion for one command, which never holds the key. */
export const run: Command = {
  usage: '[--preset P] [--budget USD] [--key-file F | --key-command CMD] [options] -- command …',
  options: runOptions,
  // One too many is told by `runSettings`, which knows what was meant.
  args: [0, Number.POSITIVE_INFINITY],
  notes: ['exit codes: those of the command; 125 the sidecar stopped it, 126 and 127 it could not be started, 2 wrong use'],
  async run(io) {
    const host = hostOf(io)
    const settings = runSettings(io)
    return withoutDebugger(host, () => started(io, host, settings))
  },
}

async function started(io: CommandIo, host: HostProcess, settings: RunSettings): Promise<number> {
  if (host.channel && io.env[handoverVariable]) return governed(io, host, settings, (await host.channel.receive()) as Credential)
  const credential = await credentialFor(io)
  const shown = secretVariables(io.env, secretsOf(credential))
  if (shown.length === 0) return governed(io, host, settings, credential)
  io.stderr.write(launchWarning(shown, host.pid))
  return launch(io, host, credential, shown)
}

/** The launcher does without what a companion is made of. */
const governed = async (...given: Parameters<typeof Govern>): Promise<number> => (await import('./run/govern.js')).govern(...given)

function hostOf({ process }: CommandIo): HostProcess {
  if (!process) throw new UsageError('run starts a program, which needs a process of its own')
  if (process.platform === 'win32')
    throw new UsageError('run needs Linux or macOS; elsewhere, use outrigger serve and set the variables yourself')
  return process
}
