import { isTime } from '../../ctx/language/grammar.js'
import { sinceOf } from '../../ctx/targets/read-operation.js'
import { type CommandIo, type CommandOption, UsageError } from '../command.js'
import type { Entry } from './log-tail.js'

/** The options that choose records. All that are given must hold. */
export const filterOptions: Readonly<Record<'agent' | 'log' | 'phase' | 'since', CommandOption>> = {
  agent: { type: 'string', short: 'a', value: 'NAME', about: 'only of this agent, by its name or its id' },
  log: { type: 'string', short: 'l', value: 'ID', about: 'only of this log' },
  phase: { type: 'string', value: 'P', about: 'only of this phase: intent, outcome or note' },
  since: { type: 'string', short: 's', value: 'T', about: 'only what is not older: 30m, 7d, 2026-03-01, 2026-03-01T10:00Z' },
}

type Filter = (entry: Entry) => boolean

/** Which records are wanted. Of a line that is no record only the log is known. @throws UsageError for a value that means nothing */
export function filterOf({ options: { agent, log, phase, since } }: CommandIo, now: number): Filter {
  if (phase !== undefined && !['intent', 'outcome', 'note'].includes(`${phase}`))
    throw new UsageError(`--phase takes intent, outcome or note, not "${phase}"`)
  const from = since === undefined ? undefined : momentOf(`${since}`, now)
  const filters: readonly (Filter | undefined)[] = [
    log === undefined ? undefined : entry => entry.log === log,
    agent === undefined ? undefined : ({ record }) => record !== undefined && isOf(record.body.agent, `${agent}`),
    phase === undefined ? undefined : ({ record }) => record?.body.phase === phase,
    from === undefined ? undefined : ({ at }) => at >= from,
  ]
  const given = filters.filter(filter => filter !== undefined)
  return entry => given.every(holds => holds(entry))
}

/** Where nothing is chosen, an option that chooses must not seem to. @throws UsageError */
export function refuseFilters({ options }: CommandIo): void {
  const given = Object.keys(filterOptions).find(name => options[name] !== undefined)
  if (given !== undefined) throw new UsageError(`--${given} chooses what is printed of the record; leave it out here`)
}

/** An id is made of the name and eight digits, where the user gives none. */
const isOf = (id: string, agent: string): boolean =>
  id === agent || (id.startsWith(`${agent}-`) && /^-[0-9a-f]{8}$/.test(id.slice(agent.length)))

/** Unix time in milliseconds. */
function momentOf(time: string, now: number): number {
  const since = isTime(time) ? sinceOf(time) : undefined
  const moment = since && ('at' in since ? since.at * 1_000 : now - since.ago * 1_000)
  if (moment === undefined || Number.isNaN(moment))
    throw new UsageError(`--since takes a span or a moment: 30m, 7d, 2026-03-01, 2026-03-01T10:00Z; not "${time}"`)
  return moment
}
