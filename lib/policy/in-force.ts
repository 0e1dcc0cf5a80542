import { type Slot, slot } from '../core/slot.js'
import type { Context } from '../core/types.js'
import type { Rule } from './types.js'

/** The policy that an agent is under. */
export interface PolicyInForce {
  /** SHA-256 of the rules in canonical JSON, hex: what a record names. */
  readonly digest: string
  /** Its own rules and those of every ancestor. */
  readonly rules: readonly Rule[]
  /**
   * Judges the addresses that a guarded `fetch` is about to connect to one of, notes and records what is found, and throws where a rule refuses them.
   * Without it, a guarded `fetch` under a rule that looks at connections connects to nothing.
   */
  connect?(ctx: Context, addresses: readonly string[]): void | Promise<void>
  /** Both may be others at the next action: ask again. */
  readonly mayChange?: boolean
}

/** Set by the layer that judges, when it is mounted: a record names the policy, and a child is judged by its parent's rules too. */
export const policyInForce: Slot<PolicyInForce> = slot<PolicyInForce>('policy.inForce', { scope: 'agent' })

/** What the texts of an agent are checked by. */
export interface GuardrailsInForce {
  /** Its own checks and those of every ancestor. */
  readonly checks: readonly object[]
  /** How much of a stream is held, as the option `hold` says it. */
  readonly hold: 'full' | 'block' | 'sentence' | { readonly window: number }
}

/** Set by the layer that checks texts, when it is mounted: a child's texts are checked by its parent's checks too. */
export const guardrailsInForce: Slot<GuardrailsInForce> = slot<GuardrailsInForce>('guardrails.inForce', { scope: 'agent' })

/** Set by whoever spawns an agent, before its layers are mounted: rules for this child, besides its own and its parent's. */
export const spawnRules: Slot<readonly Rule[]> = slot<readonly Rule[]>('policy.spawnRules', { scope: 'agent' })
