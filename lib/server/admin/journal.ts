import type { Served } from '../types.js'
import type { AgentSpec } from './agent-spec.js'

/** What is to be kept of how an agent was steered. */
export interface AgentStatus {
  /** Why it is paused; null when it was resumed. */
  readonly paused?: string | null
  /** Why it was reaped: for good. */
  readonly reaped?: string
}

/** Keeps what the admin API did, so that it holds after a restart. Each resolves when it is durable; the answer waits for it. */
export interface AgentJournal {
  added(spec: AgentSpec, agent: Served): Promise<void>
  /** It is about to be removed. What it throws is the answer, and nothing happens. */
  removing(name: string): Promise<void>
  steered(name: string, status: AgentStatus): Promise<void>
}
