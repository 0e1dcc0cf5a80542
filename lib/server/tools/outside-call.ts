import { createHash } from 'node:crypto'
import type { ActionContext } from '../../core/context.js'
import type { Runtime } from '../../core/runtime.js'
import type { ToolAction } from '../../core/types.js'
import { Awaited } from './awaited.js'
import { fingerprint } from './fingerprint.js'

/** What a client's tool came to. */
export interface ToolEnd {
  readonly failed: boolean
  /** Its result, as the client gave it. */
  readonly content: unknown
}

/**
 * A tool call that runs in another process, as an action of its agent. The chain is passed before the call is released: what a layer refuses
 * there is not released. From then on it is tool time, until its result has come or nobody expects it any more.
 */
export class OutsideCall {
  readonly action: ToolAction
  /** The answer that asks for it: what a server thread is continued by. */
  messageId: string | undefined
  /** How long its input is, as JSON. */
  readonly chars: number
  readonly #runtime: Runtime
  readonly #ctx: ActionContext
  readonly #released = new Awaited<void>()
  readonly #ended = new Awaited<ToolEnd>()
  #isReleased = false
  #asked: { readonly fingerprint: string | undefined } | undefined
  #over: Promise<void> = Promise.resolve()

  constructor(runtime: Runtime, action: ToolAction, labels?: Readonly<Record<string, string>>) {
    this.action = action
    this.chars = (JSON.stringify(action.input) ?? '').length
    this.#runtime = runtime
    this.#ctx = runtime.context(action, labels ? { labels } : {})
  }

  /** What it asks for, as `fingerprint` says it. */
  get fingerprint(): string | undefined {
    this.#asked ??= { fingerprint: fingerprint(this.action.name, this.action.input) }
    return this.#asked.fingerprint
  }

  /** Has it been released, so that the client may run it? */
  get isReleased(): boolean {
    return this.#isReleased
  }

  /** Resolves when every layer has let it in. Rejects with what refused it. */
  begin(): Promise<void> {
    const admitted = new Awaited<void>()
    const run = this.#runtime.run(this.#ctx, ctx => {
      admitted.resolve()
      return this.#effect(ctx)
    })
    this.#over = run.then(
      () => {},
      error => admitted.reject(error),
    )
    return admitted.promise
  }

  release(): void {
    this.#isReleased = true
    this.#released.resolve()
  }

  /** Its result has come. Resolves when the layers have seen it; never rejects. */
  end(end: ToolEnd): Promise<void> {
    this.release()
    this.#ended.resolve(end)
    return this.#over
  }

  /** Nobody expects its result any more. */
  abandon(why: string): Promise<void> {
    this.#ctx.actionScope.abort(new DOMException(why, 'AbortError'))
    return this.#over
  }

  /** Another call takes its place: it was never run as it stands. */
  replace(why: string): Promise<void> {
    this.#isReleased = false
    return this.abandon(why)
  }

  async #effect(ctx: ActionContext): Promise<void> {
    try {
      await ctx.elsewhere(ctx.scope.race(this.#released.promise))
      ctx.reply = await this.#timed(ctx)
    } catch (error) {
      ctx.outcome = { status: ctx.scope.gave(error) ? 'aborted' : 'error', error, sent: this.#isReleased }
      throw error
    }
  }

  async #timed(ctx: ActionContext): Promise<unknown> {
    ctx.enter('tool')
    try {
      const { failed, content } = await ctx.elsewhere(ctx.scope.race(this.#ended.promise))
      if (failed) throw new OutsideToolError(this.action.name, content)
      return content
    } finally {
      ctx.leave('tool')
    }
  }
}

/** A tool failed in the client's process. Its message tells failures apart, and holds nothing of what the tool said. */
class OutsideToolError extends Error {
  override readonly name = 'OutsideToolError'

  constructor(tool: string, content: unknown) {
    super(`${tool} failed where it runs (${digest(content)})`)
  }
}

// Letters alone: whoever compares failures sets numbers aside, as positions and times are here.
function digest(content: unknown): string {
  const said = (JSON.stringify(content) ?? '').replace(/\d+/g, '#')
  const hex = createHash('sha256').update(said).digest('hex').slice(0, 16)
  return [...hex].map(digit => 'abcdefghijklmnop'[Number.parseInt(digit, 16)]).join('')
}
