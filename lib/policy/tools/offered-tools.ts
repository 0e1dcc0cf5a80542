import type { ToolAction } from '../../core/types.js'
import { plainObject, shown } from '../check-options.js'
import { offers } from './declared-tools.js'
import { always, defineRule, type RuleOptions } from '../define-rule.js'
import type { Rule, Subject } from '../types.js'

/**
 * A model may call what its request has offered it, by exactly that name, and nothing else. Looks at calls that a model asks for.
 * `withViolations` adds it to every stack.
 * @throws TypeError on a wrong option
 */
export function offeredTools(options: RuleOptions = {}): Rule {
  plainObject('rules.offeredTools', 'options', options)
  const check = ({ action, askedIn }: Subject) =>
    askedIn === undefined || offers(askedIn, (action as ToolAction).name)
      ? undefined
      : { details: `tool ${shown((action as ToolAction).name)} was not offered by the request` }
  return defineRule({ name: 'offeredTools', stages: ['action'], kinds: ['tool'], facts: {}, begin: always(check) }, options)
}
