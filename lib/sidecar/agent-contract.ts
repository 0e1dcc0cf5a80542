import type { ClaudeCall, ClaudeHandles } from '../claude/handles.js'
import type { LayerInput } from '../core/types.js'
import type { NoClash, Sidecar, SpawnSpec } from './types.js'

/** Guarded handles: the way to Claude, to tools and to children. */
export interface Io extends ClaudeHandles {
  /**
   * Starts a child agent behind a chain of its own: an action of kind `spawn`. It draws on this agent's budget, is judged by its rules, and
   * ends with it. Resolves to the child's sidecar.
   * @throws TypeError, RangeError, StackOrderError or ConfigError on a wrong spec; whatever a layer refuses the spawn with
   */
  spawn<const U extends readonly LayerInput[], In = string, Out = unknown, Ev = never>(
    spec: SpawnSpec<U, In, Out, Ev> & NoClash<U>,
  ): Promise<Sidecar<U, In, Out, Ev>>
}

/** The handles of one send. */
export interface Call extends Io, ClaudeCall {}

/** Does the LLM work. One of `send` and `stream` is enough. */
export interface Agent<In = string, Out = unknown, Ev = never> {
  /** Not empty. */
  readonly name: string
  /** A word for the kind of agent. Default `agent`. */
  readonly type?: string
  /** It calls Claude with a client of its own: every send is charged as one call of this size. */
  readonly opaque?: { readonly model: string; readonly maxTokens: number }
  /** Resolves to the reply; `sidecar.send` resolves to exactly that. */
  send?(message: In, call: Call): Promise<Out>
  /** Yields events of the agent's own, and returns the reply. */
  stream?(message: In, call: Call): AsyncGenerator<Ev, Out>
}

/** What a streamed send shows of an agent without `stream()`: what its nested actions released, in order, then the reply. */
export type NestedEvent<Out> =
  | { readonly type: 'model'; readonly action: string; readonly path: readonly string[]; readonly event: unknown }
  | {
      readonly type: 'tool'
      readonly action: string
      readonly path: readonly string[]
      readonly name: string
      readonly phase: 'started' | 'ended' | 'failed'
    }
  | { readonly type: 'reply'; readonly reply: Out }

/** Refuses what is not an agent, at creation. */
export function checkAgent(agent: unknown): asserts agent is Agent<unknown, unknown, unknown> {
  if (typeof agent !== 'object' || agent === null)
    throw new TypeError(`agent must be an object or a function that returns one, got ${agent === null ? 'null' : typeof agent}`)
  const { name, type, send, stream, opaque } = agent as Partial<Agent>
  if (typeof name !== 'string' || name.trim() === '')
    throw new TypeError(`agent.name must be a non-empty string, got ${JSON.stringify(name)}`)
  if (typeof send !== 'function' && typeof stream !== 'function')
    throw new TypeError(`agent "${name}" needs send(message, call) or stream(message, call)`)
  for (const [key, value] of Object.entries({ send, stream }))
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(`agent "${name}": ${key} must be a function, got ${typeof value}`)
  if (type !== undefined && typeof type !== 'string') throw new TypeError(`agent "${name}": type must be a string, got ${typeof type}`)
  if (opaque === undefined) return
  if (typeof opaque?.model !== 'string' || opaque.model === '' || !(Number.isInteger(opaque.maxTokens) && opaque.maxTokens > 0)) {
    throw new TypeError(`agent "${name}": opaque must be { model: string, maxTokens: whole number above 0 }`)
  }
}
