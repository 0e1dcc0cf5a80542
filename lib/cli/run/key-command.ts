import { spawn } from 'node:child_process'
import { ConfigError } from '../../core/errors.js'
import { checkedKey } from './checked-key.js'
import { commandWords } from './command-words.js'
import type { Env } from './secret-variables.js'

const mostBytes = 65_536

/**
 * What a command prints: that of a keychain, `security find-generic-password -s anthropic -w`. It is run without a shell, with the user's own environment, and it
 * may ask on the terminal.
 * @throws UsageError on a command that cannot be read, ConfigError where it fails; neither says what it printed
 */
export async function keyOfCommand(text: string, { env, cwd }: { readonly env: Env; readonly cwd: string }): Promise<string> {
  const [program, ...args] = commandWords(text, '--key-command')
  const child = spawn(program, args, { cwd, env: { ...env }, stdio: ['inherit', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  let length = 0
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= mostBytes) chunks.push(chunk)
  })
  const ended = await new Promise<number | string>((resolve, reject) => {
    child.once('error', error => reject(notStarted(program, error)))
    child.once('close', (code, signal) => resolve(code ?? signal!))
  })
  if (ended !== 0)
    throw new ConfigError(`--key-command: ${program} failed with ${ended}; try it by itself, it must print the key and end with 0`)
  if (length > mostBytes) throw new ConfigError(`--key-command: ${program} printed more than a key`)
  return checkedKey(Buffer.concat(chunks).toString('utf8'), `--key-command ${program}`)
}

function notStarted(program: string, { code }: NodeJS.ErrnoException): ConfigError {
  return new ConfigError(`--key-command: ${program} cannot be started (${code}); name a program of your PATH, it is run without a shell`)
}
