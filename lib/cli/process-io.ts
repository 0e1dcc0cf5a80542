import { addAbortSignal } from 'node:stream'
import { isatty } from 'node:tty'
import { exitCodes, type Io } from './command.js'
import type { HostChannel, HostProcess } from './host-process.js'
import { processTerminal } from './terminal.js'

/**
 * The real world for `main`. The first SIGINT or SIGTERM fires the signal, so that a command can end in order; the second ends the process
 * with 130 at once. A reader that closes our stdout early (`| head`) ends it quietly; where nobody hears our stderr, nobody is told.
 */
export function processIo(): Io {
  const abort = new AbortController()
  const stop = (name: string): void => {
    if (abort.signal.aborted) process.exit(exitCodes.interrupted)
    abort.abort(new Error(`stopped by ${name}`))
  }
  const signals = new Signals(['SIGINT', 'SIGTERM'], stop)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  process.stderr.on('error', () => {})
  const stdin = () => addAbortSignal(abort.signal, process.stdin)
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin,
    terminal: processTerminal,
    signal: abort.signal,
    env: process.env,
    cwd: process.cwd(),
    process: hostProcess(signals),
  }
}

type Heard = (signal: NodeJS.Signals) => void

/** Who hears a signal: whoever came last. */
class Signals {
  readonly #usual: ReadonlyMap<NodeJS.Signals, Heard>

  constructor(names: readonly NodeJS.Signals[], heard: Heard) {
    this.#usual = new Map(names.map(name => [name, heard]))
    for (const name of names) process.on(name, heard)
  }

  take(names: readonly NodeJS.Signals[], heard: Heard): () => void {
    for (const name of names) {
      process.on(name, heard)
      this.#unlessUsual(name, usual => process.off(name, usual))
    }
    return () => {
      for (const name of names) {
        this.#unlessUsual(name, usual => process.on(name, usual))
        process.off(name, heard)
      }
    }
  }

  #unlessUsual(name: NodeJS.Signals, work: (usual: Heard) => void): void {
    const usual = this.#usual.get(name)
    if (usual) work(usual)
  }
}

function hostProcess(signals: Signals): HostProcess {
  const [program, script, ...argv] = process.argv
  return {
    pid: process.pid,
    platform: process.platform,
    again: [program!, ...process.execArgv, script!],
    argv,
    // process.stdin is not touched: it would change the stream for whoever inherits it.
    onTerminal: [0, 1, 2].some(isatty),
    onSignals: (names, heard) => signals.take(names, heard),
    atExit: work => {
      process.on('exit', work)
      return () => void process.off('exit', work)
    },
    halt: () => {
      if (process.connected) process.kill(process.ppid, 'SIGSTOP')
      process.kill(process.pid, 'SIGSTOP')
    },
    channel: process.connected ? channel() : undefined,
  }
}

function channel(): HostChannel {
  let closed = false
  return {
    receive: () =>
      new Promise((resolve, reject) => {
        const gone = () => reject(new Error('the process that started this one has gone'))
        process.once('disconnect', gone)
        process.once('message', message => {
          process.off('disconnect', gone)
          resolve(message)
        })
      }),
    send: message => void process.send?.(message),
    onGone: gone =>
      void process.once('disconnect', () => {
        if (!closed) gone()
      }),
    close: () => {
      closed = true
      if (process.connected) process.disconnect()
    },
  }
}
