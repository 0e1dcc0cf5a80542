import { type CommandIo, UsageError } from '../command.js'
import { type Credential, secretsOf } from '../run/credential.js'
import { credentialFor } from '../run/key-source.js'
import { handoverVariable, launch } from '../run/launcher.js'
import { secretVariables } from '../run/secret-variables.js'

/** Does the work with the key. The signal fires when it is to end. */
type Work = (credential: Credential, signal: AbortSignal) => Promise<number>

/**
 * Does the work in a process that does not show the key: in this one, or, where its environment holds the key, in one that is started again
 * without it and gets it by a pipe.
 * @returns the exit code of the work
 */
export async function cleanStart(io: CommandIo, work: Work): Promise<number> {
  const host = io.process
  if (host?.channel && io.env[handoverVariable]) return handedOver(io, host.channel, work)
  const credential = await credentialFor(io)
  const shown = secretVariables(io.env, secretsOf(credential))
  if (!host || shown.length === 0) return work(credential, io.signal)
  io.stderr.write(`outrigger: warning: ${warning(shown, host.pid)}\n`)
  return host.platform === 'win32' ? work(credential, io.signal) : launch(io, host, credential, shown)
}

async function handedOver(
  { signal }: CommandIo,
  channel: NonNullable<NonNullable<CommandIo['process']>['channel']>,
  work: Work,
): Promise<number> {
  const gone = new AbortController()
  const credential = (await channel.receive()) as Credential
  if (typeof credential !== 'object' || credential === null)
    throw new UsageError('what was handed over is no key; start outrigger serve by itself')
  channel.onGone(() => gone.abort(new Error('the process that started this one has gone')))
  try {
    return await work(credential, AbortSignal.any([signal, gone.signal]))
  } finally {
    channel.close()
  }
}

const warning = (names: readonly string[], pid: number): string =>
  `the environment shows a credential (${names.join(', ')}): the companion is started without it, but this process (${pid}) and what started it show it still; take it out, and use --key-file FILE or --key-command CMD`
