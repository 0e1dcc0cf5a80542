import type { ActionContext } from '../core/context.js'

/** What a nested action released, with the way to it, for the stream of the send around it. */
export function nested(ctx: ActionContext, event: unknown): unknown {
  const path: string[] = []
  for (let at: ActionContext | undefined = ctx; at; at = at.parent) path.unshift(at.id)
  const { kind, id: action } = ctx
  return kind === 'model' ? { type: kind, action, path, event } : { type: kind, action, path, ...(event as object) }
}
