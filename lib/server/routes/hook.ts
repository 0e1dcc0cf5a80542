import { type Context, Hono } from 'hono'
import { readBody } from '../../claude/door/read-body.js'
import { OutriggerError } from '../../core/errors.js'
import type { House, RouteEnv } from '../house.js'
import { type HookInput, hookInput } from '../tools/hook-input.js'
import type { OutsideTools } from '../tools/outside-tools.js'

/**
 * `POST /v1/hook`: what a client's hook asks before and after it runs a tool, with the agent's token and in the words of Claude Code. It only
 * ever denies: what it does not deny is up to the client's own permissions.
 */
export function hookRoute({ desk, limits, open }: House): Hono<RouteEnv> {
  return new Hono<RouteEnv>().post('/v1/hook', async c => {
    const seat = desk.admit(c.env.incoming)
    open.enter(seat, c.env.outgoing)
    const { tools } = seat
    const asked = hookInput(await readBody(c.env.incoming, limits.maxBodyBytes))
    return c.json(asked.event === 'PreToolUse' ? await before(tools, asked, goneFrom(c)) : await after(tools, asked))
  })
}

async function before(tools: OutsideTools, { call }: HookInput, gone: AbortSignal): Promise<object> {
  try {
    await tools.before(call, gone)
    return {}
  } catch (error) {
    const permissionDecisionReason =
      error instanceof OutriggerError && error.code !== 'ERR_LAYER' ? error.message : 'it could not be judged'
    return { hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason } }
  }
}

async function after(tools: OutsideTools, { call, end }: HookInput): Promise<object> {
  await tools.after(call, end)
  return {}
}

/** Fires when the client leaves before it has its answer. */
function goneFrom(c: Context<RouteEnv>): AbortSignal {
  const gone = new AbortController()
  const { outgoing } = c.env
  outgoing.once('close', () => {
    if (!outgoing.writableEnded) gone.abort()
  })
  return gone.signal
}
