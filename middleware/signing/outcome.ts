import { BudgetExceededError, type Context, cost, findOutriggerError, ViolationError } from 'outrigger'
import { modelMessage } from 'outrigger/claude'
import { outcomeOf, type OutcomeFacts, type RecordOutcome, refusalOf, type Statement } from 'outrigger/ctx'

/** What is written down when an action has ended. */
export interface Ending {
  readonly statement: Statement
  readonly outcome: RecordOutcome
  /** SHA-256 of each body that left, hex. */
  readonly wire: readonly string[] | undefined
}

/**
 * What became of an action, in CTX and as facts.
 * @param from - how many attempts it had when it came in: those are another pass's
 */
export function endingOf(ctx: Context, intent: Statement, from: number, failure: { readonly error: unknown } | undefined): Ending {
  const facts = factsOf(ctx, from, failure)
  return { statement: statementOf(ctx, intent, facts, failure), outcome: facts, wire: wireOf(ctx, from) }
}

function statementOf(ctx: Context, intent: Statement, outcome: RecordOutcome, failure: { readonly error: unknown } | undefined): Statement {
  const refusal = failure && refusalIn(failure.error, outcome)
  return refusal ? refusalOf(refusal) : outcomeOf(intent, outcomeFacts(ctx, outcome, failure !== undefined))
}

// Objects are written out: a spread of one into another takes longer than all the rest of it.
function outcomeFacts(ctx: Context, { status: ended, error, usage, attempts = 1 }: RecordOutcome, failed: boolean): OutcomeFacts {
  const status = ended as OutcomeFacts['status']
  if (ctx.kind === 'model') return { status, error, input: usage?.input, output: usage?.output, stop: stopOf(ctx, failed), attempts }
  return failed || ctx.kind === 'spawn' ? { status, error } : { status, error, result: ctx.result }
}

function stopOf(ctx: Context, failed: boolean): string | undefined {
  const stop: unknown = failed ? undefined : modelMessage.peek(ctx)?.stop_reason
  return typeof stop === 'string' ? stop : undefined
}

/** A layer inside said no: which rule, and what it found. */
function refusalIn(
  error: unknown,
  { status, layer }: RecordOutcome,
): { readonly ruleId: string; readonly details?: string; readonly response: string } | undefined {
  const isRefused = status === 'refused'
  if (layer !== undefined && error instanceof ViolationError)
    return { ruleId: error.ruleId, details: error.details, response: error.response }
  if (!isRefused) return
  if (error instanceof BudgetExceededError) return { ruleId: 'budget', details: budgetDetails(error), response: 'deny' }
  return { ruleId: layer ?? 'unnamed', details: nameOf(error), response: 'deny' }
}

const budgetDetails = ({ unit, needed, remaining, account }: BudgetExceededError): string =>
  `${needed} ${unit} needed, ${remaining} left in ${account}`

function factsOf(ctx: Context, from: number, failure: { readonly error: unknown } | undefined): RecordOutcome {
  const { outcome, usage } = ctx
  const attempts = ctx.attempts.length - from
  const hasUsage = ctx.kind === 'model' || usage.certainty !== 'measured' || usage.input + usage.output > 0
  return {
    status: statusOf(ctx, failure !== undefined),
    error: failure && nameOf(failure.error),
    layer: failure && outcome?.layer,
    detached: outcome?.detached ? true : undefined,
    attempts: attempts > 0 ? attempts : undefined,
    usage: hasUsage ? usage : undefined,
    nanoUsd: hasUsage ? nanoUsdOf(ctx, from) : undefined,
  }
}

function statusOf({ outcome }: Context, failed: boolean): string {
  if (!failed) return 'done'
  return outcome === undefined || outcome.status === 'done' ? 'error' : outcome.status
}

/** The code of an error of ours, or that ours has caused; the class of another: never its text. Whatever was thrown cannot keep itself out. */
function nameOf(error: unknown): string {
  try {
    return findOutriggerError(error)?.code ?? (error instanceof Error ? named(error.name, 'Error') : typeof error)
  } catch {
    return 'unreadable'
  }
}

const named = (name: unknown, otherwise: string): string => (typeof name === 'string' && name !== '' ? name : otherwise)

function wireOf(ctx: Context, from: number): readonly string[] | undefined {
  const { attempts, wireDigest } = ctx
  if (attempts.length === from) return wireDigest === undefined ? undefined : [wireDigest]
  const digests: string[] = []
  for (let at = from; at < attempts.length; at++) if (attempts[at]!.wireDigest !== undefined) digests.push(attempts[at]!.wireDigest!)
  return digests.length > 0 ? digests : undefined
}

function nanoUsdOf(ctx: Context, from: number): number | undefined {
  if (ctx.attempts.length <= from) return cost.peek(ctx)
  let sum = 0
  for (let at = from; at < ctx.attempts.length; at++) {
    const { nanoUsd } = ctx.attempts[at]!
    if (nanoUsd === undefined) return undefined
    sum += nanoUsd
  }
  return sum
}
