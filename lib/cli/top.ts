import { systemClock } from '../core/clock.js'
import { type Command, type CommandIo, exitCodes, UsageError } from './command.js'
import { dirOption } from './ctx/dir.js'
import { CompanionClient } from './top/companion-client.js'
import { plainTable } from './top/frame.js'
import { live, paintFor } from './top/live.js'
import { withoutColour } from './top/paint.js'
import { sourcesOf } from './top/sources.js'
import type { CompanionView, Source } from './top/view.js'

/** `outrigger top`: every agent of the companions that run, live. */
export const top: Command = {
  usage: '[--dir D | --url URL --token-file FILE] [--once]',
  options: {
    dir: { ...dirOption, about: 'the record folder whose companions are shown; default: .context' },
    url: { type: 'string', value: 'URL', about: 'one companion, by its address' },
    'token-file': { type: 'string', value: 'FILE', about: 'holds the watch token or the admin token for --url' },
    once: { type: 'boolean', about: 'print one table and end; needs no terminal' },
  },
  args: [0, 0],
  async run(io) {
    const sources = sourcesOf(io)
    if (io.options.once || io.options.json) return printOnce(io, sources())
    const terminal = io.terminal?.()
    if (!terminal) throw new UsageError('a live table needs a terminal; say --once for one table, --json for one document')
    return live(io, terminal, sources)
  },
}

async function printOnce(io: CommandIo, sources: readonly Source[]): Promise<number> {
  const now = (io.clock ?? systemClock).now()
  const companions = await Promise.all(sources.map(source => seen(source, io, now)))
  if (io.options.json) io.stdout.write(`${JSON.stringify({ companions: companions.map(documented) }, null, 2)}\n`)
  else for (const line of plainTable({ companions, now }, widthFor(io), paintOf(io))) io.stdout.write(`${line}\n`)
  return companions.some(({ link }) => link === 'live') ? exitCodes.fine! : exitCodes.failed!
}

async function seen(source: Source, { clock = systemClock, signal }: CommandIo, since: number): Promise<CompanionView> {
  try {
    const { agents } = await new CompanionClient(source, clock).snapshot(signal)
    return { source, link: 'live', why: null, since, agents }
  } catch (error) {
    return { source, link: 'lost', why: (error as Error).message, since, agents: [] }
  }
}

/** All that is known, but the token. */
function documented({ source: { baseURL, pid, command, startedAt }, why, agents }: CompanionView): object {
  return { baseURL, pid, command, startedAt, error: why, agents }
}

/** In a file or a pipe nothing is cut that a screen would cut. */
const widthFor = ({ terminal }: CommandIo): number => terminal?.()?.size().columns ?? 200

const paintOf = ({ terminal, env }: CommandIo) => (terminal?.() ? paintFor(env) : withoutColour)
