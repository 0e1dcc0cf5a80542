import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type Anthropic from '@anthropic-ai/sdk'
import { createSidecar } from 'outrigger'
import { memoryLog, type RecordLog } from 'outrigger/ctx'
import { createLedger, type Hold, type Ledger, MemoryLedgerStore } from 'outrigger/ledger'
import {
  createRetryBudget,
  withBudget,
  type WithBudgetOptions,
  withDeadline,
  type WithDeadlineOptions,
  withHealth,
  withLimit,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
} from 'outrigger/middleware'
import { type Rule, rules } from 'outrigger/policy'
import { createServer, outsideAgent, type ServerOptions } from 'outrigger/server'
import type { ClaudeOptions } from '../../lib/claude/options.js'
import type { Clock } from '../../lib/core/clock.js'
import type { LayerInput } from '../../lib/core/types.js'
import type { Base } from '../../lib/sidecar/types.js'
import { bareClient, key } from '../seam/mounts.js'

/** A companion with one agent, behind the full stack. */
export interface TestCompanion {
  readonly baseURL: string
  readonly token: string
  readonly client: Anthropic
  readonly sidecar: Base
  readonly store: MemoryLedgerStore
  /** Sockets of its clients that are open. */
  readonly sockets: ReadonlySet<Socket>
  /** Holds of the agent that count, as the ledger has them. */
  readonly holds: readonly Hold[]
  /** Integer nano-USD. */
  readonly spent: number
  close(options?: { readonly drainMs?: number }): Promise<void>
}

export interface TestCompanionOptions {
  readonly clock?: Clock
  readonly claude?: ClaudeOptions
  readonly limits?: ServerOptions['limits']
  /** Layers outside of the full stack. */
  readonly outside?: readonly LayerInput[]
  readonly rules?: readonly Rule[]
  readonly budget?: WithBudgetOptions
  readonly deadline?: WithDeadlineOptions
  readonly log?: RecordLog
  readonly store?: MemoryLedgerStore
  /** Default 1: what a test compares with does not repeat either. */
  readonly attempts?: number
}

/** Every layer of ours that a companion is started with, each looking at everything; nothing of it fires. */
export function fullStack(ledger: Ledger, options: TestCompanionOptions = {}): readonly LayerInput[] {
  const { budget = { usd: 1_000 }, deadline = { firstTokenMs: 600_000, idleMs: 600_000 }, attempts = 1 } = options
  return [
    withHealth(),
    withSigning({ log: options.log ?? memoryLog() }),
    withViolations({ rules: options.rules ?? [kept] }),
    withRetry({ attempts, budget: createRetryBudget({ minPerSecond: 100 }), random: () => 0 }),
    withLimit(),
    withDeadline(deadline),
    withMetrics(),
    withBudget({ ledger, ...budget }),
  ]
}

const kept = rules.rule({ id: 'kept', onResult: 'release', stages: ['action', 'result'], check: () => undefined })

/** Starts a companion in front of the Messages API at `url`. */
export async function companion(url: string, options: TestCompanionOptions = {}): Promise<TestCompanion> {
  const store = options.store ?? new MemoryLedgerStore()
  const sidecar = createSidecar({
    agent: outsideAgent('probe'),
    use: [...(options.outside ?? []), ...fullStack(createLedger({ store }), options)] as unknown as readonly [],
    claude: { apiKey: key, baseURL: url, ...options.claude },
    ...(options.clock ? { clock: options.clock } : {}),
  }) as unknown as Base
  const { clock, limits } = options
  const server = await createServer({ agents: [{ sidecar: sidecar as never }], ...(clock ? { clock } : {}), ...(limits ? { limits } : {}) })
  const sockets = socketsOf(Number(new URL(server.baseURL).port))
  const { token } = server.agents[0]!
  return {
    baseURL: server.baseURL,
    token,
    sidecar,
    store,
    client: bareClient(server.baseURL, { apiKey: token, maxRetries: 0 }),
    sockets: sockets.open,
    get holds() {
      return store.holds({ account: sidecar.id })
    },
    get spent() {
      return store.read(sidecar.id)!.nanoUsd.spent
    },
    close: async (given = { drainMs: 1 }) => {
      sockets.forget()
      await server.close(given)
    },
  }
}

/** The sockets that a server of this process accepts on a port. */
function socketsOf(port: number): { readonly open: ReadonlySet<Socket>; forget(): void } {
  const open = new Set<Socket>()
  const accepted = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket }
    if (socket.localPort !== port) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  }
  subscribe('net.server.socket', accepted)
  return { open, forget: () => void unsubscribe('net.server.socket', accepted) }
}
