import type { Address } from '../claude/door/address.js'
import type { ServerLimits } from '../claude/door/limits.js'
import type { Base } from '../sidecar/types.js'
import type { Clock } from '../core/clock.js'
import type { AgentState, SidecarEvent, TokenUsage } from '../core/types.js'
import type { AgentSpec } from './admin/agent-spec.js'
import type { AgentJournal } from './admin/journal.js'

export type { ServerLimits }

/** An agent that the server speaks for: a sidecar of its own, and the token that opens it. */
export interface ServedAgent {
  /** Made by `createSidecar`; for an agent outside this process, with `outsideAgent(name)`. Its name is unique on the server. */
  readonly sidecar: Base<never, unknown, never>
  /** What the agent's client sends as `x-api-key` or as a bearer. Default: a random one. */
  readonly token?: string
  /** What the snapshot shows of it besides: the preset it was made of, the folder of its record. */
  readonly about?: { readonly preset?: string; readonly record?: string }
}

/** An agent on a server. */
export interface Served {
  readonly name: string
  readonly sidecar: Base<never, unknown, never>
  /** It opens this agent on this server, and nothing else. */
  readonly token: string
}

/** What `createServer` takes. */
export interface ServerOptions extends Address {
  readonly agents?: readonly ServedAgent[]
  /** Opens everything that is not an agent's own: reading, pausing, resuming, adding, removing. Without it, those routes are not there. */
  readonly adminToken?: string
  /** Opens what can only tighten: reading, pausing, reaping. For `outrigger top` and the live page. */
  readonly watchToken?: string
  /** Makes an agent of what `POST /v1/agents` was sent. Without it, none is added over HTTP. */
  readonly open?: (spec: AgentSpec) => Promise<ServedAgent>
  /** Keeps what was done over HTTP, for a restart. */
  readonly journal?: AgentJournal
  readonly limits?: ServerLimits
  /** For tests. Default: the real clock. */
  readonly clock?: Clock
}

/** A companion: many agents behind one port. */
export interface CompanionServer {
  /** What a client gets as `ANTHROPIC_BASE_URL`. */
  readonly baseURL: string
  readonly agents: readonly Served[]
  /** Adds an agent. @throws ConfigError when its name or token is taken, or the sidecar is none of this library */
  add(agent: ServedAgent): Served
  /** Lets nothing new in for it, drains and closes its sidecar. Resolves to false when there is none of this name. */
  remove(name: string, options?: { readonly drainMs?: number }): Promise<boolean>
  snapshot(): ServerSnapshot
  /** Hears every event of every agent; returns what stops it. */
  subscribe(listener: (event: SidecarEvent) => void): () => void
  /** Lets nothing new in, waits `drainMs` (default 10,000) for what runs, closes every sidecar, then the port. */
  close(options?: { readonly drainMs?: number }): Promise<void>
}

/** Every agent of a server, now: the body of `GET /v1/snapshot`. */
export interface ServerSnapshot {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly agents: readonly AgentSnapshot[]
}

/** One agent, now. Parts whose layer is not in its stack are null. */
export interface AgentSnapshot {
  readonly name: string
  readonly id: string
  readonly type: string
  readonly preset: string | null
  /** The folder of its record. */
  readonly record: string | null
  readonly state: AgentState
  /** Why it is paused. */
  readonly paused: string | null
  readonly health: { readonly status: string; readonly reasons: readonly string[] } | null
  /** Actions of kind `model` that have ended, and the attempts of them. */
  readonly calls: number
  readonly attempts: number
  /** Requests that are open. */
  readonly open: number
  readonly tokenUsage: TokenUsage
  /** Integer nano-USD. */
  readonly nanoUsd: BudgetAmounts | 'unlimited' | null
  readonly tokens: BudgetAmounts | 'unlimited' | null
  readonly utilization: number | null
  readonly saturation: number | null
  /** How many there were, shadow ones too. */
  readonly violations: number
  readonly lastViolation: ViolationLine | null
}

/** Amounts of a budget. */
export interface BudgetAmounts {
  readonly allocated: number
  readonly spent: number
  readonly held: number
  readonly delegated: number
  readonly remaining: number
}

/** A violation in one line. */
export interface ViolationLine {
  readonly ruleId: string
  readonly response: string
  readonly details: string
  readonly shadow: boolean
  /** Milliseconds since 1970. */
  readonly at: number
}
