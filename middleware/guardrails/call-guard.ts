import { type Context, type ToolAction, type ToolUse, ViolationError, type ViolationFacts } from 'outrigger'
import { JudgedCalls } from '../violations/judged-calls.js'
import { Refusal } from './checks.js'
import type { Findings } from './findings.js'
import type { Inspection } from './inspection.js'

const nobody: ReadonlySet<string> = new Set()

/** Calls that a model asks for: looked at before its client may see them, and not a second time when they are run. */
export class CallGuard {
  readonly #findings: Findings
  readonly #calls = new JudgedCalls()
  /** Ids of calls that were refused, by the model action that asked for them. */
  readonly #refused = new WeakMap<Context, Set<string>>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** The calls of a model action that were refused, by id. */
  refusedIn(ctx: Context): ReadonlySet<string> {
    return this.#refused.get(ctx) ?? nobody
  }

  /** Was this call looked at when the model asked for it? @throws ViolationError where it was refused */
  wasJudged(ctx: Context, action: ToolAction): boolean {
    const known = this.#calls.take(action)
    if (known?.refusal) throw new ViolationError({ ...known.refusal, action: ctx.id, at: ctx.clock.now() })
    return known !== undefined
  }

  /** Looks at a call. What is thrown refuses it. */
  async asked(ctx: Context, { id, name, input }: ToolUse, inspection: Inspection): Promise<void> {
    const action: ToolAction = Object.freeze({ kind: 'tool', name, input, toolUseId: id })
    const known = this.#calls.peek(action)
    if (known?.refusal) throw this.#refuse(ctx, id, new ViolationError(known.refusal))
    if (known) return
    try {
      await inspection.value({ name, input }, { sealed: true })
    } catch (error) {
      throw error instanceof Refusal ? await this.#refuseAnew(ctx, inspection, error, action) : error
    }
    await this.#findings.tell(ctx, inspection)
    this.#calls.note(action, { refusal: undefined, told: [], begun: 0 })
  }

  async #refuseAnew(ctx: Context, inspection: Inspection, refusal: Refusal, action: ToolAction): Promise<ViolationError> {
    const error = this.#findings.refuse(ctx, inspection, refusal, 'tool')
    const { ruleId, details, facts } = error
    this.#calls.note(action, { refusal: facts as unknown as ViolationFacts, told: [], begun: 0 })
    this.#refuse(ctx, action.toolUseId!, error)
    await this.#findings.tell(ctx, inspection)
    // The end of the model action says nothing of it.
    await this.#findings.record(ctx, { ruleId, response: 'deny', details, kind: 'tool' })
    return error
  }

  #refuse(ctx: Context, id: string, error: ViolationError): ViolationError {
    this.#refused.set(ctx, (this.#refused.get(ctx) ?? new Set()).add(id))
    return error
  }
}
