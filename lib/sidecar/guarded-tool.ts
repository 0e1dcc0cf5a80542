import type { Tool } from '../claude/handles.js'
import type { ActionContext } from '../core/context.js'
import { detachable } from '../core/detach.js'
import { frozenCopy, thaw } from '../core/freeze.js'
import type { Runtime } from '../core/runtime.js'
import type { ToolAction } from '../core/types.js'
import { FetchWire } from './fetch-wire.js'
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

/** A `fetch` that is an action of kind `tool`, name `WebFetch`. Reading the body is no longer part of it, but ends with what encloses it. */
export function guardedFetch(runtime: Runtime, parent: Parent): typeof fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const url = request ? request.url : String(input)
    const method = (init?.method ?? request?.method ?? 'GET').toUpperCase()
    const options = { ...init }
    const action: ToolAction = Object.freeze({ kind: 'tool', name: 'WebFetch', input: Object.freeze({ url, method }) })
    const ctx = contextOf(runtime, action, parent)
    const outer = ctx.parent?.scope ?? runtime.scope
    const caller = init?.signal ?? request?.signal
    let wire: FetchWire | undefined
    const run = () => {
      wire?.drop(undefined)
      wire = new FetchWire(outer, caller)
      const judged = judgedInput(ctx) as { readonly url: string; readonly method: string }
      const target = request && judged.url !== url ? new Request(judged.url, request) : (request ?? judged.url)
      return wire.open(ctx.scope, signal => fetch(target, { ...options, method: judged.method, signal }))
    }
    try {
      return (await runGuarded(runtime, ctx, caller, run)) as Response
    } catch (error) {
      wire?.drop(error)
      throw error
    }
  }
}

function contextOf(runtime: Runtime, action: ToolAction, parent: Parent): ActionContext {
  const enclosing = parent()
  return runtime.context(action, enclosing ? { parent: enclosing } : {})
}

/** What runs is what was judged, whatever the caller does to its own object meanwhile; a copy, because tools write to their input. */
function judgedInput(ctx: ActionContext): unknown {
  return thaw((ctx.action as ToolAction).input)
}

async function runGuarded(runtime: Runtime, ctx: ActionContext, signal: AbortSignal | undefined, run: () => unknown): Promise<unknown> {
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
