import { addAbortSignal } from 'node:stream'
import { exitCodes, type Io } from './command.js'

/**
 * The real world for `main`. The first SIGINT or SIGTERM fires the signal, so that a command can end in order; the second ends the process
 * with 130 at once. A reader that closes our stdout early (`| head`) ends it quietly.
 */
export function processIo(): Io {
  const abort = new AbortController()
  const stop = (name: string): void => {
    if (abort.signal.aborted) process.exit(exitCodes.interrupted)
    abort.abort(new Error(`stopped by ${name}`))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop(name))
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  const stdin = () => addAbortSignal(abort.signal, process.stdin)
  return { stdout: process.stdout, stderr: process.stderr, stdin, signal: abort.signal, env: process.env, cwd: process.cwd() }
}
