import { ViolationError } from '../core/errors.js'
import type { ActionContext } from '../core/context.js'
import type { Runtime } from '../core/runtime.js'
import { addressIn } from '../policy/network/hosts.js'
import { lowestLimits } from '../policy/network/fetch-limits.js'
import { type PolicyInForce, policyInForce } from '../policy/in-force.js'
import type { Rule } from '../policy/types.js'
import { AnswerMeter } from './answer-meter.js'
import { addressesOf, type Lookup } from './lookup.js'
import { PinnedPools } from './pinned-pools.js'
import { checkSentHeaders } from './sent-headers.js'

/** What a request is sent with, besides what its caller gave. */
export type Bound = Pick<RequestInit, 'headers'>

/** How one guarded request may be sent. */
export interface FetchWay {
  /** Of an answer that limits apply to. */
  readonly meter: AnswerMeter | undefined
  /**
   * Finds where the URL leads, has it judged, and binds the request to it.
   * @returns `undefined` where no rule binds it: then it goes the platform's way
   */
  bind(url: string, init: RequestInit, headers: RequestInit['headers'], signal: AbortSignal): Promise<Bound | undefined>
}

const refusing: ReadonlySet<Rule['response']> = new Set(['deny', 'pause', 'reap'])
const binds = ({ response, shadow }: Rule): boolean => !shadow && refusing.has(response)
const looks = ({ stages, kinds }: Rule): boolean => stages.includes('connect') && kinds.includes('tool')

/** How the guarded `fetch` of one sidecar connects: by the rules that are in force when it does. */
export class FetchWays {
  readonly #runtime: Runtime
  readonly #lookup: Lookup
  readonly #pools: PinnedPools

  constructor(runtime: Runtime, lookup: Lookup) {
    this.#runtime = runtime
    this.#lookup = lookup
    this.#pools = new PinnedPools(runtime.clock)
  }

  /** `undefined` where no rule looks at connections. */
  of(ctx: ActionContext): FetchWay | undefined {
    const policy = policyInForce.peek(this.#runtime.host)
    const rules = policy?.rules.filter(looks) ?? []
    if (rules.length === 0) return undefined
    const limits = lowestLimits(rules.filter(binds).flatMap(({ fetch }) => (fetch ? [fetch] : [])))
    const isBound = rules.some(binds)
    return {
      meter: limits && new AnswerMeter(limits, this.#runtime.clock),
      bind: (url, init, headers, signal) =>
        isBound ? this.#bind(ctx, policy!, { url, init, headers, signal }) : this.#note(ctx, policy!, url, signal),
    }
  }

  async #bind(
    ctx: ActionContext,
    policy: PolicyInForce,
    { url, init, headers, signal }: { url: string; init: RequestInit; headers: RequestInit['headers']; signal: AbortSignal },
  ): Promise<Bound | undefined> {
    const { protocol, origin } = new URL(url)
    // Nothing is connected to, and `fetch` knows what to make of it.
    if (protocol !== 'http:' && protocol !== 'https:') return undefined
    // Read once: what is checked is what is sent.
    const sent = new Headers(headers)
    checkSentHeaders(sent, url)
    if ((init as { readonly dispatcher?: unknown }).dispatcher != null)
      throw new TypeError('fetch: a dispatcher cannot be given under a rule on the network: it would connect elsewhere; leave it out')
    const addresses = await unlessAborted(signal, this.#addresses(url))
    // Rules may change while they judge: what an older policy let pass is no connection of the newer one.
    const { digest } = policy
    await judged(ctx, policy, addresses)
    signal.throwIfAborted()
    return { headers: sent, dispatcher: this.#pools.to(digest, origin, addresses) } as Bound
  }

  /** For rules that only look: what they find is noted, and nothing else changes. */
  async #note(ctx: ActionContext, policy: PolicyInForce, url: string, signal: AbortSignal): Promise<undefined> {
    const addresses = await unlessAborted(signal, this.#addresses(url)).catch(() => undefined)
    if (addresses && !signal.aborted) await policy.connect?.(ctx, addresses)
  }

  async #addresses(url: string): Promise<readonly string[]> {
    const { hostname } = new URL(url)
    const itself = addressIn(hostname)
    return itself === undefined ? addressesOf(hostname, this.#lookup) : [itself]
  }
}

/** Fails closed: a policy that cannot judge where a connection leads lets none be made. */
function judged(ctx: ActionContext, policy: PolicyInForce, addresses: readonly string[]): void | Promise<void> {
  if (policy.connect) return policy.connect(ctx, addresses)
  const { id: ruleId } = policy.rules.find(rule => looks(rule) && binds(rule))!
  throw new ViolationError({ ruleId, kind: 'tool', stage: 'connect', details: 'nobody judges where the connection leads', action: ctx.id })
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason)
    if (signal.aborted) aborted()
    signal.addEventListener('abort', aborted, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}
