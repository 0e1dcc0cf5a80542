import type { Action } from 'outrigger'
import { type Judgement, judge, type Rule } from 'outrigger/policy'

/** A tool call. */
export const tool = (name: string, input: unknown) => ({ kind: 'tool', name, input }) as const

/** A model request, with what a test is about. */
export function request(body: object = {}, maxTokens = 100): Extract<Action, { kind: 'model' }> {
  const whole = { model: 'claude-haiku-4-5', max_tokens: maxTokens, messages: [{ role: 'user', content: 'Hello' }], ...body }
  return { kind: 'model', model: whole.model, maxTokens, minTokens: 1, stream: false, betas: [], request: whole as never }
}

/** What one rule says of an action: its details; `undefined` where it is kept. */
export async function found(rule: Rule, action: Action): Promise<string | undefined> {
  return (await judge([rule], action)).details
}

/** Does the rule let the action pass? */
export async function passes(rule: Rule, action: Action): Promise<boolean> {
  return ((await judge([rule], action)) satisfies Judgement).response === 'allow'
}
