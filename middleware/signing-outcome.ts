import { BudgetExceededError, type Context, cost, isOutriggerError, type OutriggerError, ViolationError } from 'outrigger'
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

function outcomeFacts(ctx: Context, { status, error, usage, attempts }: RecordOutcome, failed: boolean): OutcomeFacts {
  const stop = ctx.kind === 'model' && !failed ? modelMessage.peek(ctx)?.stop_reason : undefined
  return {
    status: status as OutcomeFacts['status'],
    ...(error === undefined ? {} : { error }),
    ...(ctx.kind === 'model' && usage ? { input: usage.input, output: usage.output } : {}),
    ...(typeof stop === 'string' ? { stop } : {}),
    ...(ctx.kind === 'model' ? { attempts: attempts ?? 1 } : {}),
    ...(!failed && (ctx.kind === 'tool' || ctx.kind === 'send') ? { result: ctx.result } : {}),
  }
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
  const nanoUsd = nanoUsdOf(ctx, from)
  const hasUsage = ctx.kind === 'model' || usage.certainty !== 'measured' || usage.input + usage.output > 0
  return {
    status: statusOf(ctx, failure !== undefined),
    ...(failure ? { error: nameOf(failure.error) } : {}),
    ...(failure && outcome?.layer !== undefined ? { layer: outcome.layer } : {}),
    ...(outcome?.detached ? { detached: true } : {}),
    ...(attempts > 0 ? { attempts } : {}),
    ...(hasUsage ? { usage: { ...usage } } : {}),
    ...(hasUsage && nanoUsd !== undefined ? { nanoUsd } : {}),
  }
}

function statusOf({ outcome }: Context, failed: boolean): string {
  if (!failed) return 'done'
  return outcome === undefined || outcome.status === 'done' ? 'error' : outcome.status
}

/** The code of an error of ours, the class of another: never its text. */
function nameOf(error: unknown): string {
  if (isOutriggerError(error)) return (error as Partial<OutriggerError>).code ?? 'OutriggerError'
  return error instanceof Error ? error.name : typeof error
}

function wireOf(ctx: Context, from: number): readonly string[] | undefined {
  const sent = ctx.attempts.length > from ? ctx.attempts.slice(from).map(({ wireDigest }) => wireDigest) : [ctx.wireDigest]
  const digests = sent.filter(digest => digest !== undefined)
  return digests.length > 0 ? digests : undefined
}

function nanoUsdOf(ctx: Context, from: number): number | undefined {
  if (ctx.attempts.length <= from) return cost.peek(ctx)
  let sum = 0
  for (const { nanoUsd } of ctx.attempts.slice(from)) {
    if (nanoUsd === undefined) return undefined
    sum += nanoUsd
  }
  return sum
}
