import type { Action, Host, Kind, Layer, SidecarEvent } from 'outrigger'
import { rules, type Response, type Rule, type Subject } from 'outrigger/policy'
import { withViolations, type WithViolationsOptions } from 'outrigger/middleware'
import { Runtime } from '../../lib/core/runtime.js'
import { mount } from '../../lib/sidecar/members.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'

/** A plain action of each kind. */
export const actions: Readonly<Record<Kind, Action>> = {
  send: { kind: 'send', message: 'hello' },
  model: { kind: 'model', model: 'm', maxTokens: 10, minTokens: 1, stream: false, request: { model: 'm', max_tokens: 10 }, betas: [] },
  tool: { kind: 'tool', name: 'Bash', input: { command: 'ls' } },
  spawn: { kind: 'spawn', name: 'kid', type: 'mortal', siblings: 0 },
}

export interface Guarded {
  readonly runtime: Runtime
  readonly host: Host
  readonly layer: Layer<any>
  readonly clock: VirtualClock
  readonly events: SidecarEvent[]
  /** Effects that happened. */
  readonly effects: Action[]
  /** Runs an action whose effect gives `result`. */
  act(action: Action | Kind, result?: unknown): Promise<unknown>
  of(type: SidecarEvent['type']): readonly any[]
}

interface Around {
  readonly parent?: Guarded | undefined
  readonly outside?: readonly Layer[]
  readonly whenPaused?: 'reject' | 'wait'
  readonly name?: string
}

/** A sidecar without an agent behind `withViolations`: actions of any kind, with effects that are counted. */
export function guarded(options: WithViolationsOptions | readonly Rule[], around: Around = {}): Guarded {
  const layer = withViolations(Array.isArray(options) ? { rules: options } : (options as WithViolationsOptions))
  return mountedWith(layer, around)
}

/** The same with a layer that was made elsewhere. */
export function mountedWith(layer: Layer<any>, { parent, outside = [], whenPaused = 'reject', name = 'probe' }: Around = {}): Guarded {
  const clock = parent?.clock ?? new VirtualClock()
  const origin = parent && { host: parent.host, spawn: parent.runtime.context(actions.spawn) }
  const layers = [...outside, layer]
  const runtime = new Runtime({ agent: { id: `${name}-1`, name, type: 'agent' }, clock, layers, whenPaused, origin })
  mount(layers, runtime.host)
  const events: SidecarEvent[] = []
  runtime.events.subscribe(event => void events.push(event))
  const effects: Action[] = []
  const act = async (given: Action | Kind, result?: unknown) => {
    const action = typeof given === 'string' ? actions[given] : given
    return runtime.run(runtime.context(action), async ctx => {
      effects.push(action)
      ctx.reply = result
    })
  }
  return { runtime, host: runtime.host, layer, clock, events, effects, act, of: type => events.filter(event => event.type === type) }
}

type RuleSpec = Partial<Omit<Parameters<typeof rules.rule>[0], 'check'>> & { readonly when?: (subject: Subject) => boolean }

/** A rule that is broken by everything it looks at, or by what `when` picks. */
export function broken(response: Response, { when = () => true, ...spec }: RuleSpec = {}): Rule {
  return rules.rule({ id: response, response, ...spec, check: subject => (when(subject) ? { details: 'always' } : undefined) })
}
