import { defineMiddleware, type Host, type Layer } from 'outrigger'
import { guardrailsInForce } from 'outrigger/policy'
import type { Check, GuardrailHold } from './guardrails/checks.js'
import { Guard } from './guardrails/guard.js'
import { type GuardrailSettings, guardrailSettings, stricterHold, type WithGuardrailsOptions } from './guardrails/options.js'

export type { CheckAnswer, CheckedText, CheckResponse, GuardrailHold, OwnCheck } from './guardrails/checks.js'
export type { GuardrailCheck, WithGuardrailsOptions } from './guardrails/options.js'

/**
 * Checks the texts that go in and come out, streamed or not: for secrets, personal data, expressions and words of yours, and by checks of your own. What is
 * found is denied, replaced, or recorded. A child's texts are checked by its parent's checks too. Fails closed. State: counts of one sidecar, and the calls
 * that were judged and not run yet.
 * @throws TypeError or RangeError on a wrong, missing or unknown option
 */
export function withGuardrails(options: WithGuardrailsOptions): Layer {
  const settings = guardrailSettings(options)
  const { maxChars } = settings
  let guard: Guard

  return defineMiddleware(
    {
      name: 'withGuardrails',
      on: ['send', 'model', 'tool'],
      commits: true,
      revises: true,
      inside: ['withViolations'],
      outside: ['withRetry'],
      provides: [guardrailsInForce],
      options: { checks: settings.checks.map(({ ruleId, response }) => `${ruleId}: ${response}`), hold: settings.hold, maxChars },
      attach: host => {
        const { checks, hold } = inForce(host, settings)
        guard = new Guard(host, checks, hold)
        guardrailsInForce.set(host, Object.freeze({ checks, hold }))
      },
      inherit: () => withGuardrails({ checks: [], hold: settings.hold, maxChars }),
      snapshot: () => ({ ...guard.counts }),
    },
    (ctx, next) => guard.pass(ctx, next),
  )
}

/** Checks of a child come on top of its parent's, and of two holds the one that holds more. */
function inForce(host: Host, { checks, hold }: GuardrailSettings): { readonly checks: readonly Check[]; readonly hold: GuardrailHold } {
  const above = host.parent && guardrailsInForce.peek(host.parent)
  if (!above) return { checks, hold }
  return { checks: Object.freeze([...new Set([...checks, ...(above.checks as readonly Check[])])]), hold: stricterHold(hold, above.hold) }
}
