import type { Context, Host } from '../core/types.js'
import { recorder } from '../ctx/record/recorder.js'
import { budgetAccount, childAccount } from '../ledger/budget-account.js'
import { guardrailsInForce, policyInForce } from '../policy/in-force.js'

/**
 * What a child would not be bound by although its parent is: a layer of its own can have the name of one that it would inherit, and do something
 * else. `undefined` where it is bound by everything.
 */
export function looseFrom(spawn: Context, parent: Host, child: Host): 'budget' | 'rules' | 'guardrails' | 'record' | undefined {
  if (childAccount.peek(spawn) && !budgetAccount.peek(child)) return 'budget'
  const own = policyInForce.peek(child)?.rules
  if (policyInForce.peek(parent)?.rules.some(rule => !own?.includes(rule))) return 'rules'
  const checks = guardrailsInForce.peek(child)?.checks
  if (guardrailsInForce.peek(parent)?.checks.some(check => !checks?.includes(check))) return 'guardrails'
  if (recorder.peek(parent) && !recorder.peek(child)) return 'record'
}
