import type { Agent, Call } from './agent-contract.js'
import type { ActionContext } from '../core/context.js'

/** Drives the agent inside its own context; a generator's events are released one by one. */
export async function driveAgent(
  ctx: ActionContext,
  agent: Agent<unknown, unknown, unknown>,
  message: unknown,
  call: Call,
): Promise<unknown> {
  if (!agent.stream) return sent(ctx, agent.send!(message, call))
  if (agent.send && !ctx.sink) return agent.send(message, call)
  const events = agent.stream(message, call)
  const { scope } = ctx
  try {
    for (;;) {
      const { done, value } = await nextOf(events, ctx)
      scope.throwIfAborted()
      if (done) {
        // A tap that holds events back may judge the reply before it lets them go, or revise it.
        ctx.reply = value
        await ctx.taps?.end()
        return ctx.reply
      }
      // Taps may hold it back, also outside a re-entering layer: another attempt would give it twice.
      ctx.released ||= ctx.sink !== undefined
      ctx.taps?.arrived(value)
      await ctx.emit(value)
    }
  } catch (error) {
    // After an abort the caller has its answer already: the action stays detached until the agent has cleaned up.
    await closed(events)
    throw error
  }
}

/** What nested actions showed may be held back until the reply has been judged. */
async function sent(ctx: ActionContext, work: Promise<unknown>): Promise<unknown> {
  const reply = await work
  if (!ctx.sink) return reply
  ctx.scope.throwIfAborted()
  ctx.reply = reply
  await ctx.taps?.end()
  return ctx.reply
}

async function nextOf(events: AsyncGenerator<unknown, unknown>, ctx: ActionContext): Promise<IteratorResult<unknown, unknown>> {
  try {
    ctx.taps?.waiting(true)
    return await events.next()
  } finally {
    ctx.taps?.waiting(false)
  }
}

/** As `for await` leaves a generator; what the agent's own iterator lacks, or does wrong, does not hide why it was left. */
async function closed(events: Partial<AsyncGenerator<unknown, unknown>>): Promise<void> {
  try {
    await events.return?.(undefined)
  } catch {
    // The error that it was left for is the one to tell.
  }
}
