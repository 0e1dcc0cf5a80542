import type { Context, Host } from 'outrigger'

/** Would the gate refuse an action that waits, or hold it back? A closing sidecar lets a send finish what it has begun. */
export function isShutTo({ parent }: Context, { status }: Host): boolean {
  return status.paused !== undefined || status.failing !== undefined || (status.reaped !== undefined && !parent)
}
