import type { Seam } from '../claude/seam.js'
import type { Origin } from '../core/host.js'
import type { Runtime } from '../core/runtime.js'
import type { Scope } from '../core/scope.js'
import type { Host } from '../core/types.js'
import type { Child } from './children.js'

/** How a child comes into the world. */
export interface Birth extends Origin {
  /** The parent's way to Claude. */
  readonly seam: Seam
  readonly name: string
  readonly type: string | undefined
  /** What it ends with: the send that spawned it, as long as that can be aborted, and the parent's sidecar. */
  readonly scope: Scope
  /** Called before its layers are mounted. */
  prepare(host: Host): void
  ended(child: Child, reason: string): void
}

/** A child ends with what started it; reaped, it gives back what it holds. */
export function endWith({ scope }: Birth, child: Child, runtime: Runtime): void {
  const forget = scope.onAbort(reason => child.reap(reason instanceof Error ? reason.message : 'its parent ended'))
  runtime.scope.onAbort(() => {
    forget()
    void child.close({ drainMs: 0 }).catch(error => runtime.degrade('close', error))
  })
}
