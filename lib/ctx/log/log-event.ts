import type { CTXStatement } from '../language/ast.js'
import { human } from '../targets/emitters/human.js'
import { CTXParser } from '../language/parser.js'
import { serialize } from '../language/serializer.js'

/** What happens to a log, and is written into it. */
export type LogEventName = 'opened' | 'recovered' | 'rotated' | 'closed'

/** A record about the log itself, as its statement says it. */
export interface LogEvent {
  readonly event: LogEventName
  readonly facts: Readonly<Record<string, string>>
}

const names: readonly string[] = ['opened', 'recovered', 'rotated', 'closed']

/** The statement of an event of the log, `+i log event="opened" …`, and its sentence. */
export function logEvent({ event, facts }: LogEvent): { readonly ctx: string; readonly human: string } {
  const written: CTXStatement = {
    operator: '+',
    plane: 'i',
    target: 'log',
    filters: [],
    payload: { fields: { event, ...facts }, raw: '' },
    raw: '',
  }
  const ctx = serialize(written)
  return { ctx, human: human(new CTXParser().parse(ctx)) }
}

/** The event that a statement tells; `undefined` where it is not about a log. */
export function readLogEvent({ operator, plane, target, payload }: CTXStatement): LogEvent | undefined {
  const { event, ...facts } = payload?.fields ?? {}
  if (operator !== '+' || plane !== 'i' || target !== 'log' || event === undefined || !names.includes(event)) return
  return { event: event as LogEventName, facts }
}

/** A count in the facts of an event; 0 where it is absent or none. */
export const countIn = (facts: LogEvent['facts'], name: string): number => (/^\d{1,15}$/.test(facts[name] ?? '') ? Number(facts[name]) : 0)
