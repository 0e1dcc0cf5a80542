import { createHash } from 'node:crypto'
import type { ToolAction, ViolationFacts } from 'outrigger'
import { canonicalJson } from 'outrigger/ctx'
import type { Broken } from 'outrigger/policy'

/** What came of judging a call that a model asked for. */
export interface CallVerdict {
  /** Why it was refused; `undefined` where it was allowed. */
  readonly refusal: ViolationFacts | undefined
  /** What was found and told. */
  readonly told: readonly Broken[]
  /** How many tools had begun when it was judged: a later one may have changed what the verdict rests on. */
  readonly begun: number
}

/** How many calls that were asked for and have not been run yet are remembered. */
const most = 1024

/**
 * Calls that a model asked for, and that were judged before its client saw them: the call that then comes is not judged, counted and
 * reported again. A verdict holds for one tool, one `tool_use` id and one input, for one run, and until another tool has begun.
 */
export class JudgedCalls {
  readonly #verdicts = new Map<string, CallVerdict>()

  /** What has been judged already, and not been run since. */
  peek(action: ToolAction): CallVerdict | undefined {
    const key = this.#verdicts.size > 0 ? keyOf(action) : undefined
    return key === undefined ? undefined : this.#verdicts.get(key)
  }

  /** The same, used up. */
  take(action: ToolAction): CallVerdict | undefined {
    const key = this.#verdicts.size > 0 ? keyOf(action) : undefined
    if (key === undefined) return undefined
    const verdict = this.#verdicts.get(key)
    this.#verdicts.delete(key)
    return verdict
  }

  /** Remembers a verdict. The oldest gives way: its call is judged when it comes. */
  note(action: ToolAction, verdict: CallVerdict): void {
    const key = keyOf(action)
    if (key === undefined) return
    this.#verdicts.set(key, verdict)
    if (this.#verdicts.size > most) this.#verdicts.delete(this.#verdicts.keys().next().value!)
  }
}

/** `undefined` for a call without an id, or with an input that JSON does not carry exactly: no other is known to be the same. */
function keyOf({ toolUseId, name, input }: ToolAction): string | undefined {
  if (!toolUseId) return undefined
  try {
    return createHash('sha256')
      .update(canonicalJson([toolUseId, name, input]))
      .digest('hex')
  } catch {
    return undefined
  }
}
