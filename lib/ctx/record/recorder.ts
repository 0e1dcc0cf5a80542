import { type Slot, slot } from '../../core/slot.js'
import type { Context, Kind } from '../../core/types.js'
import type { LogHead } from '../log/log-writer.js'
import type { ApprovalFacts } from '../statement/statement.js'

/** A violation that did not refuse its action: it is written down all the same. */
export interface NotedViolation {
  readonly ruleId: string
  readonly response: string
  readonly details: string
  readonly kind: Kind
  readonly shadow: boolean
}

/** The record of one agent, for the layers that have something to add to it. */
export interface Recorder {
  /** The log that it writes to; empty before the first record. */
  readonly logId: string
  /** The newest record that is durable: what the log of a child begins with. Opens the log. @throws SigningError where it cannot be */
  head?(): Promise<LogHead | undefined>
  /** Resolves when it is durable. @throws SigningError where it cannot be written: what it is about must not happen then */
  violation(ctx: Context, violation: NotedViolation): Promise<void>
  /** The same, of an approval: the action has not happened yet. */
  approval?(ctx: Context, approval: ApprovalFacts): Promise<void>
}

/** Set by the layer that signs, when it is mounted. */
export const recorder: Slot<Recorder> = slot<Recorder>('record.recorder', { scope: 'agent' })
