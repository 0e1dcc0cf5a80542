import { type Context, type Host, ViolationError } from 'outrigger'
import { recorder } from 'outrigger/ctx'
import { type Judge, openJudge, rules } from 'outrigger/policy'
import { isShutTo } from '../is-shut-to.js'
import { ApprovalDesk } from './desk.js'
import { type Need, needsOf } from './needs.js'
import type { ApprovalSettings } from './options.js'
import type { ApprovalEnd, Waiting } from './queue.js'
import { type ApprovalRequest, type ApprovedAction, approvalDigest, approvedPart } from './request.js'

/** What the wait ends with when the gate of the sidecar shuts. */
const shut = Symbol('shut')

type Phase = 'requested' | 'approved' | 'denied' | 'expired' | 'withdrawn'

/** One layer's say over the actions of its agent and of everybody below: whether they need an approval, and who is asked. */
export class ApprovalGate {
  readonly desk: ApprovalDesk
  readonly #settings: ApprovalSettings
  readonly #needs: (ctx: Context) => Need | Promise<Need>
  /** Nobody answers for himself: the folder of answers is out of reach of what is asked about. */
  readonly #guard: Judge | undefined
  readonly counts: { approved: number; denied: number; expired: number } = { approved: 0, denied: 0, expired: 0 }

  constructor(settings: ApprovalSettings) {
    this.#settings = settings
    this.desk = new ApprovalDesk(settings)
    this.#needs = needsOf(settings.when)
    this.#guard = settings.dir === undefined ? undefined : openJudge([rules.selfModification({ paths: [settings.dir] })])
  }

  /**
   * Lets the action pass, at once or when it has been approved.
   * @throws ViolationError where it is denied; what the signal or the gate of the sidecar ends the wait with
   */
  pass(ctx: Context, host: Host): void | Promise<void> {
    this.#keepOff(ctx)
    const need = this.#needs(ctx)
    if (need instanceof Promise) return need.then(found => (found ? this.#approved(ctx, host, found) : undefined))
    if (need) return this.#approved(ctx, host, need)
  }

  #keepOff(ctx: Context): void {
    if (!this.#guard || ctx.kind !== 'tool') return
    const judged = this.#guard.judge({ stage: 'action', action: ctx.action })
    if (judged instanceof Promise || judged.all.length > 0) throw refusal(ctx, 'it addresses what answers come by')
  }

  /** Whoever has waited passes the gate of the sidecar again; where that holds it back, it asks anew afterwards. */
  async #approved(ctx: Context, host: Host, reasons: readonly string[]): Promise<void> {
    if (!this.desk.isManned) throw this.#denied(ctx, 'nobody can answer: withApproval has neither ask nor dir nor api')
    const action = approvedPart(ctx.action)
    const sha256 = digestOf(ctx, action)
    for (;;) {
      const end = await ctx.during('stopped', () => this.#asked(ctx, host, { action, sha256, reasons }))
      if (end !== shut) await this.#settle(ctx, host, end, sha256)
      // Before the gate: what waits there for an action that is aborted would reject to nobody.
      ctx.signal.throwIfAborted()
      const held = host.gate(ctx)
      if (!held && end !== shut) return
      await held
    }
  }

  async #asked(
    ctx: Context,
    host: Host,
    about: { readonly action: ApprovedAction; readonly sha256: string; readonly reasons: readonly string[] },
  ): Promise<ApprovalEnd | typeof shut> {
    const { id, name, type } = ctx.agent
    const waiting = this.desk.lay({ ...about, agent: Object.freeze({ id, name, type }), actionId: ctx.id }, host)
    tell(host, ctx, waiting.request, 'requested')
    try {
      const end = await this.#waited(ctx, host, waiting)
      tell(host, ctx, waiting.request, phaseOf(end), end === 'expired' ? undefined : end.by)
      return end
    } catch (reason) {
      tell(host, ctx, waiting.request, 'withdrawn')
      if (reason === shut) return shut
      throw reason
    }
  }

  /** Until it is answered or too late; an abort, and a gate that shuts, end it at once. */
  async #waited(ctx: Context, host: Host, waiting: Waiting): Promise<ApprovalEnd> {
    const { signal } = ctx
    const aborted = () => waiting.withdraw(signal.reason)
    const leaveIfShut = () => isShutTo(ctx, host) && waiting.withdraw(shut)
    if (signal.aborted) aborted()
    else leaveIfShut()
    signal.addEventListener('abort', aborted, { once: true })
    const forget = host.whenShut(leaveIfShut)
    try {
      this.desk.ask(waiting, host)
      return await waiting.ended
    } finally {
      forget()
      signal.removeEventListener('abort', aborted)
    }
  }

  /** Who has approved what stands in the record before it happens. */
  async #settle(ctx: Context, host: Host, end: ApprovalEnd, sha256: string): Promise<void> {
    if (end === 'expired') {
      this.counts.expired++
      throw refusal(ctx, `nobody has answered within ${this.#settings.deadlineMs} ms`)
    }
    const { decision, by, reason } = end
    if (decision !== 'approve') throw this.#denied(ctx, `denied${by ? ` by ${by}` : ''}${reason ? `: ${reason}` : ''}`)
    this.counts.approved++
    await recorder.peek(host)?.approval?.(ctx, { sha256, ...(by && { by }) })
  }

  #denied(ctx: Context, details: string): ViolationError {
    this.counts.denied++
    return refusal(ctx, details)
  }
}

const phaseOf = (end: ApprovalEnd): Phase => (end === 'expired' ? 'expired' : end.decision === 'approve' ? 'approved' : 'denied')

function digestOf(ctx: Context, action: ApprovedAction): string {
  try {
    return approvalDigest(action)
  } catch {
    throw refusal(ctx, 'its input is no JSON: there is nothing that an approval could be bound to')
  }
}

function refusal(ctx: Context, details: string): ViolationError {
  return new ViolationError({ ruleId: 'approval', kind: ctx.kind, details, at: ctx.clock.now(), action: ctx.id })
}

/** Tells the sidecar and every ancestor: any of them may be whom somebody watches. */
function tell(host: Host, ctx: Context, { id, sha256, action }: ApprovalRequest, phase: Phase, by?: string): void {
  const event = { type: 'approval', phase, request: id, sha256, kind: action.kind, name: action.name, by, action: ctx.id } as const
  host.publish(event)
  for (let up = host.parent; up; up = up.parent) up.publish({ ...event, child: host.agent.id })
}
