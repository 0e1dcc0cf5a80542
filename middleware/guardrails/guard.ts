import {
  type Context,
  type Host,
  type Kind,
  type Push,
  type Tap,
  type ToolAction,
  type ToolUse,
  ViolationError,
  type ViolationFacts,
} from 'outrigger'
import type { MessagesStreamEvent } from 'outrigger/claude'
import { recorder } from 'outrigger/ctx'
import type { Broken, Stage } from 'outrigger/policy'
import { ViolationBook, violationBook } from '../violations/book.js'
import { JudgedCalls } from '../violations/judged-calls.js'
import { type Check, type GuardrailHold, Refusal } from './checks.js'
import { Inspection } from './inspection.js'
import { MessageGuard } from './message-guard.js'
import { SendGuard } from './send-guard.js'

/** What an inspection is of, and how a stream of it goes on. */
interface Watched {
  readonly inspection: Inspection
  /** What was found in the events of a send, on the way to its reply. */
  readonly shown?: Inspection
  /** The result has been looked at, with the stream that showed it. */
  judged: boolean
}

/** How often each response was given. */
export interface GuardCounts {
  denied: number
  replaced: number
  warned: number
}

/** Looks at what one agent is given and gives. */
export class Guard {
  readonly counts: GuardCounts = { denied: 0, replaced: 0, warned: 0 }
  readonly #host: Host
  readonly #checks: readonly Check[]
  readonly #hold: GuardrailHold
  readonly #calls = new JudgedCalls()
  /** Where no layer keeps the violations, they are told of all the same. */
  readonly #book: ViolationBook

  constructor(host: Host, checks: readonly Check[], hold: GuardrailHold) {
    this.#host = host
    this.#checks = checks
    this.#hold = hold
    this.#book = violationBook.peek(host) ?? new ViolationBook(0, undefined, { count: 0, kept: [] })
  }

  async pass(ctx: Context, next: () => Promise<void>): Promise<void> {
    await this.#admit(ctx)
    if (ctx.kind === 'model') this.#judgeCalls(ctx)
    const checks = this.#of(ctx.kind, 'result')
    return checks.length > 0 ? this.#withResult(ctx, next, checks) : next()
  }

  #of(kind: Kind, stage: Stage): readonly Check[] {
    return this.#checks.filter(({ kinds, stages }) => kinds.includes(kind) && stages.includes(stage))
  }

  #inspection(checks: readonly Check[], kind: Kind, stage: Stage): Inspection {
    return new Inspection(checks, this.#hold, Object.freeze({ kind, stage }))
  }

  /** What goes in is looked at as it is: nothing of it is replaced. */
  async #admit(ctx: Context): Promise<void> {
    const { action, kind } = ctx
    const known = action.kind === 'tool' ? this.#calls.take(action) : undefined
    if (known?.refusal) throw new ViolationError({ ...known.refusal, action: ctx.id, at: this.#host.clock.now() })
    const checks = known ? [] : this.#of(kind, 'action')
    if (checks.length === 0) return
    const inspection = this.#inspection(checks, kind, 'action')
    await this.#answer(ctx, inspection, () => unlessAborted(ctx, inspection.value(given(ctx), { sealed: true })))
  }

  async #withResult(ctx: Context, next: () => Promise<void>, checks: readonly Check[]): Promise<void> {
    const look = () => this.#inspection(checks, ctx.kind, 'result')
    const watched: Watched = { inspection: look(), ...(ctx.kind === 'send' ? { shown: look() } : {}), judged: false }
    const { inspection, shown } = watched
    if (ctx.kind === 'model') ctx.tap(this.#ofModel(ctx, watched))
    if (shown) ctx.tap(this.#ofSend(ctx, watched, new SendGuard(shown, look())))
    try {
      await next()
    } catch (error) {
      // What was released of it has been looked at, and was perhaps replaced.
      await this.#tell(ctx, inspection, shown)
      throw error
    }
    const rest = () => (watched.judged ? undefined : unlessAborted(ctx, this.#judgeResult(ctx, inspection)))
    await this.#answer(ctx, inspection, rest, shown)
  }

  async #judgeResult(ctx: Context, inspection: Inspection): Promise<void> {
    const seen = await inspection.value(ctx.result, { ofModel: ctx.kind === 'model' })
    if (seen !== ctx.result) ctx.revise(seen)
  }

  #ofModel(ctx: Context, watched: Watched): Tap {
    const { inspection } = watched
    const calls = this.#callChecks.length > 0
    let message = new MessageGuard(inspection, calls)
    return this.#held(ctx, inspection, {
      begin: () => {
        message = new MessageGuard(inspection, calls)
      },
      event: (event, push) => message.event(event as MessagesStreamEvent, push),
      end: async push => {
        await message.end(push)
        const result = ctx.result as { readonly content?: unknown } | undefined
        const seen = result && message.seen(result, this.#refused.get(ctx) ?? nobody)
        if (seen !== result) ctx.revise(seen)
        watched.judged = true
      },
    })
  }

  #ofSend(ctx: Context, watched: Watched, send: SendGuard): Tap {
    const { inspection } = watched
    return this.#held(ctx, inspection, {
      event: (event, push) => send.event(event, push),
      end: async push => {
        await send.end(push)
        await this.#judgeResult(ctx, inspection)
        watched.judged = true
      },
    })
  }

  /** A tap around what looks at the events. Where nothing can be forbidden or replaced, nothing waits. */
  #held(ctx: Context, inspection: Inspection, look: Look): Tap {
    let queue: unknown[] = []
    const full = this.#hold === 'full'
    const { holds } = inspection
    const queued: Push = event => void queue.push(event)
    const into = (push: Push): Push => (holds ? (full ? queued : push) : nothing)
    return {
      event: (event, push) => {
        const type = typeOf(event)
        // Another attempt begins: what is held, and was found, belongs to one that failed.
        if (type === 'message_start' && look.begin) {
          queue = []
          inspection.tally.forget()
          look.begin()
        }
        const out = type === 'message_stop' && look.begin ? (holds ? push : nothing) : into(push)
        if (!holds) push(event)
        return this.#unlessRefused(ctx, inspection, () => look.event(event, out))
      },
      end: push =>
        this.#unlessRefused(ctx, inspection, async () => {
          await look.end(into(push))
          for (const event of queue.splice(0)) push(event)
        }),
    }
  }

  /** A refusal becomes the error of this action. */
  #unlessRefused(ctx: Context, inspection: Inspection, look: () => void | Promise<void>): void | Promise<void> {
    const refuse = (error: unknown): never => {
      throw error instanceof Refusal ? this.#refuse(ctx, inspection, error, ctx.kind) : error
    }
    try {
      const looking = look()
      return looking instanceof Promise ? looking.catch(refuse) : undefined
    } catch (error) {
      refuse(error)
    }
  }

  /** Runs `look`, tells what was found, and throws where it is forbidden. */
  async #answer(ctx: Context, inspection: Inspection, look: () => Promise<unknown> | undefined, shown?: Inspection): Promise<void> {
    try {
      await look()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const refused = this.#refuse(ctx, inspection, error, ctx.kind)
      await this.#tell(ctx, inspection, shown)
      throw refused
    }
    await this.#tell(ctx, inspection, shown)
  }

  #refuse(ctx: Context, { about: { stage } }: Inspection, { check, what }: Refusal, kind: Kind): ViolationError {
    const { ruleId, severity } = check
    const found: Broken = { ruleId, severity, response: 'deny', details: what, shadow: false, stage }
    this.counts.denied++
    return new ViolationError({ ...this.#book.note(this.#host, ctx, kind, found), stage })
  }

  /** What was found and let pass, or replaced: to everyone concerned, and to the record. */
  async #tell(ctx: Context, { tally, about: { kind, stage } }: Inspection, shown?: Inspection): Promise<void> {
    if (shown) tally.cover(shown.tally)
    for (const [{ ruleId, severity, response }, found] of tally.take()) {
      this.counts[response === 'redact' ? 'replaced' : 'warned']++
      const details = response === 'redact' ? `${found}: replaced` : found
      this.#book.note(this.#host, ctx, kind, { ruleId, severity, response: 'warn', details, shadow: false, stage })
      await recorder.peek(ctx)?.violation(ctx, { ruleId, response: 'warn', details, kind, shadow: false })
    }
  }

  /** Calls that a model asks for are looked at by what is for its answers, and by what is for calls. */
  get #callChecks(): readonly Check[] {
    return [...new Set([...this.#of('model', 'result'), ...this.#of('tool', 'action')])]
  }

  /** Calls that were refused, by the model action that asked for them. */
  readonly #refused = new WeakMap<Context, Set<string>>()

  #judgeCalls(ctx: Context): void {
    const checks = this.#callChecks
    if (checks.length > 0) ctx.tap({ toolUse: call => this.#asked(ctx, call, checks) })
  }

  /** A call that the model asks for, before its client may see it. What is thrown refuses it. */
  async #asked(ctx: Context, { id, name, input }: ToolUse, checks: readonly Check[]): Promise<void> {
    const action: ToolAction = Object.freeze({ kind: 'tool', name, input, toolUseId: id })
    const known = this.#calls.peek(action)
    if (known?.refusal) {
      this.#noteRefused(ctx, id)
      throw new ViolationError(known.refusal)
    }
    if (known) return
    const inspection = this.#inspection(checks, 'tool', 'action')
    try {
      await inspection.value({ name, input }, { sealed: true })
      await this.#tell(ctx, inspection)
      this.#calls.note(action, { refusal: undefined, told: [], begun: 0 })
    } catch (error) {
      throw error instanceof Refusal ? await this.#refuseCall(ctx, inspection, error, action) : error
    }
  }

  #noteRefused(ctx: Context, id: string): void {
    this.#refused.set(ctx, (this.#refused.get(ctx) ?? new Set()).add(id))
  }

  async #refuseCall(ctx: Context, inspection: Inspection, refusal: Refusal, action: ToolAction): Promise<ViolationError> {
    const error = this.#refuse(ctx, inspection, refusal, 'tool')
    const { ruleId, details } = error
    this.#calls.note(action, { refusal: error.facts as unknown as ViolationFacts, told: [], begun: 0 })
    this.#noteRefused(ctx, action.toolUseId!)
    await this.#tell(ctx, inspection)
    // The end of the model action says nothing of it.
    await recorder.peek(ctx)?.violation(ctx, { ruleId, response: 'deny', details, kind: 'tool', shadow: false })
    return error
  }
}

interface Look {
  /** Another attempt begins. */
  readonly begin?: () => void
  event(event: unknown, push: Push): void | Promise<void>
  end(push: Push): Promise<void>
}

const nobody: ReadonlySet<string> = new Set()
const nothing: Push = () => {}

function typeOf(event: unknown): unknown {
  return (event as { readonly type?: unknown } | null)?.type
}

function given({ action }: Context): unknown {
  switch (action.kind) {
    case 'send':
      return action.message
    case 'model':
      return action.request
    case 'tool':
      return action.input
    case 'spawn':
      return undefined
  }
}

/** Waits for checks that take their time; an abort ends the wait at once. */
function unlessAborted<T>({ signal }: Context, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason as Error)
    work.finally(() => signal.removeEventListener('abort', aborted)).then(resolve, reject)
    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
  })
}
