import type { Context, Host, Kind, Tap } from 'outrigger'
import type { MessagesStreamEvent } from 'outrigger/claude'
import type { Stage } from 'outrigger/policy'
import { CallGuard } from './call-guard.js'
import { type Check, type GuardrailHold, Refusal } from './checks.js'
import { type FindingCounts, Findings } from './findings.js'
import { heldStream, type Look } from './held-stream.js'
import { Inspection } from './inspection.js'
import { MessageGuard } from './message-guard.js'
import { SendGuard } from './send-guard.js'

/** The result of one action on its way out. */
interface Watched {
  readonly inspection: Inspection
  /** What was found in the events of a send, on the way to its reply. */
  readonly shown?: Inspection
  /** The result has been looked at, with the stream that showed it. */
  judged: boolean
}

/** Looks at what one agent is given and gives. */
export class Guard {
  readonly #checks: readonly Check[]
  readonly #hold: GuardrailHold
  readonly #findings: Findings
  readonly #calls: CallGuard
  /** Calls that a model asks for are looked at by what is for its answers, and by what is for calls. */
  readonly #callChecks: readonly Check[]

  constructor(host: Host, checks: readonly Check[], hold: GuardrailHold) {
    this.#checks = checks
    this.#hold = hold
    this.#findings = new Findings(host)
    this.#calls = new CallGuard(this.#findings)
    this.#callChecks = [...new Set([...this.#of('model', 'result'), ...this.#of('tool', 'action')])]
  }

  /** How often each response was given. */
  get counts(): FindingCounts {
    return this.#findings.counts
  }

  /** Looks at what goes in, goes inward, and looks at what comes out. */
  async pass(ctx: Context, next: () => Promise<void>): Promise<void> {
    await this.#admit(ctx)
    if (ctx.kind === 'model' && this.#callChecks.length > 0)
      ctx.tap({ toolUse: call => this.#calls.asked(ctx, call, this.#inspection(this.#callChecks, 'tool', 'action')) })
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
    if (action.kind === 'tool' && this.#calls.wasJudged(ctx, action)) return
    const checks = this.#of(kind, 'action')
    if (checks.length === 0) return
    const inspection = this.#inspection(checks, kind, 'action')
    await this.#answer(ctx, { inspection }, () => unlessAborted(ctx, inspection.value(given(ctx), { sealed: true })))
  }

  async #withResult(ctx: Context, next: () => Promise<void>, checks: readonly Check[]): Promise<void> {
    const looks = () => this.#inspection(checks, ctx.kind, 'result')
    const watched: Watched = { inspection: looks(), ...(ctx.kind === 'send' ? { shown: looks() } : {}), judged: false }
    if (ctx.kind === 'model') ctx.tap(this.#ofModel(ctx, watched))
    if (watched.shown) ctx.tap(this.#ofSend(ctx, watched, new SendGuard(watched.shown, looks())))
    try {
      await next()
    } catch (error) {
      // What was released of it has been looked at, and was perhaps replaced.
      await this.#findings.tell(ctx, watched.inspection, watched.shown)
      throw error
    }
    await this.#answer(ctx, watched, () => (watched.judged ? undefined : unlessAborted(ctx, this.#judgeResult(ctx, watched))))
  }

  async #judgeResult(ctx: Context, { inspection }: Watched): Promise<void> {
    const seen = await inspection.value(ctx.result, { ofModel: ctx.kind === 'model' })
    if (seen !== ctx.result) ctx.revise(seen)
  }

  #ofModel(ctx: Context, watched: Watched): Tap {
    const { inspection } = watched
    const begun = () => new MessageGuard(inspection, this.#callChecks.length > 0)
    let message = begun()
    return this.#held(ctx, inspection, {
      begin: () => {
        inspection.tally.forget()
        message = begun()
      },
      event: (event, push) => message.event(event as MessagesStreamEvent, push),
      end: async push => {
        await message.end(push)
        const result = ctx.result as { readonly content?: unknown } | undefined
        const seen = result && message.seen(result, this.#calls.refusedIn(ctx))
        if (seen !== result) ctx.revise(seen)
        watched.judged = true
      },
    })
  }

  #ofSend(ctx: Context, watched: Watched, send: SendGuard): Tap {
    return this.#held(ctx, watched.inspection, {
      event: (event, push) => send.event(event, push),
      end: async push => {
        await send.end(push)
        await this.#judgeResult(ctx, watched)
        watched.judged = true
      },
    })
  }

  #held(ctx: Context, inspection: Inspection, look: Look): Tap {
    const error = (thrown: unknown) => (thrown instanceof Refusal ? this.#findings.refuse(ctx, inspection, thrown) : thrown)
    return heldStream({ full: this.#hold === 'full', holds: inspection.holds, error }, look)
  }

  /** Runs `look`, tells what was found, and throws where it is forbidden. */
  async #answer(ctx: Context, { inspection, shown }: Omit<Watched, 'judged'>, look: () => Promise<unknown> | undefined): Promise<void> {
    let refused: Error | undefined
    try {
      await look()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refused = this.#findings.refuse(ctx, inspection, error)
    }
    await this.#findings.tell(ctx, inspection, shown)
    if (refused) throw refused
  }
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
