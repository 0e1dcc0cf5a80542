import type { AgentSnapshot } from '../../../lib/server/types.js'
import type { CompanionView } from '../../../lib/cli/top/view.js'

/** An agent as a companion shows it. */
export function agent(over: Partial<AgentSnapshot> = {}): AgentSnapshot {
  return {
    name: 'scribe',
    id: 'scribe-1',
    type: 'outside',
    preset: null,
    record: null,
    state: 'working',
    paused: null,
    health: { status: 'healthy', reasons: [] },
    calls: 12,
    attempts: 13,
    open: 1,
    tokenUsage: { input: 1_000, output: 234, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, certainty: 'measured' },
    nanoUsd: { allocated: 2_000_000_000, spent: 765_443_300, held: 0, delegated: 0, remaining: 1_234_556_700 },
    tokens: 'unlimited',
    utilization: 0.826,
    saturation: 0.9,
    violations: 0,
    lastViolation: null,
    ...over,
  }
}

/** A companion that is live. */
export function companionView(over: Partial<CompanionView> = {}): CompanionView {
  const source = { baseURL: 'http://127.0.0.1:4141', token: 'secret', pid: 77, command: 'claude', startedAt: 1 }
  return { source, link: 'live', why: null, since: 1_000, agents: [agent()], ...over }
}
