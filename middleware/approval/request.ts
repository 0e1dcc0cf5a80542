import { createHash } from 'node:crypto'
import type { Action, SpawnAction, ToolAction } from 'outrigger'
import { canonicalJson } from 'outrigger/ctx'

/** What an approval is for: nothing else of an action is approved, and nothing of this may differ. */
export interface ApprovedAction {
  readonly kind: 'tool' | 'spawn'
  /** Of the tool, or of the child. */
  readonly name: string
  /** Of a spawn: `type`, `task` and `budget` of the child. */
  readonly input?: unknown
}

/** An action that waits for an answer. Frozen. */
export interface ApprovalRequest {
  /** 24 hex digits, by chance: never used again. */
  readonly id: string
  /** What an answer is bound to: SHA-256, hex, of the canonical JSON of `action`. */
  readonly sha256: string
  readonly agent: { readonly id: string; readonly name: string; readonly type: string }
  readonly action: ApprovedAction
  /** Why it is asked, where rules of `when` say so: a rule's id and its details. */
  readonly reasons: readonly string[]
  /** Wall time, milliseconds. */
  readonly requestedAt: number
  /** From then on no answer is good. Wall time, milliseconds. */
  readonly expiresAt: number
  /** The id of the action. */
  readonly actionId: string
}

/** The part of an action that is approved. */
export function approvedPart(action: Action): ApprovedAction {
  return action.kind === 'spawn' ? spawnPart(action) : toolPart(action as ToolAction)
}

const toolPart = ({ name, input }: ToolAction): ApprovedAction => Object.freeze({ kind: 'tool', name, input })

const spawnPart = ({ name, type, task, budget }: SpawnAction): ApprovedAction =>
  Object.freeze({ kind: 'spawn', name, input: Object.freeze({ type, task, budget }) })

/**
 * What an approval of this action is bound to: SHA-256, hex, of its canonical JSON.
 * @throws TypeError where JSON does not carry the input exactly: an approval would not say what it is for
 */
export function approvalDigest({ kind, name, input }: ApprovedAction): string {
  return createHash('sha256').update(canonicalJson({ kind, name, input })).digest('hex')
}
