import { findOutriggerError } from '../core/errors.js'
import type { Attempt, Outcome, SidecarEvent } from '../core/types.js'
import { cutText } from './cut-text.js'

type Fields = readonly string[]

/** What leaves the process of each event, besides `at`, `agent`, `action` and `type`. A field that is not here stays inside. */
export const publicFields: { readonly [type in SidecarEvent['type']]: Fields } = {
  'action.started': ['kind', 'name'],
  'action.ended': ['kind', 'name', 'outcome', 'usage', 'nanoUsd', 'ms'],
  'attempt.ended': ['kind', 'attempt'],
  violation: ['ruleId', 'severity', 'response', 'kind', 'details', 'shadow', 'child'],
  approval: ['phase', 'request', 'sha256', 'kind', 'name', 'by', 'child'],
  'budget.threshold': ['threshold', 'unit', 'allocated', 'spent', 'child'],
  'budget.refused': ['unit', 'needed', 'remaining'],
  state: ['from', 'to', 'reason'],
  health: ['from', 'to', 'reason'],
  'layer.degraded': ['layer', 'error'],
  policy: ['change', 'reason', 'digest'],
  'child.started': ['child', 'reason'],
  'child.ended': ['child', 'reason'],
  decision: ['child', 'reason'],
}

/** An event for a reader outside of the process: no prompt, no answer, an error as its code, texts of bounded length. */
export function publicEvent(event: SidecarEvent): Readonly<Record<string, unknown>> {
  const { at, agent, action, type } = event
  const facts = Object.entries(event).filter(([name]) => publicFields[type]?.includes(name))
  return { at, agent, ...(action === undefined ? {} : { action }), type, ...Object.fromEntries(facts.map(shown)) }
}

function shown([name, value]: [string, unknown]): [string, unknown] {
  if (name === 'outcome') return [name, outcome(value as Outcome)]
  if (name === 'attempt') return [name, attempt(value as Attempt)]
  return [name, typeof value === 'string' ? cutText(value) : value]
}

function attempt({ n, outcome: came, usage, nanoUsd, startedAt, endedAt, wireDigest }: Attempt): object {
  return { n, outcome: outcome(came), usage, nanoUsd, startedAt, endedAt, wireDigest }
}

function outcome({ status, error, layer, sent }: Outcome): object {
  return { status, ...(error === undefined ? {} : { error: codeOf(error) }), ...(layer === undefined ? {} : { layer }), sent }
}

/** The code of an error of ours. The text of any other could hold anything, its name too. */
function codeOf(error: unknown): string {
  const { code } = findOutriggerError(error) ?? {}
  if (code) return code
  return (error as { name?: unknown } | null)?.name === 'AbortError' ? 'aborted' : 'other'
}
