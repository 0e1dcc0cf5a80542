import { systemClock } from '../core/clock.js'
import { type Command, type CommandIo, exitCodes, UsageError } from './command.js'
import { askCompanion } from './hook/ask-companion.js'
import { readAll } from './hook/read-all.js'

const deadlineMs = 2_000

/**
 * `outrigger hook`: Claude Code's hook. Asks the companion and prints its answer. Ends with 0 whatever happens, because Claude Code runs a tool whose
 * hook ends with 1: what cannot be asked is denied.
 */
export const hook: Command = {
  usage: '[--deadline-ms N]',
  options: {
    'deadline-ms': { type: 'string', value: 'N', about: `deny when there is no answer after so many milliseconds; default: ${deadlineMs}` },
  },
  args: [0, 0],
  async run(io) {
    const ms = milliseconds(io.options['deadline-ms'])
    const answer = await answered(io, ms)
    io.stdout.write(`${JSON.stringify(answer)}\n`)
    return exitCodes.fine
  },
}

function milliseconds(given: string | boolean | undefined): number {
  const ms = given === undefined ? deadlineMs : Number(given)
  if (Number.isInteger(ms) && ms > 0) return ms
  throw new UsageError(`--deadline-ms must be a whole number above 0, got ${given}`)
}

/** One deadline for all: until the input has come, until the companion has answered. */
async function answered(io: CommandIo, ms: number): Promise<object> {
  const over = new AbortController()
  const late = new Error(`the companion did not answer within ${ms} ms`)
  const stop = (io.clock ?? systemClock).after(ms, () => over.abort(late), { awaited: true })
  const interrupted = () => over.abort(new Error('it was interrupted'))
  io.signal.addEventListener('abort', interrupted, { once: true })
  if (io.signal.aborted) interrupted()
  let event: unknown
  try {
    const text = await readAll(io.stdin?.(), over.signal)
    event = eventIn(text)
    return await askCompanion(io.env, text, event, over.signal)
  } catch (error) {
    return event === undefined || event === 'PreToolUse' ? denied(error) : {}
  } finally {
    stop()
    io.signal.removeEventListener('abort', interrupted)
  }
}

/** Of what is no hook's input, nobody knows which it is: `undefined`. */
function eventIn(text: string): unknown {
  const { hook_event_name: event } = (JSON.parse(text) ?? {}) as { readonly hook_event_name?: unknown }
  return event
}

function denied(error: unknown): object {
  const why = error instanceof SyntaxError ? 'what the hook was given is no JSON' : error instanceof Error ? error.message : 'it failed'
  return {
    hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason: `outrigger: ${why}` },
  }
}
