import type { AgentSnapshot, BudgetAmounts, ServerSnapshot, ViolationLine } from '../../server/types.js'

type Given = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Given => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const figure = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
const figureOrNull = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

/** What a companion says of its agents. What answers at an address may be anything: what is not as agreed is left out. */
export function readServer(value: unknown): ServerSnapshot {
  const { at, agents } = isObject(value) ? value : {}
  return { at: figure(at), agents: (Array.isArray(agents) ? agents : []).flatMap(agent => readAgent(agent) ?? []) }
}

/** One agent; `undefined` where it has no name. */
export function readAgent(value: unknown): AgentSnapshot | undefined {
  if (!isObject(value) || typeof value.name !== 'string') return undefined
  return {
    name: value.name,
    id: text(value.id),
    type: text(value.type),
    preset: textOrNull(value.preset),
    record: textOrNull(value.record),
    state: text(value.state) as AgentSnapshot['state'],
    paused: textOrNull(value.paused),
    health: health(value.health),
    calls: figure(value.calls),
    attempts: figure(value.attempts),
    open: figure(value.open),
    tokenUsage: usage(value.tokenUsage),
    nanoUsd: amounts(value.nanoUsd),
    tokens: amounts(value.tokens),
    utilization: figureOrNull(value.utilization),
    saturation: figureOrNull(value.saturation),
    violations: figure(value.violations),
    lastViolation: violation(value.lastViolation),
  }
}

function health(value: unknown): AgentSnapshot['health'] {
  if (!isObject(value)) return null
  return { status: text(value.status), reasons: (Array.isArray(value.reasons) ? value.reasons : []).map(text) }
}

function usage(value: unknown): AgentSnapshot['tokenUsage'] {
  const given = isObject(value) ? value : {}
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h, certainty } = given
  const sure = certainty === 'measured' || certainty === 'estimated' ? certainty : 'unknown'
  return {
    input: figure(input),
    output: figure(output),
    cacheRead: figure(cacheRead),
    cacheWrite5m: figure(cacheWrite5m),
    cacheWrite1h: figure(cacheWrite1h),
    certainty: sure,
  }
}

function amounts(value: unknown): BudgetAmounts | 'unlimited' | null {
  if (value === 'unlimited') return value
  if (!isObject(value)) return null
  const { allocated, spent, held, delegated, remaining } = value
  return {
    allocated: figure(allocated),
    spent: figure(spent),
    held: figure(held),
    delegated: figure(delegated),
    remaining: figure(remaining),
  }
}

function violation(value: unknown): ViolationLine | null {
  if (!isObject(value)) return null
  const { ruleId, response, details, shadow, at } = value
  return { ruleId: text(ruleId), response: text(response), details: text(details), shadow: shadow === true, at: figure(at) }
}
