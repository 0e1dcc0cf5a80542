import type { SidecarEvent } from '../../core/types.js'
import { formatUsd } from '../../ledger/index.js'

/** One line for an event that a person wants to see while the job runs; nothing for the rest. */
export function progressLine(event: SidecarEvent): string | undefined {
  switch (event.type) {
    case 'action.started':
      return event.kind === 'send' ? 'send' : `  ${event.kind} ${event.name ?? ''}`
    case 'attempt.ended':
      return event.kind === 'model' ? `    attempt ${event.attempt.n}: ${attemptText(event.attempt)}` : undefined
    case 'action.ended':
      return event.outcome.status === 'done' || event.kind === 'model' ? undefined : `${event.kind} ended: ${textOf(event.outcome.error)}`
    case 'violation':
      return event.child ? undefined : `  violation: ${event.ruleId}, ${event.details} → ${event.response}, before it ran`
    case 'budget.threshold':
      return event.child ? undefined : `  budget: ${Math.round(event.threshold * 100)} % is spent`
    case 'budget.refused':
      return '  budget: the next call does not fit, it is not sent'
    case 'decision':
      return `  is told: ${event.reason ?? ''}`
    default:
      return undefined
  }
}

type EndedAttempt = (SidecarEvent & { type: 'attempt.ended' })['attempt']

function attemptText({ outcome, usage, nanoUsd }: EndedAttempt): string {
  if (outcome.status === 'refused') return 'refused, nothing was sent'
  if (outcome.status !== 'done') return `${outcome.status}, ${textOf(outcome.error)}`
  return `${usage.input} tokens in, ${usage.output} out${nanoUsd === undefined ? '' : `, $${formatUsd(nanoUsd)}`}`
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'no reason given'
}
