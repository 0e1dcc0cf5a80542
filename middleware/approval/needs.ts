import type { Context, SpawnAction, ToolAction } from 'outrigger'
import { type Judgement, openJudge, type Rule } from 'outrigger/policy'
import type { ApprovalWhen } from './options.js'

/** Why an action needs an approval: empty where nothing more is known; `undefined` where it needs none. */
export type Need = readonly string[] | undefined

const always: Need = Object.freeze([])

/** Says of the actions of one agent whether they need an approval. */
export function needsOf(when: ApprovalWhen | undefined): (ctx: Context) => Need | Promise<Need> {
  if (when === undefined) return () => always
  // Anything but a plain no asks: a promise would be taken for one.
  if (typeof when === 'function') return ({ action }) => (when(action as ToolAction | SpawnAction) === false ? undefined : always)
  const names = new Set(when.filter(entry => typeof entry === 'string'))
  const broken = brokenOf(when.filter(entry => typeof entry !== 'string') as readonly Rule[])
  return ctx => (ctx.action.kind === 'tool' && names.has(ctx.action.name) ? always : broken(ctx))
}

function brokenOf(rules: readonly Rule[]): (ctx: Context) => Need | Promise<Need> {
  if (rules.length === 0) return () => undefined
  const judge = openJudge(rules)
  return ({ action, agent, labels }) => {
    const judged = judge.judge({ stage: 'action', action, agent, labels })
    return judged instanceof Promise ? judged.then(needIn) : needIn(judged)
  }
}

function needIn({ all }: Judgement): Need {
  const found = all.filter(({ shadow }) => !shadow).map(({ ruleId, details }) => `${ruleId}: ${details}`)
  return found.length > 0 ? Object.freeze(found) : undefined
}
