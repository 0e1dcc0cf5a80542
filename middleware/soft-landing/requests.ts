import type { Context, Json, ModelAction } from 'outrigger'
import type { LandingSettings } from './options.js'

type Request = ModelAction['request']

/** The call goes to the cheaper model and takes the lower effort, where there are some. */
export function cheaper(ctx: Context, { model, effort }: LandingSettings): void {
  const action = ctx.action as ModelAction
  const request: Request = {
    ...action.request,
    ...(model === null ? {} : { model }),
    ...(effort === null ? {} : { output_config: { ...(action.request.output_config as object | undefined), effort } as Json }),
  }
  if (model !== null || effort !== null) ctx.rewrite({ ...action, model: model ?? action.model, request })
}

/** The call becomes the last turn: tools stay declared, since earlier messages may name them, and cannot be called. */
export function lastTurn(ctx: Context, { maxTokens, say }: LandingSettings): void {
  const action = ctx.action as ModelAction
  const { request } = action
  const most = Math.min(action.maxTokens, Math.max(maxTokens, action.minTokens))
  const hasTools = Array.isArray(request.tools) && request.tools.length > 0
  ctx.rewrite({
    ...action,
    maxTokens: most,
    request: {
      ...request,
      max_tokens: most,
      ...(hasTools && { tool_choice: { type: 'none' } }),
      ...(say === '' ? {} : told(request, say)),
    },
  })
}

/** Behind the last message of the user, so that what is cached of the prompt stays so; else behind the system prompt. */
function told(request: Request, say: string): { readonly [key: string]: Json } {
  const messages = (Array.isArray(request.messages) ? request.messages : []) as readonly Json[]
  const last = messages.at(-1) as { readonly role?: string; readonly content?: Json } | undefined
  if (last?.role !== 'user') return { system: [...blocksOf(request.system), { type: 'text', text: say }] }
  const content = [...blocksOf(last.content), { type: 'text', text: say }]
  return { messages: [...messages.slice(0, -1), { ...last, content }] }
}

const blocksOf = (content: Json | undefined): readonly Json[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : Array.isArray(content) ? content : []
