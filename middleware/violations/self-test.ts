import { ConfigError, type ToolAction } from 'outrigger'
import { openJudge, type Rule } from 'outrigger/policy'
import { isBlocking, refusalIn } from './verdict-of.js'

const dryCall: ToolAction = Object.freeze({ kind: 'tool', name: 'outrigger.self-test', input: Object.freeze({}) })

const forbidden: Rule = Object.freeze({
  id: 'outrigger.self-test',
  response: 'deny',
  severity: 'critical',
  shadow: false,
  onResult: 'release',
  stages: Object.freeze(['action'] as const),
  kinds: Object.freeze(['tool'] as const),
  facts: null,
  begin: () => () => ({ details: 'a call that is always forbidden' }),
})

/**
 * One forbidden dry call, judged as any other: rules that are in force and do not refuse must be found at start, not after the harm.
 * @throws ConfigError where it is not denied
 */
export function selfTest(rules: readonly Rule[]): void {
  if (!rules.some(isBlocking)) return
  const judgement = openJudge([forbidden]).judge({ stage: 'action', action: dryCall })
  if (!(judgement instanceof Promise) && refusalIn(judgement)) return
  throw new ConfigError('withViolations: a forbidden call was not denied in the self-test; is outrigger/policy of the same version?')
}
