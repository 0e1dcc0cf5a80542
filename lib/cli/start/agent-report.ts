import type { AgentState, SidecarEvent, TokenUsage } from '../../core/types.js'
import type { Governed } from './team.js'

/** What one agent came to. */
export interface AgentReport {
  readonly name: string
  readonly type: string
  /** The name of its parent. */
  readonly parent?: string
  readonly state: AgentState
  /** The status word of `health()`, before it was closed. */
  readonly health: string
  readonly tokenUsage: TokenUsage
  /** What its own calls cost, without those of its children. */
  readonly nanoUsd: number
  readonly calls: number
  readonly attempts: number
  readonly utilization: number
  readonly saturation: number
  readonly violations: readonly { readonly ruleId: string; readonly response: string; readonly details: string }[]
}

interface Seen {
  readonly sidecar: Governed
  health: string
  nanoUsd: number
}

/** Hears every agent of the job, and reports on each. */
export class Watch {
  readonly #onEvent: (agent: string, event: SidecarEvent) => void
  readonly #seen: Seen[] = []

  constructor(onEvent: (agent: string, event: SidecarEvent) => void) {
    this.#onEvent = onEvent
  }

  get sidecars(): readonly Governed[] {
    return this.#seen.map(({ sidecar }) => sidecar)
  }

  see(sidecar: Governed): void {
    const seen: Seen = { sidecar, health: 'healthy', nanoUsd: 0 }
    this.#seen.push(seen)
    sidecar.subscribe(event => {
      if (event.type === 'attempt.ended') seen.nanoUsd += event.attempt.nanoUsd ?? 0
      this.#onEvent(sidecar.name, event)
    })
  }

  /** Looks at everybody's health, then closes the first and, with it, all others. */
  async end(first: Governed): Promise<void> {
    for (const seen of this.#seen) seen.health = seen.sidecar.health().status
    await first.close()
  }

  get reports(): readonly AgentReport[] {
    return this.#seen.map(seen => this.#report(seen))
  }

  #report({ sidecar, health, nanoUsd }: Seen): AgentReport {
    const { metrics, name, type, state, tokenUsage, utilization, saturation, violations } = sidecar
    const parent = this.#seen.find(({ sidecar: { id } }) => id === sidecar.parent)
    return {
      name,
      type,
      ...(parent ? { parent: parent.sidecar.name } : {}),
      state,
      health,
      tokenUsage,
      nanoUsd,
      calls: metrics.calls,
      attempts: metrics.attempts,
      utilization,
      saturation,
      violations: violations.map(({ ruleId, response, details }) => ({ ruleId, response, details })),
    }
  }
}
