import type { ActionContext } from './context.js'

/**
 * Waits for an agent or a tool. Rejects at once on abort, whatever `work` does; the action is then marked detached until it has ended.
 * @param onEnd - called when `work` has failed, or has ended after an abort; awaited before the error is passed on, except by a detached action
 */
export async function detachable<T>(ctx: ActionContext, work: Promise<T>, onEnd: () => Promise<void> = async () => {}): Promise<T> {
  let pending = true
  const ended = work.then(
    () => {},
    () => {},
  )
  ended.then(() => {
    pending = false
  })
  try {
    return await ctx.elsewhere(ctx.scope.race(work))
  } catch (error) {
    const aborted = ctx.scope.gave(error)
    const detached = aborted && pending ? ended.then(onEnd) : undefined
    if (!detached) await onEnd()
    ctx.outcome = { status: aborted ? 'aborted' : 'error', error, sent: true, ...(detached ? { detached } : {}) }
    throw error
  }
}
