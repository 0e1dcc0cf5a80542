import type { Broken, Judgement, Response, Rule } from 'outrigger/policy'

const blocking: ReadonlySet<Response> = new Set(['deny', 'pause', 'reap'])

/** Does a broken rule stop something? */
export function isBlocking({ response, shadow }: Pick<Broken, 'response' | 'shadow'>): boolean {
  return !shadow && blocking.has(response)
}

/** What refuses an action: the strictest rule that was broken and is not in shadow. */
export function refusalIn({ all }: Judgement): Broken | undefined {
  return all.filter(isBlocking).reduce<Broken | undefined>(stricter, undefined)
}

/** What withholds a result: the strictest broken rule among those that withhold. Two rules of one name count as one, the stricter way. */
export function withholdingIn({ all }: Judgement, rules: readonly Rule[]): Broken | undefined {
  const withholds = ({ ruleId }: Broken) => rules.some(rule => rule.id === ruleId && rule.onResult === 'withhold' && isBlocking(rule))
  return all.filter(found => isBlocking(found) && withholds(found)).reduce<Broken | undefined>(stricter, undefined)
}

const strictness = ({ response }: Broken): number => ['deny', 'pause', 'reap'].indexOf(response)

function stricter(one: Broken | undefined, other: Broken): Broken {
  return one && strictness(one) >= strictness(other) ? one : other
}
