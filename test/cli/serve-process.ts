import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ReadyDocument } from './serving.js'

/** A companion in a process of its own. */
export interface ServeProcess {
  readonly child: ChildProcess
  readonly ready: ReadyDocument
  /** What it has written to stderr so far. */
  stderr(): string
  /** Resolves when it has written this to stderr. */
  said(text: string): Promise<void>
  /** Sends a signal and resolves to how it ended: its code, or the signal. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
  /** Resolves to how it ended. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** Starts the program that `compiled` has made in `program`, in the folder `cwd`, and waits until it listens. */
export async function serveProcess(
  program: string,
  cwd: string,
  env: Record<string, string>,
  argv: readonly string[] = [],
): Promise<ServeProcess> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=OUTRIGGER_OLD_SQLITE', join(program, 'lib/cli/bin.js'), 'serve', '--json', ...argv],
    {
      cwd,
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  let [out, err] = ['', '']
  const heard = new Set<() => void>()
  child.stderr!.on('data', part => {
    err += part
    for (const look of heard) look()
  })
  const said = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (err.includes(text)) resolve()
      }
      heard.add(look)
      look()
      void ended.then(how => reject(new Error(`ended with ${how} before it said "${text}": ${err}`)))
    })
  const ready = new Promise<ReadyDocument>((resolve, reject) => {
    child.stdout!.on('data', part => {
      out += part
      if (out.endsWith('}\n')) resolve(JSON.parse(out))
    })
    void ended.then(how => reject(new Error(`ended with ${how}: ${err}`)))
  })
  ready.catch(() => child.kill('SIGKILL'))
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended
  }
  return { child, ready: await ready, stderr: () => err, said, end, ended }
}
