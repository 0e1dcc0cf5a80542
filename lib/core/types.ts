import type { Clock } from './clock.js'
import type { Slot } from './slot.js'
import type { SpanTotals, Spans } from './spans.js'

/** The four kinds of action: everything an agent does that can cost, harm or fail. */
export type Kind = 'send' | 'model' | 'tool' | 'spawn'

/** All kinds, outermost first: a `send` contains the others. */
export const kinds: readonly Kind[] = ['send', 'model', 'tool', 'spawn']

/** Anything JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A message to the agent. `message` is what the caller passed, copied and frozen when it is plain data. */
export interface SendAction {
  readonly kind: 'send'
  readonly message: unknown
  /** The agent calls Claude with a client of its own: the send itself is charged. */
  readonly opaque?: { readonly model: string; readonly maxTokens: number }
}

/** One Messages API request. `request` is the parsed body exactly as it will be serialised and sent. */
export interface ModelAction {
  readonly kind: 'model'
  readonly model: string
  /** `max_tokens` of the request; the only field a layer may narrow. */
  readonly maxTokens: number
  /** The least `max_tokens` that the request stays valid with (`thinking.budget_tokens + 1`); 1 without thinking. */
  readonly minTokens: number
  readonly stream: boolean
  readonly request: { readonly [key: string]: Json }
  /** The values of the `anthropic-beta` header. */
  readonly betas: readonly string[]
  /** What the server thread that the request continues has been told of tools, where this sidecar has seen it: in force, and not sent again. */
  readonly thread?: { readonly tools: readonly Json[]; readonly mcp_servers: readonly Json[] }
}

/** One tool call. A shell command is `Bash` with `{ command }`, a fetch `WebFetch` with `{ url }`. */
export interface ToolAction {
  readonly kind: 'tool'
  readonly name: string
  readonly input: unknown
  /** The `tool_use` id, where the caller told it. */
  readonly toolUseId?: string
  /** The tool says that running it twice does no harm: `withRetry` may repeat it. */
  readonly idempotent?: boolean
}

/** A child agent to start. */
export interface SpawnAction {
  readonly kind: 'spawn'
  readonly name: string
  readonly type: string
  readonly task?: string
  /** Children of this agent that are alive, or were being started before this one. */
  readonly siblings: number
  /** The part of the parent's budget that is set aside for the child; without it, the child draws on what the parent has. */
  readonly budget?: { readonly nanoUsd?: number; readonly tokens?: number }
}

/** What is about to happen: deep-frozen; the chain judges, signs and sends this very object. */
export type Action = SendAction | ModelAction | ToolAction | SpawnAction

/** How sure a usage figure is. `unknown` is never zero in the ledger: the hold stays. */
export type Certainty = 'measured' | 'estimated' | 'unknown'

/** Tokens by price class. `input` is uncached input only; `output` includes thinking. */
export interface TokenUsage {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
  readonly certainty: Certainty
}

/** How an action or attempt ended. */
export interface Outcome {
  /**
   * `done`: an answer came whole. `error`: it failed. `aborted`: its signal fired. `refused`: a layer said no before it happened.
   * `truncated`: the stream ended without `message_stop`. `short-circuit`: a layer returned without calling `next()`.
   */
  readonly status: 'done' | 'error' | 'aborted' | 'refused' | 'truncated' | 'short-circuit'
  readonly error?: unknown
  /** The layer that refused or failed, where one did. */
  readonly layer?: string
  /** True when request bytes may have left this process: a hold can be released only while this is false. */
  readonly sent: boolean
  /** Set when the work goes on although the caller has its answer: resolves when the inner side has ended. */
  readonly detached?: Promise<void>
}

/** One attempt, archived when it ended. */
export interface Attempt {
  /** 1 for the first. */
  readonly n: number
  readonly outcome: Outcome
  readonly usage: TokenUsage
  /** Integer nano-USD; 0 when nothing was sent, `undefined` when no price is known. */
  readonly nanoUsd: number | undefined
  /** Milliseconds on the sidecar's clock. */
  readonly startedAt: number
  readonly endedAt: number
  /** SHA-256 of the body that left, hex; `undefined` when nothing left. */
  readonly wireDigest?: string
}

/** Time categories of a span: waiting for the model, running a tool, held up by limits and back-off, waiting for a person. */
export type SpanCategory = 'token' | 'tool' | 'throttle' | 'stopped'

/** A tool call that a model asks for, complete, before the client may see it. */
export interface ToolUse {
  readonly id: string
  readonly name: string
  /** The parsed input; `undefined` when the model's JSON does not parse. */
  readonly input: unknown
}

/** Releases an event to the next tap outwards, or to the consumer. */
export type Push = (event: unknown) => void

/** Sees the events of a stream as they flow. What it pushes, 0..n events, is released in that order; throwing stops the stream. */
export interface Tap {
  event?(event: unknown, push: Push): void | Promise<void>
  /** Called once when the source has ended well: release what is held. */
  end?(push: Push): void | Promise<void>
  /**
   * Called once when `event` or `end` of an open layer's tap has failed and the tap is out: push what it still holds, so that nothing is
   * lost. The event that it failed on follows by itself. Without it, what the failed call pushed is dropped: nobody knows what is missing.
   */
  release?(push: Push): void
  /** Judges a tool call that the model asks for before its first byte is released: throw to refuse it. */
  toolUse?(call: ToolUse): void | Promise<void>
  /**
   * The source is being waited for (true), or no more (false): what came is on its way through judges and taps to the consumer, who may be
   * slow. For layers that measure the source. Called by the seams in pairs.
   */
  waiting?(on: boolean): void
  /** An event has come from the source: before a tool call is held for its judges, and before any tap. Pings are among them. */
  arrived?(event: unknown): void
}

/** Everything a layer may see and do while an action passes through it. Closed: state between layers goes through slots. */
export interface Context {
  readonly id: string
  readonly kind: Kind
  readonly agent: { readonly id: string; readonly name: string; readonly type: string; readonly parent?: string }
  readonly parent?: { readonly id: string; readonly kind: Kind } | undefined
  /** The signal of the scope this code runs in: the attempt's inside a re-entering layer, else the action's. Its reason is typed. */
  readonly signal: AbortSignal
  readonly action: Action
  /** 1 for the first. */
  readonly attempt: number
  readonly attempts: readonly Attempt[]
  /** Set once the inner side has ended. */
  readonly outcome?: Outcome | undefined
  /** What the effect gave, once it has ended well: the agent's reply, the model's message, what a tool returned, the child's sidecar. */
  readonly result?: unknown
  /** Inside an attempt: this attempt's. Outside: the total of all. */
  readonly usage: TokenUsage
  readonly clock: Clock
  readonly labels: Readonly<Record<string, string>>
  /** Something has reached the consumer: no other attempt may follow. */
  readonly released: boolean
  /** SHA-256 of the body that left in this attempt, hex; `undefined` while nothing has left. */
  readonly wireDigest?: string | undefined
  /** Replaces the action; only for layers that declare `rewrites`. */
  rewrite(action: Action): void
  /**
   * Replaces `result`, after `next()` or at the end of a tap; only for layers that declare `revises`. What was streamed is replaced by the tap itself.
   */
  revise(result: unknown): void
  /** Lowers `max_tokens` of a model action. @throws RangeError when it would rise or fall below `minTokens`. */
  narrow(to: { readonly maxTokens: number }): void
  /** Books the time of `work` under a category. */
  during<T>(category: SpanCategory, work: () => Promise<T>): Promise<T>
  /** Registers a tap for the rest of this attempt (of the action, outside a re-entering layer). */
  tap(tap: Tap): void
  /** Releases an event to the taps and the consumer; resolves when there is room. */
  emit(event: unknown): Promise<void>
}

/** A layer as a plain function: work before, `await next()`, work after. */
export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void>

/** What a sidecar is doing, live. */
export interface HostStatus {
  readonly state: AgentState
  /** Why it is paused, reaped or failing; `undefined` where it is not. */
  readonly paused: string | undefined
  readonly reaped: string | undefined
  readonly failing: string | undefined
  /** Layers that failed open, with what happened last. */
  readonly degraded: ReadonlyMap<string, string>
  /** Actions that have begun and not ended. */
  readonly inFlight: number
}

/** What the sidecar offers to a layer when it is mounted, once, at creation. Slots of scope `agent` can be read and set with it. */
export interface Host {
  readonly agent: { readonly id: string; readonly name: string; readonly type: string; readonly parent?: string }
  readonly clock: Clock
  readonly spans: Spans
  /** The sidecar's own time so far, in milliseconds, and how many actions it saw. */
  readonly self: { readonly ms: number; readonly actions: number }
  /** Tells all subscribers of the sidecar. Costs nothing without one. */
  publish(event: SidecarEventBody & { action?: string }): void
  subscribe(listener: (event: SidecarEvent) => void): () => void
  readonly status: HostStatus
  /** The sidecar's own `pause`: the next action of every kind is refused, or held back, until `resume()`. */
  pause(reason: string): void
  /** The sidecar's own `reap`: ends everything, for good. */
  reap(reason: string): void
  /** A part of the layer failed that nothing depends on, and it goes on without: noted as `layer.degraded`. */
  degrade(layer: string, error: unknown): void
  /** Nothing more may happen until `resume()`: for a closed layer that fails when nobody waits for it. */
  fail(error: Error): void
  /**
   * Passes the gate again, for a layer that has kept an action waiting: `undefined` where it is open; where the sidecar holds actions back while
   * it is paused, what resolves when the gate opens.
   * @throws what the gate refuses with: paused, reaped, closed, failing
   */
  gate(ctx: Context): Promise<void> | undefined
  /** Calls `fn` whenever the gate shuts without ending what runs: a pause, a failure, a close that drains. Returns what forgets it. */
  whenShut(fn: () => void): () => void
  /** The host of the parent's sidecar, where this one was spawned. */
  readonly parent?: Host | undefined
  /** The spawn action that makes this sidecar, with the slots that the parent's layers have set in it. */
  readonly spawnedBy?: Context | undefined
}

/** What a layer declares: data that is checked when the sidecar is created. */
export interface LayerMeta<E extends object = object> {
  /** The one name everywhere: `withBudget`. */
  readonly name: string
  /** Kinds it serves. Default: all. */
  readonly on?: readonly Kind[]
  /** May call `next()` more than once, one after the other. */
  readonly reenters?: boolean
  /** May replace the request through `ctx.rewrite()`. */
  readonly rewrites?: boolean
  /** May replace the result through `ctx.revise()`. */
  readonly revises?: boolean
  /** Decides or records what will be sent: no rewriting layer may stand inside it. */
  readonly commits?: boolean
  /** Must see every attempt by itself: stands inside every re-entering layer. */
  readonly perAttempt?: boolean
  readonly needs?: readonly Slot<unknown>[]
  readonly provides?: readonly Slot<unknown>[]
  /** Layers, by name, that this one must stand inside of. */
  readonly inside?: readonly string[]
  /** Layers, by name, that this one must stand outside of. */
  readonly outside?: readonly string[]
  /** What happens when the layer itself fails. Default: `closed`, the action does not happen. */
  readonly fail?: 'closed' | 'open'
  /** How long an open layer may take before `next()`, in milliseconds. Default 1,000. */
  readonly patienceMs?: number
  /** Live members (getters, methods) that the sidecar shows flat. Passed by reference, so that getters stay live. */
  readonly expose?: E
  /** Facts for `explain()`: the options as they took effect. No secrets. */
  readonly options?: Json
  /** Called once when the sidecar is created. A layer that has it belongs to one sidecar. */
  attach?(host: Host): void
  /** The layer that a child without one of its own gets. */
  inherit?(parent: Layer): Layer | undefined
  snapshot?(): Json
  close?(): Promise<void>
}

/** A function with its declaration: what `defineMiddleware` returns. */
export interface Layer<E extends object = object> extends Middleware {
  readonly meta: LayerMeta<E>
}

/** What may stand in `use`: layers, plain functions, `false` and `undefined` for "not here", and lists of these. */
export type LayerInput = Layer<object> | Middleware | false | undefined | readonly LayerInput[]

/** The agent's own state. */
export type AgentState =
  | 'summoned'
  | 'working'
  | 'waitingForInput'
  | 'waitingForWakeup'
  | 'verifying'
  | 'done'
  | 'dismissed'
  | 'failedReaped'

/** The part of an event that says what happened. */
export type SidecarEventBody =
  | { readonly type: 'action.started'; readonly kind: Kind; readonly name?: string }
  | {
      readonly type: 'action.ended'
      readonly kind: Kind
      readonly name?: string
      readonly outcome: Outcome
      readonly usage: TokenUsage
      readonly nanoUsd?: number
      readonly ms: SpanTotals | undefined
    }
  | { readonly type: 'attempt.ended'; readonly kind: Kind; readonly attempt: Attempt }
  | {
      readonly type: 'violation'
      readonly ruleId: string
      readonly severity: string
      readonly response: string
      readonly kind: Kind
      readonly details: string
      readonly shadow: boolean
      /** The id of the agent that did it, where a parent is told of its child. */
      readonly child?: string
    }
  | {
      readonly type: 'approval'
      /** `withdrawn`: its action does not wait any more. */
      readonly phase: 'requested' | 'approved' | 'denied' | 'expired' | 'withdrawn'
      /** The id of the request. */
      readonly request: string
      /** What an answer is bound to: SHA-256 of the action, hex. */
      readonly sha256: string
      readonly kind: Kind
      readonly name: string
      /** Who answered, where the answer says so. */
      readonly by?: string | undefined
      /** The id of the agent that asks, where an ancestor is told. */
      readonly child?: string
    }
  | {
      readonly type: 'budget.threshold'
      readonly threshold: number
      readonly unit: 'nanoUsd' | 'tokens'
      readonly allocated: number
      readonly spent: number
      /** The id of the agent whose budget it is, where an ancestor is told. */
      readonly child?: string
    }
  | {
      readonly type: 'budget.refused'
      readonly unit: 'nanoUsd' | 'tokens' | 'calls' | 'concurrent'
      readonly needed: number
      readonly remaining: number
    }
  | { readonly type: 'state' | 'health'; readonly from: string; readonly to: string; readonly reason: string }
  | { readonly type: 'layer.degraded'; readonly layer: string; readonly error: string }
  | {
      readonly type: 'policy'
      /** `heldBack`: what would loosen the policy has no effect; what tightens it has. `broken`: the rules in force stay. */
      readonly change: 'tightened' | 'loosened' | 'heldBack' | 'broken'
      readonly reason: string
      /** SHA-256 of the rules in force after it, hex. */
      readonly digest: string
    }
  | { readonly type: 'child.started' | 'child.ended' | 'decision'; readonly child?: string; readonly reason?: string }

/** What `subscribe` delivers. `at` is milliseconds on the sidecar's clock (Unix time on the real one). */
export type SidecarEvent = { readonly at: number; readonly agent: string; readonly action?: string } & SidecarEventBody
