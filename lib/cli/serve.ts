import { removeCompanionFile, writeCompanionFile } from '../server/companion-file.js'
import { type Command, type CommandIo, exitCodes } from './command.js'
import { trustedConfig } from './run/upstream.js'
import { withoutDebugger } from './run/without-debugger.js'
import { cleanStart } from './serve/clean-start.js'
import { type CompanionPlan, type OpenCompanion, openCompanion } from './serve/open-companion.js'
import { drainMsByDefault, serveOptions, wholeNumber } from './serve/options.js'
import { planOf } from './serve/plan-of.js'
import { sayReady } from './serve/ready.js'

/** `outrigger serve`: a companion for many agents, until it is told to end. */
export const serve: Command = {
  usage: '[--config FILE] [--port N] [--host H] [--admin-token-file F] [--key-file F] [--key-command CMD] [--state DIR] [--drain-ms MS]',
  options: serveOptions,
  args: [0, 0],
  async run(io) {
    const drainMs = wholeNumber(io, 'drain-ms', 3_600_000) ?? drainMsByDefault
    return withoutDebugger(io.process, () =>
      cleanStart(io, async (credential, signal) => serveUntil(signal, io, planOf(io, await trustedConfig(io), credential), drainMs)),
    )
  },
}

async function serveUntil(signal: AbortSignal, io: CommandIo, plan: CompanionPlan, drainMs: number): Promise<number> {
  const companion = await openCompanion(io, plan)
  try {
    await served(io, companion, plan.record, signal)
  } finally {
    await drained(io, companion, drainMs)
  }
  return exitCodes.fine
}

async function served(
  io: CommandIo,
  { server, watchToken, ...companion }: OpenCompanion,
  record: string,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = (io.clock ?? Date).now()
  writeCompanionFile(record, { pid: process.pid, baseURL: server.baseURL, watchToken, command: 'serve', startedAt })
  try {
    sayReady(io, { server, watchToken, ...companion })
    await told(signal)
  } finally {
    removeCompanionFile(record)
  }
}

function told(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

async function drained(io: CommandIo, companion: OpenCompanion, drainMs: number): Promise<void> {
  io.stderr.write(`outrigger: ending; what runs may take ${drainMs} ms more, a second signal ends it at once\n`)
  await companion.close(drainMs)
  io.stderr.write('outrigger: ended\n')
}
