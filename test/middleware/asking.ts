import type { Layer } from 'outrigger'
import { withApproval, type Approvals, type WithApprovalOptions } from 'outrigger/middleware'
import { type Guarded, mountedWith } from './guarded.js'

export interface Asking extends Guarded {
  readonly approvals: Approvals
  /** What was told of requests, oldest first. */
  readonly phases: () => readonly string[]
}

/** A sidecar without an agent behind `withApproval`. */
export function asking(options: WithApprovalOptions = { api: true }, around: Parameters<typeof mountedWith>[1] = {}): Asking {
  const made = mountedWith(withApproval(options) as Layer<any>, around)
  const { approvals } = made.layer.meta.expose as { readonly approvals: Approvals }
  return { ...made, approvals, phases: () => made.of('approval').map(({ phase }) => phase) }
}

/** What an action came to: its reply, or the details of the error. */
export const came = (work: Promise<unknown>): Promise<any> =>
  work.then(
    reply => ({ reply }),
    error => ({ code: error.code, ruleId: error.ruleId, details: error.details, error }),
  )
