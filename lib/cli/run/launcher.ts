import { type ChildProcess, spawn } from 'node:child_process'
import type { HostProcess } from '../host-process.js'
import type { CommandIo } from '../command.js'
import type { Credential } from './credential.js'
import { exitCodeOf } from './child.js'
import { ProcessTree, type TreeRoot } from './process-tree.js'
import { without } from './secret-variables.js'
import { heardIn, signalWays } from './signal-ways.js'

/** Says to the process that is started again that its key comes by the pipe. */
export const handoverVariable = 'OUTRIGGER_HANDOVER'

/** What the companion tells the launcher: what is to be ended should it die, and that nothing is any more. JSON. */
export type Told = { readonly tree: TreeRoot } | { readonly over: true }

/**
 * Starts this program again, without the variables that are named, and hands the credential over by an inherited pipe. Signals are passed on; when the
 * companion dies of one, what it had started is ended.
 * @returns the companion's exit code
 */
export async function launch(io: CommandIo, host: HostProcess, credential: Credential, names: readonly string[]): Promise<number> {
  const [program, ...flags] = host.again
  const companion = spawn(program!, [...flags, ...host.argv], {
    cwd: io.cwd,
    env: { ...without(io.env, names), [handoverVariable]: '1' },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // A signal for the whole group would reach the companion twice.
    detached: !host.onTerminal,
  })
  const place = host.onTerminal ? 'terminal' : 'alone'
  const restore = host.onSignals(heardIn(place), signal => {
    const { pass, end } = signalWays[place][signal]!
    if (pass || end) companion.kill(signal)
  })
  try {
    return await attended(io, companion, credential)
  } finally {
    restore()
  }
}

async function attended(io: CommandIo, companion: ChildProcess, credential: Credential): Promise<number> {
  let tree: TreeRoot | undefined
  companion.on('message', message => {
    const told = message as Told
    tree = 'tree' in told ? told.tree : undefined
  })
  companion.send(credential, () => {})
  const ended = await new Promise<Parameters<typeof exitCodeOf>[0]>((resolve, reject) => {
    companion.once('error', reject).once('exit', (code, signal) => resolve({ code, signal }))
  })
  if (tree) {
    await new ProcessTree(tree).end()
    io.stderr.write(`outrigger: the companion was ended by ${ended.signal ?? ended.code}; what it had started was ended too\n`)
  }
  return exitCodeOf(ended)
}
