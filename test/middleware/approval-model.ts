import fc from 'fast-check'
import type { Action } from 'outrigger'
import { type Approvals, withApproval } from 'outrigger/middleware'
import { approvalDigest, approvedPart } from '../../middleware/approval/request.js'
import { layer, settled } from '../core/rig.js'
import { type Guarded, mountedWith } from './guarded.js'

const deadlineMs = 1_000

type Step =
  | { readonly do: 'act'; readonly agent: number; readonly input: number }
  | { readonly do: 'approve'; readonly request: number; readonly bound: 'not' | 'right' | 'wrong' }
  | { readonly do: 'deny' | 'abort'; readonly request: number }
  | { readonly do: 'advance' | 'jump'; readonly ms: number }
  | { readonly do: 'pause' | 'resume' | 'reap'; readonly agent: number }
  | { readonly do: 'settle' }

/** Requests from the newest backwards, most often; a stale one now and then. */
const request = fc.oneof({ weight: 4, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.nat(200) })

function steps(agents: number): fc.Arbitrary<Step> {
  const agent = fc.nat(agents - 1)
  return fc.oneof(
    { weight: 160, arbitrary: fc.record({ do: fc.constant('act' as const), agent, input: fc.nat(3) }) },
    {
      weight: 160,
      arbitrary: fc.record({
        do: fc.constant('approve' as const),
        request,
        bound: fc.constantFrom('not' as const, 'right' as const, 'wrong' as const),
      }),
    },
    { weight: 60, arbitrary: fc.record({ do: fc.constantFrom('deny' as const, 'abort' as const), request }) },
    { weight: 40, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(0, 1, 10, 500, 999, 1_000) }) },
    { weight: 20, arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-1_000, 400, 1_000) }) },
    { weight: 20, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const), agent }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reap' as const), agent }) },
    { weight: 120, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  ) as fc.Arbitrary<Step>
}

/** What the model knows of a request. */
interface Known {
  readonly id: string
  readonly agent: number
  readonly actionId: string
  readonly sha256: string
  readonly dueAt: number
  readonly expiresAt: number
  state: 'waiting' | 'approved' | 'over'
}

/** A hundred agents that ask for the same few actions, and somebody who answers late, twice, for others and while they are stopped. */
class World {
  readonly faults: string[] = []
  readonly #root: Guarded
  readonly #agents: readonly (Guarded & { readonly approvals: Approvals })[]
  readonly #known: Known[] = []
  readonly #callers = new Map<string, AbortController>()
  readonly #works: Promise<unknown>[] = []
  effects = 0

  constructor(agents: number) {
    this.#root = mountedWith(layer('withNothing'))
    this.#agents = Array.from({ length: agents }, (_, n) => {
      const own = withApproval({ api: true, deadlineMs })
      const made = mountedWith(own as never, { parent: this.#root, name: `agent-${n}`, whenPaused: n % 2 ? 'wait' : 'reject' })
      made.runtime.events.subscribe(event => event.type === 'approval' && this.#heard(n, event))
      return { ...made, approvals: own.meta.expose!.approvals }
    })
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'act':
        return this.#act(step.agent, { kind: 'tool', name: 'Bash', input: { n: step.input } })
      case 'approve':
        return this.#approve(this.#pick(step.request), step.bound)
      case 'deny':
        return this.#deny(this.#pick(step.request))
      case 'abort':
        return this.#callers.get(this.#pick(step.request)?.actionId ?? '')?.abort(new Error('enough'))
      case 'advance':
        return this.#root.clock.advance(step.ms)
      case 'jump':
        return this.#root.clock.jump(step.ms)
      case 'settle':
        return settled()
      default:
        return this.#steer(step.do, step.agent)
    }
  }

  /** Everything has been asked: whatever still waits runs out. */
  async end(): Promise<void> {
    for (const { runtime } of this.#agents) runtime.resume()
    for (let turn = 0; turn < 3; turn++) await this.#root.clock.advance(deadlineMs)
    await Promise.all(this.#works)
    const left = this.#agents.flatMap(({ approvals }) => approvals.list())
    if (left.length > 0 || this.#root.clock.pending > 0)
      this.faults.push(`${left.length} requests and ${this.#root.clock.pending} timers are left`)
  }

  #pick(n: number): Known | undefined {
    return this.#known[this.#known.length - 1 - (n % Math.max(1, this.#known.length))]
  }

  #steer(what: 'pause' | 'resume' | 'reap', agent: number): void {
    const { runtime } = this.#agents[agent]!
    if (what === 'resume') runtime.resume()
    else runtime[what]('the model says so')
  }

  #act(agent: number, action: Action): void {
    const { runtime } = this.#agents[agent]!
    const caller = new AbortController()
    const ctx = runtime.context(action)
    this.#callers.set(ctx.id, caller)
    const core = async () => this.#happened(agent, ctx.id, action)
    this.#works.push(runtime.run(ctx, core, caller.signal).catch(() => {}))
  }

  #heard(
    agent: number,
    {
      phase,
      request: id,
      sha256,
      action = '',
    }: { readonly phase: string; readonly request: string; readonly sha256: string; readonly action?: string },
  ): void {
    if (phase === 'requested') {
      const { clock } = this.#root
      const times = { dueAt: clock.monotonic() + deadlineMs, expiresAt: clock.now() + deadlineMs }
      this.#known.push({ id, agent, actionId: action, sha256, ...times, state: 'waiting' })
    } else if (phase === 'withdrawn') this.#known.find(known => known.id === id && known.state === 'waiting')!.state = 'over'
  }

  /** An action has run: somebody must have approved just this, in time, and nothing else may rest on it. */
  #happened(agent: number, actionId: string, action: Action): void {
    this.effects++
    const sha256 = approvalDigest(approvedPart(action))
    const grant = this.#known.find(known => known.actionId === actionId && known.state === 'approved')
    if (!grant) this.faults.push(`agent ${agent} ran ${actionId} without an approval`)
    else if (grant.agent !== agent || grant.sha256 !== sha256)
      this.faults.push(`agent ${agent} ran ${actionId} with the approval of another`)
    if (grant) grant.state = 'over'
  }

  #approve(known: Known | undefined, bound: 'not' | 'right' | 'wrong'): void {
    if (!known) return
    const sha256 = bound === 'not' ? undefined : bound === 'right' ? known.sha256 : '0'.repeat(64)
    const taken = this.#agents[known.agent]!.approvals.approve(known.id, sha256 === undefined ? {} : { sha256 })
    const good = this.#isGood(known) && bound !== 'wrong'
    if (taken && !good) this.faults.push(`an approval of ${known.id} was taken that is no good`)
    if (taken) known.state = 'approved'
    // One that belongs to another agent is never there.
    if (this.#agents[(known.agent + 1) % this.#agents.length]!.approvals.approve(known.id))
      this.faults.push(`${known.id} was approved elsewhere`)
  }

  #deny(known: Known | undefined): void {
    if (!known) return
    const taken = this.#agents[known.agent]!.approvals.deny(known.id)
    if (taken && !this.#isGood(known)) this.faults.push(`a denial of ${known.id} was taken that is no good`)
    if (taken) known.state = 'over'
  }

  #isGood({ state, dueAt, expiresAt }: Known): boolean {
    const { clock } = this.#root
    return state === 'waiting' && clock.monotonic() < dueAt && clock.now() < expiresAt
  }
}

const agents = 100
const stepsOfWorld = 500

/** Tries at least `n` steps. A world in which something ran that should not have counts as failed, and is said on stderr. */
export async function runApprovals({ n, seed }: { readonly n: number; readonly seed: number }) {
  let [tried, failed, effects] = [0, 0, 0]
  const script = fc.array(steps(agents), { minLength: stepsOfWorld, maxLength: stepsOfWorld })
  for (let world = 0; tried < n; world++) {
    const plan = fc.sample(script, { numRuns: 1, seed: seed + world })[0]!
    const { effects: happened, faults } = await run(plan)
    tried += plan.length
    effects += happened
    if (faults.length > 0) failed++
    for (const fault of faults) process.stderr.write(`approvals: ${fault} (seed ${seed + world})\n`)
  }
  return { tried, failed, effects }
}

async function run(plan: readonly Step[]): Promise<World> {
  const world = new World(agents)
  for (const step of plan) await world.take(step)
  await world.end()
  return world
}
