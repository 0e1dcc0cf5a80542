import { defineMiddleware, type Host, type Layer, type Slot, slot } from 'outrigger'
import { keyId } from 'outrigger/ctx'
import { ApprovalGate } from './approval/gate.js'
import { type ApprovalSettings, approvalSettings, type WithApprovalOptions } from './approval/options.js'
import type { ApprovalRequest } from './approval/request.js'

export type { ApprovalWhen, AskAnswer, WithApprovalOptions } from './approval/options.js'
export type { ApprovalAnswer, ApprovalDecision } from './approval/queue.js'
export type { ApprovalRequest, ApprovedAction } from './approval/request.js'

/** The requests of an agent and of its children, for whoever answers them in this process. */
export interface Approvals {
  /** Those that wait, oldest first. */
  list(): readonly ApprovalRequest[]
  /**
   * Lets the action of a request pass, once.
   * @param options - `sha256`: what was looked at, so that nothing else is approved; `by`: who says so
   * @returns false, and nothing passes, where no such request waits: it is answered, withdrawn, too old, or for another action
   */
  approve(id: string, options?: { readonly sha256?: string; readonly by?: string }): boolean
  /** Refuses it; the model reads the reason. Returns as `approve` does. */
  deny(id: string, reason?: string, options?: { readonly by?: string }): boolean
}

/** The member that `withApproval` shows. */
export interface ApprovalMembers {
  readonly approvals: Approvals
}

/** The gates that an agent's actions pass: its own, then those of every ancestor. */
const gatesInForce: Slot<readonly ApprovalGate[]> = slot<readonly ApprovalGate[]>('approval.gates', { scope: 'agent' })

/**
 * Makes actions wait until somebody has approved them, outside of what a model can say. An approval is for one action, bound to its hash, and for one run of
 * it; no answer in time, or nobody who could answer, is a denial. Children are under it too. Fails closed. State: the requests that wait.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function withApproval(options: WithApprovalOptions = {}): Layer<ApprovalMembers> {
  const settings = approvalSettings(options)
  const gate = new ApprovalGate(settings)
  return approvalLayer([gate], { expose: { approvals: membersOf(gate) }, options: shownOf(settings), snapshot: () => snapshotOf(gate) })
}

interface Shown<E extends object> {
  readonly expose?: E
  readonly options: Layer['meta']['options'] & {}
  readonly snapshot?: () => { readonly [fact: string]: number }
}

function approvalLayer<E extends object>(own: readonly ApprovalGate[], shown: Shown<E>): Layer<E> {
  let gates: readonly ApprovalGate[] = own
  let host: Host

  return defineMiddleware<E>(
    {
      name: 'withApproval',
      on: ['tool', 'spawn'],
      commits: true,
      ...shown,
      attach: given => {
        host = given
        const above = (given.parent && gatesInForce.peek(given.parent)) ?? []
        gates = Object.freeze([...new Set([...own, ...above])])
        gatesInForce.set(given, gates)
      },
      // A child is asked about where its parent is. Its own sidecar, which its parent's agent holds, shows nothing to answer with.
      inherit: () => approvalLayer([], { options: { inherited: true } }),
    },
    async (ctx, next) => {
      for (const gate of gates) await gate.pass(ctx, host)
      await next()
    },
  )
}

function membersOf({ desk: { queue } }: ApprovalGate): Approvals {
  return Object.freeze<Approvals>({
    list: () => queue.list,
    approve: (id, { sha256, by } = {}) => queue.answer(id, sha256, { decision: 'approve', ...(by && { by }) }),
    deny: (id, reason, { by } = {}) => queue.answer(id, undefined, { decision: 'deny', ...(reason && { reason }), ...(by && { by }) }),
  })
}

function shownOf({ when, ask, dir, approvers, api, deadlineMs }: ApprovalSettings): Layer['meta']['options'] & {} {
  const asks =
    typeof when === 'function' ? 'a function' : (when?.map(entry => (typeof entry === 'string' ? entry : { rule: entry.id })) ?? 'all')
  return { when: asks, ask: ask !== undefined, dir: dir ?? null, approvers: approvers?.map(keyId) ?? null, api, deadlineMs }
}

const snapshotOf = ({ desk: { queue }, counts }: ApprovalGate): { readonly [fact: string]: number } => ({ waiting: queue.size, ...counts })
