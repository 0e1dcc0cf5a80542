import {
  type Context,
  type Host,
  type Kind,
  type ModelAction,
  type ToolAction,
  type ToolUse,
  ViolationError,
  type ViolationFacts,
} from 'outrigger'
import { recorder } from 'outrigger/ctx'
import { type Broken, type Judge, type Judgement, openJudge, type Rule, type Stage } from 'outrigger/policy'
import { holdUntilJudged } from './hold-until-judged.js'
import { type CallVerdict, JudgedCalls } from './judged-calls.js'
import { isBlocking, refusalIn, withholdingIn } from './verdict-of.js'
import type { ViolationBook } from './book.js'

type Done = void | Promise<void>

/** What rules look at in one kind of action, found once. */
interface Looks {
  readonly action: boolean
  readonly result: boolean
  /** A result may have to be withheld: nothing of it may be released before it has been judged. */
  readonly holds: boolean
}

/** Judges the actions of one sidecar, before the effect and on what it gave. */
export class RuleGuard {
  readonly #host: Host
  readonly #book: ViolationBook
  readonly #inForce: () => readonly Rule[]
  /** The rules may change while the sidecar lives. */
  readonly #mayChange: boolean
  #rules: readonly Rule[]
  #judge: Judge
  readonly #calls = new JudgedCalls()
  /** How many tools have begun, and how often the rules have changed. */
  #begun = 0
  #looks: Readonly<Record<Kind, Looks>>

  /** @param inForce - the rules at this moment: the same list until they change */
  constructor(host: Host, book: ViolationBook, inForce: () => readonly Rule[], mayChange: boolean) {
    this.#host = host
    this.#book = book
    this.#inForce = inForce
    this.#mayChange = mayChange
    this.#rules = inForce()
    this.#judge = openJudge(this.#rules)
    this.#looks = looksOf(this.#rules)
  }

  /** Takes up rules that have changed. What was judged and has not begun is judged again. */
  #renew(): void {
    const rules = this.#inForce()
    if (rules === this.#rules) return
    this.#rules = rules
    this.#judge = this.#judge.under(rules)
    this.#looks = looksOf(rules)
    this.#begun++
  }

  /** Judges the action, goes inward, judges the result. Without a finding, and with rules that answer at once, it waits for nothing of its own. */
  pass(ctx: Context, next: () => Promise<void>): Promise<void> {
    const judged = this.#before(ctx)
    return judged ? judged.then(() => this.#inward(ctx, next)) : this.#inward(ctx, next)
  }

  #before(ctx: Context): Done {
    const { action } = ctx
    if (this.#mayChange) this.#renew()
    const known = action.kind === 'tool' ? this.#calls.take(action) : undefined
    if (!known) return this.#admit(ctx, action)
    if (known.refusal) throw new ViolationError({ ...known.refusal, action: ctx.id, at: this.#host.clock.now() })
    if (known.begun !== this.#begun) return this.#admitAnew(ctx, known)
  }

  /** Another tool has begun since: a link that it made leads a path elsewhere. Judged again, counted once; what was told is not told twice. */
  #admitAnew(ctx: Context, { told }: CallVerdict): Done {
    const { action, agent, labels } = ctx
    this.#judge.takeBack({ stage: 'action', action, agent, labels }, told)
    return this.#admit(ctx, action, [...told])
  }

  #inward(ctx: Context, next: () => Promise<void>): Promise<void> {
    const { result, holds } = this.#looks[ctx.kind]
    if (ctx.kind === 'tool') this.#begun++
    if (ctx.kind === 'model' && (this.#looks.tool.action || this.#mayChange)) ctx.tap({ toolUse: call => this.#asked(ctx, call) })
    return result || this.#mayChange ? this.#withResult(ctx, next, holds) : next()
  }

  async #withResult(ctx: Context, next: () => Promise<void>, holds: boolean): Promise<void> {
    let judged = false
    const judge = () => {
      judged = true
      return this.#judgeResult(ctx)
    }
    if (holds && mayStream(ctx)) ctx.tap(holdUntilJudged(ctx.kind, judge))
    await next()
    if (!judged) await judge()
  }

  /** A call that the model asks for, before its client may see it. What is thrown refuses it. */
  #asked(ctx: Context, { id, name, input }: ToolUse): Done {
    if (this.#mayChange) this.#renew()
    const action: ToolAction = Object.freeze({ kind: 'tool', name, input, toolUseId: id })
    const known = this.#calls.peek(action)
    if (known?.refusal) throw new ViolationError(known.refusal)
    if (known) return
    const told: Broken[] = []
    const begun = this.#begun
    const allow = () => this.#calls.note(action, { refusal: undefined, told, begun })
    const refuse = (error: unknown): never => {
      if (error instanceof ViolationError) this.#calls.note(action, { refusal: error.facts as unknown as ViolationFacts, told, begun })
      throw error
    }
    try {
      const admitted = this.#admit(ctx, action, told)
      return admitted ? admitted.then(allow, refuse) : allow()
    } catch (error) {
      refuse(error)
    }
  }

  /**
   * Judges `action` before its effect.
   * @param told - what is known already; what is found besides is added
   * @throws ViolationError where a rule refuses it
   */
  #admit(ctx: Context, action: Context['action'], told?: Broken[]): Done {
    if (!this.#looks[action.kind].action) return
    const judgement = this.#judgementOf(ctx, 'action', action)
    if (judgement instanceof Promise) return unlessAborted(ctx, judgement, found => this.#answer(ctx, action.kind, news(found, told)))
    if (judgement.all.length > 0) return this.#answer(ctx, action.kind, news(judgement, told))
  }

  /**
   * Judges the addresses that a guarded `fetch` found, before it connects to one of them.
   * @throws ViolationError where a rule refuses them
   */
  connect(ctx: Context, addresses: readonly string[]): Done {
    const { action, agent, labels } = ctx
    const judgement = this.#judge.judge({ stage: 'connect', action, agent, labels, addresses: Object.freeze([...addresses]) })
    if (judgement instanceof Promise) return unlessAborted(ctx, judgement, found => this.#answer(ctx, ctx.kind, found, 'connect'))
    if (judgement.all.length > 0) return this.#answer(ctx, ctx.kind, judgement, 'connect')
  }

  #judgeResult(ctx: Context): Done {
    if (this.#mayChange) this.#renew()
    const judgement = this.#judgementOf(ctx, 'result', ctx.action)
    if (judgement instanceof Promise) return unlessAborted(ctx, judgement, found => this.#answer(ctx, ctx.kind, found, 'result'))
    if (judgement.all.length > 0) return this.#answer(ctx, ctx.kind, judgement, 'result')
  }

  #judgementOf(ctx: Context, stage: Stage, action: Context['action']): Judgement | Promise<Judgement> {
    const { agent, labels } = ctx
    if (stage === 'result') return this.#judge.judge({ stage, action, agent, labels, result: resultOf(ctx) })
    const isAsked = action.kind === 'tool' && ctx.action.kind === 'model'
    return this.#judge.judge(
      isAsked ? { stage, action, agent, labels, askedIn: ctx.action as ModelAction } : { stage, action, agent, labels },
    )
  }

  /** Notes everything that was found, does what the strictest rule says, and throws where that is a refusal. */
  #answer(ctx: Context, kind: Kind, judgement: Judgement, stage: Stage = 'action'): Done {
    const strictest = refusalIn(judgement)
    const refusal = stage === 'result' ? withholdingIn(judgement, this.#judge.rules) : strictest
    const error = this.#noteAll(ctx, kind, judgement, refusal)
    if (strictest) this.#stop(strictest)
    // What refuses the action is in the record as the end of the action. A call that a model asks for is none of its own.
    const rest = judgement.all.filter(found => found !== refusal || kind !== ctx.kind)
    const recorded = this.#record(ctx, kind, rest)
    if (recorded) return error ? recorded.then(() => Promise.reject(error)) : recorded
    if (error) throw error
  }

  #noteAll(ctx: Context, kind: Kind, { all }: Judgement, refusal: Broken | undefined): ViolationError | undefined {
    let error: ViolationError | undefined
    for (const found of all) {
      const violation = this.#book.note(this.#host, ctx, kind, found)
      if (found === refusal) error = new ViolationError({ ...violation, stage: found.stage })
      if (found.response === 'notifyParent' && !found.shadow) this.#raise(found)
    }
    return error
  }

  /** A decision of whoever is in charge: the parent, or the holder of a sidecar that has none. */
  #raise(found: Broken): void {
    const { parent, agent } = this.#host
    ;(parent ?? this.#host).publish({ type: 'decision', child: agent.id, reason: reasonOf(found) })
  }

  /** An agent that swallows the error finds the gate shut at its next action. */
  #stop(found: Broken): void {
    if (found.response === 'pause') this.#host.pause(reasonOf(found))
    if (found.response === 'reap') this.#host.reap(reasonOf(found))
  }

  #record(ctx: Context, kind: Kind, findings: readonly Broken[]): Promise<void> | undefined {
    const record = findings.length > 0 ? recorder.peek(ctx) : undefined
    if (!record) return undefined
    const entries = findings.map(({ ruleId, response, details, shadow }) => ({ ruleId, response, details, kind, shadow }))
    return entries.reduce((before, entry) => before.then(() => record.violation(ctx, entry)), Promise.resolve())
  }
}

/** What was found and not told before. */
function news(judgement: Judgement, told: Broken[] | undefined): Judgement {
  if (!told) return judgement
  const isTold = ({ ruleId, details }: Broken) => told.some(other => other.ruleId === ruleId && other.details === details)
  const all = judgement.all.filter(found => !isTold(found))
  told.push(...all)
  return { ...judgement, all }
}

const reasonOf = ({ ruleId, details }: Broken): string => `rule ${ruleId}: ${details}`

function looksOf(rules: readonly Rule[]): Readonly<Record<Kind, Looks>> {
  return { send: looks(rules, 'send'), model: looks(rules, 'model'), tool: looks(rules, 'tool'), spawn: looks(rules, 'spawn') }
}

function looks(rules: readonly Rule[], kind: Kind): Looks {
  const ofKind = rules.filter(({ kinds }) => kinds.includes(kind))
  const results = ofKind.filter(({ stages }) => stages.includes('result'))
  return {
    action: ofKind.some(({ stages }) => stages.includes('action')),
    result: results.length > 0,
    holds: results.some(rule => rule.onResult === 'withhold' && isBlocking(rule)),
  }
}

/** Of a child, who it is: its sidecar is no data. */
function resultOf({ kind, result }: Context): unknown {
  if (kind !== 'spawn') return result
  const { id, name, type } = (result ?? {}) as { readonly id?: unknown; readonly name?: unknown; readonly type?: unknown }
  return { id, name, type }
}

/** Could a part of the result be released before all of it is there? */
function mayStream({ action }: Context): boolean {
  return action.kind === 'send' || (action.kind === 'model' && action.stream)
}

/** Waits for rules that take their time; an abort ends the wait at once. What they find after it is told and recorded all the same. */
function unlessAborted({ signal }: Context, judged: Promise<Judgement>, answer: (found: Judgement) => Done): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason)
    const waited = judged.finally(() => signal.removeEventListener('abort', aborted))
    waited.then(answer).then(resolve, reject)
    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
  })
}
