/** `outrigger/server`: the companion process. */
export { createServer } from './create-server.js'
export { outsideAgent } from './outside-agent.js'
export type {
  AgentSnapshot,
  BudgetAmounts,
  CompanionServer,
  Served,
  ServedAgent,
  ServerLimits,
  ServerOptions,
  ServerSnapshot,
  ViolationLine,
} from './types.js'
export type { AgentSpec } from './admin/agent-spec.js'
export type { AgentJournal, AgentStatus } from './admin/journal.js'
