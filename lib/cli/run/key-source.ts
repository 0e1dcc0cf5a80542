import { type CommandIo, UsageError } from '../command.js'
import { type Credential, secretsOf } from './credential.js'
import { keyOfCommand } from './key-command.js'
import { keyInFile } from './key-file.js'
import { checkedKey } from './checked-key.js'

/**
 * The key from the one place that is named, else from the environment, as the SDK finds it there. `ANTHROPIC_CUSTOM_HEADERS` of the environment come with it.
 * @throws UsageError where there is none, two places are named, or the key stands on a command line
 */
export async function credentialFor(io: CommandIo): Promise<Credential> {
  const headers = nonEmpty(io.env.ANTHROPIC_CUSTOM_HEADERS)
  const credential = { ...(await named(io)), ...(headers === undefined ? {} : { headers }) }
  if (secretsOf(credential).length === 0 && credential.apiKey === undefined && credential.authToken === undefined && !provesItself(headers))
    throw new UsageError('no key for Claude; say --key-file FILE or --key-command CMD, or set ANTHROPIC_API_KEY')
  refuseOnCommandLine(io, credential)
  return credential
}

async function named({ options, env, cwd }: CommandIo): Promise<Credential> {
  const { 'key-file': file, 'key-command': command } = options
  if (file !== undefined && command !== undefined) throw new UsageError('--key-file and --key-command exclude each other; name one')
  if (typeof file === 'string') return { apiKey: keyInFile(file, cwd) }
  if (typeof command === 'string') return { apiKey: await keyOfCommand(command, { env, cwd }) }
  const [apiKey, authToken] = [nonEmpty(env.ANTHROPIC_API_KEY), nonEmpty(env.ANTHROPIC_AUTH_TOKEN)]
  if (apiKey !== undefined) return { apiKey: checkedKey(apiKey, 'ANTHROPIC_API_KEY') }
  return authToken === undefined ? {} : { authToken: checkedKey(authToken, 'ANTHROPIC_AUTH_TOKEN') }
}

/** Headers of a gateway may be the credential themselves. */
const provesItself = (headers: string | undefined): boolean => /^\s*(authorization|x-api-key)\s*:/im.test(headers ?? '')

/** Everybody can read the command line of a process. */
function refuseOnCommandLine({ options, rest = [] }: CommandIo, credential: Credential): void {
  const written = [...Object.values(options).map(String), ...rest]
  if (secretsOf(credential).some(secret => written.some(word => word.includes(secret))))
    throw new UsageError(
      'the key stands on the command line, where every user of this machine can read it; take it out, and use --key-file',
    )
}

function nonEmpty(value: string | undefined): string | undefined {
  return value?.trim() ? value.trim() : undefined
}
