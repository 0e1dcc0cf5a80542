import type { AssistantMessage, MessagesStreamEvent } from '../../claude/accumulate.js'
import { isToolUse } from '../../claude/tool-hold.js'
import type { ActionContext } from '../../core/context.js'
import { AgentPausedError, AgentReapedError } from '../../core/errors.js'
import { frozenCopy } from '../../core/freeze.js'
import type { Runtime } from '../../core/runtime.js'
import type { ModelAction, Tap, ToolAction, ToolUse } from '../../core/types.js'
import { fingerprint } from './fingerprint.js'
import { LiveState } from './live-state.js'
import { OutsideCall, type ToolEnd } from './outside-call.js'
import { ReleasedCalls } from './released-calls.js'
import { toldResults } from './told-results.js'

/** Calls that are open at once, of one agent, and characters of their inputs, as JSON: the oldest gives way. */
const mostOpen = 1_024
const mostChars = 64 * 2 ** 20
const defaultIdleMs = 30 * 60_000

/** A call as a client's hook tells of it. */
export interface HookedCall {
  /** The `tool_use` id; older clients leave it out. */
  readonly id?: string | undefined
  readonly name: string
  readonly input: unknown
}

/** One answer while it is being given. */
interface Answer {
  readonly ctx: ActionContext
  readonly calls: Set<OutsideCall>
  /** Calls that every layer has let in, by their ids. */
  readonly admitted: Map<string, OutsideCall>
  messageId: string | undefined
}

/**
 * The tools of one agent that run in another process, seen from outside: each call that an answer releases is an action of kind `tool`, from
 * its release until the request that brings its result, or until nobody expects that any more. Calls are found by their ids, and ids that are not
 * known change nothing.
 */
export class OutsideTools {
  readonly #runtime: Runtime
  readonly #idleMs: number
  readonly #open = new Map<string, OutsideCall>()
  /** Calls whose results a request is still to bring, those among them that a hook has ended already. */
  readonly #expected = new Set<string>()
  readonly #answers = new Map<string, Answer>()
  readonly #state: LiveState
  #signAt = 0
  #stopTimer: (() => void) | undefined
  #unnamed = 0
  /** Of the inputs of all open calls. */
  #chars = 0

  /** @param options - `idleMs`: how long a result is waited for without a sign of the agent. Default 1,800,000 */
  constructor(runtime: Runtime, { idleMs = defaultIdleMs }: { readonly idleMs?: number } = {}) {
    this.#runtime = runtime
    this.#idleMs = idleMs
    this.#state = new LiveState(runtime, () => this.#expected.size > 0)
    runtime.events.subscribe(event => {
      if (event.type === 'action.ended' && event.action) this.#answered(event.action, event.outcome.error)
      this.#state.heard(event)
    })
    runtime.whenShut(() => {
      if (runtime.reaped !== undefined) this.#abandonAll('the agent has ended')
    })
  }

  /** Calls whose results are expected. */
  get open(): number {
    return this.#open.size
  }

  /** A request comes: ends what it brings the results of, and looks at its answer. Resolves when the layers have seen those results. */
  follow(ctx: ActionContext): Promise<void> | undefined {
    this.#sign()
    const ended = this.#expected.size > 0 ? this.#told(ctx.action as ModelAction) : []
    ctx.tap(this.#tap({ ctx, calls: new Set(), admitted: new Map(), messageId: undefined }))
    return ended.length > 0 ? Promise.all(ended).then(() => {}) : undefined
  }

  /**
   * A client is about to run a call. Nothing happens where it was released as it stands; any other is judged now.
   * @param gone - fires when the client does not wait for the answer any more
   * @throws what refuses it
   */
  async before(hooked: HookedCall, gone: AbortSignal): Promise<void> {
    this.#sign()
    this.#gate()
    if (this.#find(hooked) !== undefined) return
    const call = new OutsideCall(this.#runtime, actionOf(hooked))
    const leave = () => void call.abandon('the client did not wait')
    gone.addEventListener('abort', leave, { once: true })
    if (gone.aborted) leave()
    try {
      await call.begin()
    } finally {
      gone.removeEventListener('abort', leave)
    }
    this.#keep(hooked.id, call)
  }

  /** A client has run a call. */
  async after(hooked: HookedCall, end: ToolEnd): Promise<void> {
    this.#sign()
    const id = this.#find(hooked) ?? hooked.id
    if (id === undefined) return
    // No request brings the result of a call without an id.
    if (hooked.id === undefined) this.#expected.delete(id)
    await this.#end(id, end)
  }

  /** @throws AgentReapedError, AgentPausedError */
  #gate(): void {
    const { agent, reaped, paused, failing } = this.#runtime
    if (reaped !== undefined) throw new AgentReapedError({ agent: agent.name, reason: reaped })
    if (paused !== undefined) throw new AgentPausedError({ agent: agent.name, reason: paused })
    if (failing) throw failing
  }

  /** The chain is passed before the release, unless no layer of it could refuse: then nothing is held back. A whole answer is let go at once. */
  #tap(answer: Answer): Tap {
    const { admitted, ctx } = answer
    const admits = this.#runtime.chain('tool').layers.some(({ meta }) => meta.fail !== 'open')
    this.#answers.set(ctx.id, answer)
    return {
      ...(admits && { toolUse: async use => void admitted.set(use.id, await this.#admit(answer, use)) }),
      ...((ctx.action as ModelAction).stream && this.#streamed(answer)),
    }
  }

  #streamed(answer: Answer): Pick<Tap, 'arrived' | 'event'> {
    const calls = new ReleasedCalls()
    return {
      arrived: event => this.#began(answer, event as MessagesStreamEvent),
      event: (event, push) => {
        const { type, message } = event as { readonly type: string; readonly message?: { readonly id: string } }
        if (type === 'message_start') answer.messageId = message?.id
        const use = calls.take(event as MessagesStreamEvent)
        push(event)
        if (use) return this.#released(answer, use)
      },
    }
  }

  /** A whole answer is let go: all that it asks for, at once. */
  letGo(ctx: ActionContext, { id, content }: AssistantMessage): Promise<void> | undefined {
    const answer = this.#answers.get(ctx.id)
    if (!answer || ctx.action.kind !== 'model' || ctx.action.stream) return undefined
    const uses = content.filter(isToolUse)
    if (uses.length === 0) return undefined
    answer.messageId = id
    return Promise.all(uses.map(({ id = '', name = '', input }) => this.#released(answer, { id, name, input }))).then(() => {})
  }

  /** An attempt begins: what one before it had asked for is not released any more. */
  #began(answer: Answer, event: MessagesStreamEvent): void {
    if (event.type !== 'message_start') return
    answer.admitted.clear()
    this.#dropUnreleased(answer)
  }

  async #admit(answer: Answer, { id, name, input }: ToolUse): Promise<OutsideCall> {
    const call = new OutsideCall(this.#runtime, actionOf({ id, name, input }), answer.ctx.labels)
    answer.calls.add(call)
    await call.begin()
    return call
  }

  /** What no layer could refuse begins here. Where the gate is shut by now, it is not seen, and ends with its agent. */
  async #released(answer: Answer, use: ToolUse): Promise<void> {
    if (use.input === undefined) return
    const call = answer.admitted.get(use.id) ?? (await this.#admit(answer, use).catch(() => undefined))
    if (!call) return
    call.messageId = answer.messageId
    this.#keep(use.id, call)
  }

  /** From here on its result is expected. Another call of the same id takes the place of the first. */
  #keep(id: string | undefined, call: OutsideCall): void {
    const key = id || `#${++this.#unnamed}`
    void this.#taken(key)?.replace('another call came under its id')
    this.#expected.delete(key)
    this.#open.set(key, call)
    this.#chars += call.chars
    this.#expected.add(key)
    call.release()
    while (this.#open.size > mostOpen || this.#chars > mostChars)
      void this.#abandon(this.#open.keys().next().value!, 'too many calls are open')
    if (this.#expected.size > mostOpen) this.#expected.delete(this.#expected.keys().next().value!)
    this.#arm()
  }

  #told(action: ModelAction): Promise<void>[] {
    const { results, calls, previous } = toldResults(action)
    const ended: Promise<void>[] = []
    for (const id of [...this.#expected]) {
      const end = results.get(id)
      const isPast = end !== undefined || calls.has(id) || (previous !== undefined && this.#open.get(id)?.messageId === previous)
      if (!isPast) continue
      this.#expected.delete(id)
      ended.push(end ? this.#end(id, end) : this.#abandon(id, 'the conversation went on without its result'))
    }
    return ended
  }

  async #end(id: string, end: ToolEnd): Promise<void> {
    await this.#taken(id)?.end(end)
  }

  async #abandon(id: string, why: string): Promise<void> {
    this.#expected.delete(id)
    await this.#taken(id)?.abandon(why)
  }

  /** It is open no more. */
  #taken(id: string): OutsideCall | undefined {
    const call = this.#open.get(id)
    if (this.#open.delete(id)) this.#chars -= call!.chars
    return call
  }

  #abandonAll(why: string): void {
    for (const id of [...this.#open.keys()]) void this.#abandon(id, why)
    for (const answer of this.#answers.values()) this.#dropUnreleased(answer)
    this.#expected.clear()
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }

  #dropUnreleased({ calls }: Answer): void {
    for (const call of calls) if (!call.isReleased) void call.abandon('it was not released')
  }

  /** An answer has ended. What was never released is over, and so is all that a client was told that has gone, or that got no answer at all. */
  #answered(action: string, error: unknown): void {
    const answer = this.#answers.get(action)
    if (!answer) return
    this.#answers.delete(action)
    this.#dropUnreleased(answer)
    const { ctx, calls } = answer
    if (error === undefined || (ctx.released && !hasLeft(error))) return
    for (const [id, call] of [...this.#open]) if (calls.has(call)) void this.#abandon(id, 'its client has gone')
  }

  /** By its id and what is asked, or, without an id, by what is asked alone. */
  #find({ id, name, input }: HookedCall): string | undefined {
    if (id !== undefined && !this.#open.has(id)) return undefined
    const asked = fingerprint(name, input)
    if (asked === undefined) return undefined
    if (id !== undefined) return this.#open.get(id)!.fingerprint === asked ? id : undefined
    for (const [key, call] of this.#open) if (call.fingerprint === asked) return key
  }

  #sign(): void {
    this.#signAt = this.#runtime.clock.monotonic()
  }

  /** One timer an agent: it looks again as long as there were signs. */
  #arm(): void {
    if (this.#stopTimer) return
    const left = this.#signAt + this.#idleMs - this.#runtime.clock.monotonic()
    this.#stopTimer = this.#runtime.clock.after(Math.max(1, left), () => {
      this.#stopTimer = undefined
      if (this.#runtime.clock.monotonic() - this.#signAt >= this.#idleMs) this.#gaveUp()
      else if (this.#expected.size > 0) this.#arm()
    })
  }

  #gaveUp(): void {
    this.#abandonAll('nothing was heard of the agent')
    this.#state.settle()
  }
}

function actionOf({ id, name, input }: HookedCall): ToolAction {
  return Object.freeze({ kind: 'tool', name, input: frozenCopy(input), ...(id ? { toolUseId: id } : {}) })
}

/** Did the client go away, of its own accord? */
function hasLeft(error: unknown): boolean {
  return (error as { readonly name?: unknown } | null)?.name === 'AbortError'
}
