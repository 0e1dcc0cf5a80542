import { brand, isOurs } from './brand.js'
import type { Kind, Outcome } from './types.js'

/** Facts of an upstream failure: plain data, never the transport's own error, so that no caller mistakes it for one. */
export interface UpstreamFacts {
  readonly code?: string
  readonly syscall?: string
  readonly status?: number
  /** Anthropic's `error.type`. */
  readonly type?: string
  /** Anthropic's `error.details.error_code`. */
  readonly errorCode?: string
  readonly requestId?: string
  /** May the same request succeed when it is sent again? */
  readonly retryable?: boolean
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs?: number
  /** Has the failed request been paid for? */
  readonly billed?: 'no' | 'maybe' | 'yes'
}

/** The codes of every error that is ours. */
export type ErrorCode =
  | 'ERR_BUDGET'
  | 'ERR_LANDED'
  | 'ERR_VIOLATION'
  | 'ERR_PAUSED'
  | 'ERR_REAPED'
  | 'ERR_STACK_ORDER'
  | 'ERR_LAYER'
  | 'ERR_UPSTREAM'
  | 'ERR_TRUNCATED'
  | 'ERR_DEADLINE'
  | 'ERR_CIRCUIT_OPEN'
  | 'ERR_LEDGER'
  | 'ERR_UNKNOWN_MODEL'
  | 'ERR_UNBOUNDED'
  | 'ERR_SIGNING'
  | 'ERR_CONFIG'
  | 'ERR_CTX_PARSE'
  | 'ERR_CTX_UNSUPPORTED'

/** The base of every error that Outrigger makes. Its fields are facts; its message never holds a prompt, a reply or a key. */
export class OutriggerError extends Error {
  override readonly name: string = 'OutriggerError'
  /** Stable: switch on this, not on the text. */
  readonly code: ErrorCode
  /** How to answer it over HTTP: Anthropic's status and error type. */
  readonly http: { readonly status: number; readonly type: string }
  /** Further facts, JSON, that travel in `error.details` over HTTP. */
  readonly facts: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { facts?: Record<string, unknown>; http?: { status: number; type: string }; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.http = options.http ?? { status: 500, type: 'api_error' }
    this.facts = Object.freeze({ ...options.facts })
    Object.defineProperty(this, brand, { value: true })
  }
}

/** An error of another copy of this package (ESM beside CommonJS) is an instance of the class of its name here: layers ask with `instanceof`. */
function isInstance(this: { readonly name: string }, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(this as never, value)) return true
  return isOurs(value) && (this === OutriggerError || this.name === value.name)
}

Object.defineProperty(OutriggerError, Symbol.hasInstance, { value: isInstance })

type BudgetUnit = 'nanoUsd' | 'tokens' | 'calls' | 'concurrent'

const shownIn: Readonly<Record<BudgetUnit, (n: number) => string>> = {
  nanoUsd: n => `$${(n / 1e9).toFixed(n < 1_000 ? 9 : 6)}`,
  tokens: n => `${n} tokens`,
  calls: n => `${n} calls`,
  concurrent: n => `${n} calls at once`,
}

/** A reservation did not fit: nothing left this process. Amounts in integer nano-USD, tokens, or calls of a tool (in all, or at once). */
export class BudgetExceededError extends OutriggerError {
  override readonly name = 'BudgetExceededError'
  readonly unit: BudgetUnit
  readonly needed: number
  readonly remaining: number
  readonly allocated: number
  readonly spent: number
  readonly account: string

  /** @param fix - what the message advises; default: what makes a call fit */
  constructor(
    facts: { unit: BudgetUnit; needed: number; remaining: number; allocated: number; spent: number; account: string },
    fix: string = "raise the budget, lower max_tokens or set whenShort: 'clamp'",
  ) {
    const show = shownIn[facts.unit]
    super(
      'ERR_BUDGET',
      `budget of "${facts.account}": this needs up to ${show(facts.needed)}, ${show(facts.remaining)} of ${show(facts.allocated)} is left; ${fix}`,
      {
        facts,
        http: { status: 402, type: 'billing_error' },
      },
    )
    this.unit = facts.unit
    this.needed = facts.needed
    this.remaining = facts.remaining
    this.allocated = facts.allocated
    this.spent = facts.spent
    this.account = facts.account
  }
}

/** What is known of a refusal by a rule. Only `ruleId` must be given. */
export interface ViolationFacts {
  readonly ruleId: string
  /** `deny`, `pause` or `reap`. Default `deny`. */
  readonly response?: string
  /** Default `error`. */
  readonly severity?: string
  /** What was judged: for a tool call that the model asked for, `tool`. */
  readonly kind?: Kind | undefined
  /** Facts without content: a command's name, a host, a count. */
  readonly details?: string
  /** True on what was only recorded; never on what is thrown. */
  readonly shadow?: boolean
  /** Milliseconds on the sidecar's clock (Unix time on the real one). */
  readonly at?: number | undefined
  /** The id of the action. */
  readonly action?: string | undefined
  /** `result`: the action has happened, and is paid for; what it gave is withheld. `connect`: nothing was sent. Default `action`. */
  readonly stage?: 'action' | 'connect' | 'result'
}

/** A rule refused the action, or withheld its result. */
export class ViolationError extends OutriggerError implements ViolationFacts {
  override readonly name = 'ViolationError'
  readonly ruleId: string
  readonly response: string
  readonly severity: string
  readonly kind: Kind | undefined
  readonly details: string
  readonly shadow: boolean
  readonly at: number | undefined
  readonly action: string | undefined
  readonly stage: 'action' | 'connect' | 'result'

  constructor(facts: ViolationFacts) {
    const { ruleId, details = '', stage = 'action' } = facts
    const what = stage === 'result' ? 'the result was withheld by rule' : 'refused by rule'
    super('ERR_VIOLATION', `${what} ${ruleId}${details ? `: ${details}` : ''}`, {
      facts: { ...facts },
      http: { status: 400, type: 'invalid_request_error' },
    })
    this.ruleId = ruleId
    this.response = facts.response ?? 'deny'
    this.severity = facts.severity ?? 'error'
    this.kind = facts.kind
    this.details = details
    this.shadow = facts.shadow ?? false
    this.at = facts.at
    this.action = facts.action
    this.stage = stage
  }
}

/** The sidecar is paused: `resume()` lets actions pass again, or what `lift` says where a switch outside of it has paused it. */
export class AgentPausedError extends OutriggerError {
  override readonly name = 'AgentPausedError'
  readonly reason: string
  /** What to do: `call resume() to go on`, or how the kill switch is lifted. */
  readonly lift: string

  constructor(facts: { agent: string; reason: string; lift?: string }) {
    const { agent, reason, lift = 'call resume() to go on' } = facts
    super('ERR_PAUSED', `${agent} is paused: ${reason}; ${lift}`, { facts, http: { status: 409, type: 'invalid_request_error' } })
    this.reason = reason
    this.lift = lift
  }
}

/** The sidecar has been reaped or closed: nothing passes any more. */
export class AgentReapedError extends OutriggerError {
  override readonly name = 'AgentReapedError'
  readonly reason: string

  constructor(facts: { agent: string; reason: string }) {
    super('ERR_REAPED', `${facts.agent} has ended: ${facts.reason}; create a new sidecar`, {
      facts,
      http: { status: 409, type: 'invalid_request_error' },
    })
    this.reason = facts.reason
  }
}

/** The stack cannot work in this order. Names the layers and the fix. */
export class StackOrderError extends OutriggerError {
  override readonly name = 'StackOrderError'
  readonly layers: readonly string[]

  constructor(message: string, layers: readonly string[]) {
    super('ERR_STACK_ORDER', message, { facts: { layers } })
    this.layers = layers
  }
}

/** A layer broke its contract or failed by itself. `outcome` says whether a paid effect had happened before. */
export class LayerError extends OutriggerError {
  override readonly name = 'LayerError'
  readonly layer: string
  readonly outcome: Outcome | undefined

  constructor(message: string, facts: { layer: string; outcome?: Outcome }, cause?: unknown) {
    super('ERR_LAYER', message, {
      facts: { layer: facts.layer, outcome: facts.outcome?.status },
      ...(cause === undefined ? {} : { cause }),
    })
    this.layer = facts.layer
    this.outcome = facts.outcome
  }
}

/** The Messages API, or the way to it, failed. Carries facts in place of the transport's error. */
export class UpstreamError extends OutriggerError {
  override readonly name = 'UpstreamError'
  readonly upstream: UpstreamFacts

  constructor(message: string, upstream: UpstreamFacts) {
    super('ERR_UPSTREAM', message, { facts: { upstream }, http: { status: upstream.status ?? 502, type: upstream.type ?? 'api_error' } })
    this.upstream = upstream
  }
}

/** The stream ended without `message_stop`: what came is not the whole answer. */
export class TruncatedStreamError extends OutriggerError {
  override readonly name = 'TruncatedStreamError'
  readonly events: number

  constructor(facts: { events: number; message?: string }) {
    super('ERR_TRUNCATED', facts.message ?? `the stream ended without message_stop after ${facts.events} events`, {
      facts: { events: facts.events },
      http: { status: 502, type: 'api_error' },
    })
    this.events = facts.events
  }
}

/** A deadline passed. Its text never says what the SDK takes for a retryable one. */
export class DeadlineError extends OutriggerError {
  override readonly name = 'DeadlineError'
  readonly deadline: string
  readonly ms: number

  constructor(facts: { deadline: string; ms: number }) {
    super('ERR_DEADLINE', `the ${facts.deadline} deadline of ${facts.ms} ms has passed`, {
      facts,
      http: { status: 504, type: 'timeout_error' },
    })
    this.deadline = facts.deadline
    this.ms = facts.ms
  }
}

/** The circuit breaker is open. */
export class CircuitOpenError extends OutriggerError {
  override readonly name = 'CircuitOpenError'
  readonly retryAfterMs: number

  constructor(facts: { retryAfterMs: number }) {
    super('ERR_CIRCUIT_OPEN', `the circuit is open; next probe in ${facts.retryAfterMs} ms`, {
      facts,
      http: { status: 503, type: 'api_error' },
    })
    this.retryAfterMs = facts.retryAfterMs
  }
}

/** The ledger could not be read or written: nothing is admitted until it can. */
export class LedgerUnavailableError extends OutriggerError {
  override readonly name = 'LedgerUnavailableError'

  constructor(message: string, facts: Record<string, unknown> = {}, cause?: unknown) {
    super('ERR_LEDGER', message, { facts, http: { status: 503, type: 'api_error' }, ...(cause === undefined ? {} : { cause }) })
  }
}

/** No price is known for the model. */
export class UnknownModelError extends OutriggerError {
  override readonly name = 'UnknownModelError'
  readonly model: string

  constructor(facts: { model: string; message?: string }) {
    super(
      'ERR_UNKNOWN_MODEL',
      facts.message ??
        `no price is known for model "${facts.model}"; add it: prices: { "${facts.model}": { input, output } }, in pico-USD a token`,
      {
        facts: { model: facts.model },
        http: { status: 400, type: 'invalid_request_error' },
      },
    )
    this.model = facts.model
  }
}

/** The request uses a feature whose cost has no upper bound. */
export class UnboundedRequestError extends OutriggerError {
  override readonly name = 'UnboundedRequestError'
  readonly feature: string

  constructor(facts: { feature: string; fix: string }) {
    super('ERR_UNBOUNDED', `the cost of ${facts.feature} has no upper bound; ${facts.fix}`, {
      facts,
      http: { status: 400, type: 'invalid_request_error' },
    })
    this.feature = facts.feature
  }
}

/** The record could not be signed or written. */
export class SigningError extends OutriggerError {
  override readonly name = 'SigningError'

  constructor(message: string, facts: Record<string, unknown> = {}, cause?: unknown) {
    super('ERR_SIGNING', message, { facts, http: { status: 503, type: 'api_error' }, ...(cause === undefined ? {} : { cause }) })
  }
}

/** An option, a configuration or a request is wrong. Says the value and the fix. */
export class ConfigError extends OutriggerError {
  override readonly name = 'ConfigError'

  constructor(message: string, facts: Record<string, unknown> = {}) {
    super('ERR_CONFIG', message, { facts, http: { status: 400, type: 'invalid_request_error' } })
  }
}

/** Why a CTX statement cannot be read, or an AST cannot be written as one. */
export type CtxParseReason =
  | 'EMPTY_INPUT'
  | 'INPUT_TOO_SHORT'
  | 'INPUT_TOO_LARGE'
  | 'DEPTH_EXCEEDED'
  | 'INVALID_OPERATOR'
  | 'INVALID_PLANE'
  | 'INVALID_COMBO'
  | 'VERB_NOT_ALLOWED'
  | 'INVALID_TARGET'
  | 'INVALID_FILTER'
  | 'INVALID_PAYLOAD'
  | 'UNTERMINATED_STRING'
  | 'BANNED_KEY'
  | 'MIXED_SCRIPT'

/** The agent has had its last turn: what is left of its budget is not to be spent. Raising the budget lets it go on. */
export class LandedError extends OutriggerError {
  override readonly name = 'LandedError'
  /** The id of the account. */
  readonly account: string

  constructor(facts: { account: string }) {
    super('ERR_LANDED', `the budget of "${facts.account}" is nearly used up, and the last turn has been taken; raise the budget to go on`, {
      facts,
      http: { status: 402, type: 'billing_error' },
    })
    this.account = facts.account
  }
}

/** A text is no CTX statement. `position` counts UTF-16 units of the NFC form of the text; `found` is one word of it at most, cut short. */
export class CtxParseError extends OutriggerError {
  override readonly name = 'CtxParseError'
  readonly reason: CtxParseReason
  readonly position: number
  readonly found: string
  readonly expected: string
  /** From 1, in a text of several statements; `position` is within it. */
  readonly line?: number

  constructor(facts: { reason: CtxParseReason; position: number; found: string; expected: string; line?: number }) {
    const place = facts.line === undefined ? `at ${facts.position}` : `in line ${facts.line} at ${facts.position}`
    super('ERR_CTX_PARSE', `CTX: ${facts.reason} ${place}: found ${facts.found}; expected ${facts.expected}`, {
      facts,
      http: { status: 400, type: 'invalid_request_error' },
    })
    this.reason = facts.reason
    this.position = facts.position
    this.found = facts.found
    this.expected = facts.expected
    if (facts.line !== undefined) this.line = facts.line
  }

  /** The same, of a statement that stands in this line of a text. */
  inLine(line: number): CtxParseError {
    const { reason, position, found, expected } = this
    return new CtxParseError({ reason, position, found, expected, line })
  }
}

/** A CTX statement says what a target cannot: `part` of it (`target`, `payload`, `decorator` or the type of a filter) means nothing with `pair`. */
export class CtxUnsupportedError extends OutriggerError {
  override readonly name = 'CtxUnsupportedError'
  /** Operator and plane: `+m`. */
  readonly pair: string
  readonly part: string

  constructor(facts: { pair: string; part: string; says: string }) {
    super('ERR_CTX_UNSUPPORTED', `CTX: ${facts.pair} cannot be translated with this ${facts.part}: ${facts.says}`, {
      facts,
      http: { status: 400, type: 'invalid_request_error' },
    })
    this.pair = facts.pair
    this.part = facts.part
  }
}

const readCode = (error: object): unknown => {
  const body = (error as { error?: { error?: { details?: { error_code?: unknown } }; details?: { error_code?: unknown } } }).error
  return body?.error?.details?.error_code ?? body?.details?.error_code
}

function* causes(error: unknown): Generator<object> {
  const seen = new Set<unknown>()
  for (let e = error; typeof e === 'object' && e !== null && !seen.has(e); e = (e as { cause?: unknown }).cause) {
    seen.add(e)
    yield e
  }
}

/**
 * Is this error ours, or was it caused by one of ours? Walks `cause`, reads our code out of an SDK `APIError` body, and works across
 * duplicate installs. With a code: is it that one? For the facts of the error, take `findOutriggerError`.
 */
export function isOutriggerError(error: unknown, code?: ErrorCode): boolean {
  for (const e of causes(error)) {
    const found = isOurs(e) ? e.code : readCode(e)
    if (typeof found === 'string' && found.startsWith('ERR_') && (code === undefined || found === code)) return true
  }
  return false
}

/** The first error of ours in the `cause` chain, the error itself included; `undefined` where there is none, or only its code over HTTP. */
export function findOutriggerError(error: unknown): OutriggerError | undefined {
  for (const e of causes(error)) if (isOurs(e)) return e
}
