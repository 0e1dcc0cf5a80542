import type { Tool } from '../claude/handles.js'
import type { ActionContext } from '../core/context.js'
import { detachable } from '../core/detach.js'
import { frozenCopy, thaw } from '../core/freeze.js'
import type { Runtime } from '../core/runtime.js'
import type { Action, ToolAction } from '../core/types.js'
import type { Parent } from './handles.js'

/** What a tool may be told about its call; the SDK's runners pass `toolUseBlock` and `signal`. */
interface RunContext {
  readonly toolUseBlock?: { readonly id?: string }
  readonly toolUseId?: string
  readonly signal?: AbortSignal | null
}

/**
 * The same tool with `run` behind the chain: refused, measured, recorded and aborted like any action. All other fields, symbols and the
 * prototype are the tool's own.
 * @throws TypeError when it is no tool
 */
export function guardedTool<T extends Tool>(runtime: Runtime, definition: T, parent: Parent): T {
  const { name, run } = (definition ?? {}) as Partial<Tool>
  if (typeof name !== 'string' || name === '' || typeof run !== 'function')
    throw new TypeError("tool: needs a name and run(input); the SDK's betaTool() makes one")
  const guarded = Object.create(Object.getPrototypeOf(definition), Object.getOwnPropertyDescriptors(definition)) as T
  const value = (input: unknown, context?: RunContext) => runTool(runtime, definition, input, context, parent)
  Object.defineProperty(guarded, 'run', { value, writable: true, enumerable: true, configurable: true })
  return guarded
}

async function runTool(
  runtime: Runtime,
  definition: Tool,
  input: unknown,
  context: RunContext | undefined,
  parent: Parent,
): Promise<unknown> {
  const toolUseId = context?.toolUseBlock?.id ?? context?.toolUseId
  const action: ToolAction = Object.freeze({
    kind: 'tool',
    name: definition.name,
    input: frozenCopy(input),
    ...(toolUseId === undefined ? {} : { toolUseId }),
    ...(definition.idempotent ? { idempotent: true } : {}),
  })
  const ctx = contextOf(runtime, action, parent)
  const run = () => definition.run(judgedInput(ctx), { ...context, toolUseId, signal: ctx.signal })
  return runGuarded(runtime, ctx, context?.signal ?? undefined, run)
}

/** The action that a handle is about to do, below the one that it is used in. */
export function contextOf(runtime: Runtime, action: Action, parent: Parent): ActionContext {
  const enclosing = parent()
  return runtime.context(action, enclosing ? { parent: enclosing } : {})
}

/** What runs is what was judged, whatever the caller does to its own object meanwhile; a copy, because tools write to their input. */
export function judgedInput(ctx: ActionContext): unknown {
  return thaw((ctx.action as ToolAction).input)
}

/** Runs `run` behind the chain, and tells a streamed send of it. */
export async function runGuarded(
  runtime: Runtime,
  ctx: ActionContext,
  signal: AbortSignal | undefined,
  run: () => unknown,
): Promise<unknown> {
  const { name } = ctx.action as ToolAction
  const tell = (phase: 'started' | 'ended' | 'failed') => ctx.bubble?.(ctx, { name, phase })
  await tell('started')
  try {
    const result = await runtime.run(ctx, () => effect(ctx, run), signal)
    await tell('ended')
    return result
  } catch (error) {
    await tell('failed')
    throw error
  }
}

/** The tool itself. Its time runs until it has ended, whoever still waits for it. */
async function effect(ctx: ActionContext, run: () => unknown): Promise<void> {
  ctx.enter('tool')
  const work = (async () => run())().finally(() => ctx.leave('tool'))
  ctx.reply = await detachable(ctx, work)
}
