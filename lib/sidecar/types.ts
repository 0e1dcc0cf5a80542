import type { Middleware as SdkMiddleware } from '@anthropic-ai/sdk'
import type { Tool } from '../claude/handles.js'
import type { Listening, ListenOptions } from '../claude/listen.js'
import type { ClaudeOptions } from '../claude/options.js'
import type { Clock } from '../core/clock.js'
import type { Part } from '../ledger/account.js'
import type { SpanTotals } from '../core/spans.js'
import type { Agent, Io, NestedEvent } from './agent-contract.js'
import type { Lookup } from './lookup.js'
import type { Rule } from '../policy/types.js'
import type { AgentState, Attempt, Json, Kind, LayerInput, LayerMeta, SidecarEvent, TokenUsage } from '../core/types.js'

/** What `createSidecar` takes. */
export interface SidecarOptions<U extends readonly LayerInput[], In, Out, Ev> {
  /** The agent, or a function that makes it from handles that find their send by themselves. */
  readonly agent: Agent<In, Out, Ev> | ((io: Io) => Agent<In, Out, Ev>)
  /** The layers, outermost first. */
  readonly use: U
  /** The way to Claude. Default: the SDK's environment variables. */
  readonly claude?: ClaudeOptions
  /** What happens to actions while paused: refused (default), or held back until `resume()`. */
  readonly whenPaused?: 'reject' | 'wait'
  /** Unique id. Default: made from the name. */
  readonly id?: string
  /** For tests. Default: the real clock. */
  readonly clock?: Clock
  /** How the guarded `fetch` finds the addresses of a host under a rule on the network; children do the same. Default: the operating system. */
  readonly lookup?: Lookup
}

/** A child to start. */
export interface SpawnSpec<U extends readonly LayerInput[], In, Out, Ev> {
  /** What the child is called. Default: the agent's own name. */
  readonly name?: string
  /** Default: the agent's own type. */
  readonly type?: string
  /** As in `createSidecar`. */
  readonly agent: Agent<In, Out, Ev> | ((io: Io) => Agent<In, Out, Ev>)
  /** The child's layers, outermost first. What the parent has and passes on (budget, violations, signing) is added where it lacks. */
  readonly use: U
  /** What it is started for: part of the action that is judged and recorded. */
  readonly task?: string
  /** A part of this agent's budget that is set aside for the child: what is left returns when it ends. Default: it draws on all that is left. */
  readonly budget?: Part
  /** Rules for this child, besides its own and this agent's. */
  readonly rules?: readonly Rule[]
  /** Unique id. Default: made from the name. */
  readonly id?: string
  /** Default: as this agent's. */
  readonly whenPaused?: 'reject' | 'wait'
}

/** How one send is started. */
export interface SendOptions {
  /** Ends the send and everything below it; its reason is what the caller gets. */
  readonly signal?: AbortSignal
  /** Facts for the record and for rules; every action below carries them. */
  readonly labels?: Readonly<Record<string, string>>
}

/** A violation that a layer reported. */
export interface ReportedViolation {
  readonly ruleId: string
  readonly severity: string
  readonly response: string
  readonly kind: Kind
  /** Facts without content: a command's name, a host, a count. */
  readonly details: string
  readonly shadow: boolean
  /** Milliseconds on the sidecar's clock (Unix time on the real one). */
  readonly at: number
  /** The id of the action. */
  readonly action?: string
}

/** A reply with what it took. */
export interface CallResult<Out> {
  readonly reply: Out
  readonly id: string
  readonly usage: TokenUsage
  /** Integer nano-USD of all attempts; `undefined` when one of them has no known price, or when there was none that could be seen. */
  readonly nanoUsd: number | undefined
  /** Every attempt of every model action, in the order in which they ended. */
  readonly attempts: readonly Attempt[]
  readonly violations: readonly ReportedViolation[]
  /** Milliseconds by category, of this call alone. */
  readonly ms: SpanTotals
}

/** A streamed send: iterate the events, then await the reply. Without iterating, `reply` alone runs it to its end. */
export interface SidecarStream<Event, Out> extends AsyncIterable<Event> {
  readonly reply: Promise<Out>
}

/** The sidecar, and what each layer says of itself by its name in the stack, as JSON. */
export interface Snapshot {
  readonly layers: { readonly [layer: string]: Json }
  readonly [part: string]: Json
}

/** The members that every sidecar has. */
export interface Base<In = string, Out = unknown, Ev = never> {
  /** Unique. Default: the name and random letters. */
  readonly id: string
  /** The agent's name. */
  readonly name: string
  /** The agent's type, `agent` where it says none. */
  readonly type: string
  /** The id of the parent's sidecar, where this one was spawned. */
  readonly parent: string | undefined
  /** The sidecars of its children that are alive, in the order in which they were started. */
  readonly children: readonly Base<never, unknown, never>[]
  /** Exactly what the agent resolves to, after the chain. */
  send(message: In, options?: SendOptions): Promise<Out>
  /** The agent's own events, or those of its nested actions. */
  stream(message: In, options?: SendOptions): SidecarStream<[Ev] extends [never] ? NestedEvent<Out> : Ev, Out>
  /** A send that also says what it took. */
  call(message: In, options?: SendOptions): Promise<CallResult<Out>>
  /** Handles for code that is not inside a send. */
  readonly io: Io
  /** The same tool, with `run` behind the chain; outside any send. */
  tool<T extends Tool>(definition: T): T
  /** For a client of the user's own: `new Anthropic({ middleware: [sidecar.middleware] })`. Cooperative: the client keeps the key. */
  readonly middleware: SdkMiddleware
  /** A `fetch` for tools, outside any send: an action of kind `tool`, name `WebFetch`. */
  readonly fetch: typeof fetch
  /** The chain on a loopback port, for an agent that is a child process. */
  listen(options?: ListenOptions): Promise<Listening>
  /** Holds every action back, or refuses it: see `whenPaused`. */
  pause(reason: string): void
  /** Lets actions pass again, after a pause or after a closed layer failed behind a paid effect. */
  resume(): void
  /** Ends everything at once, for good. */
  reap(reason: string): void
  /** The agent's own state, live. */
  readonly state: AgentState
  /** Tokens of all actions that have ended, every attempt of them. */
  readonly tokenUsage: TokenUsage
  /** The chain of each kind, in order, with each layer's options and the members it shows. */
  explain(): string
  /** The sidecar and what each layer says of itself, as JSON; taken anew at each call. */
  snapshot(): Snapshot
  /** Hears every event; returns what stops it. */
  subscribe(listener: (event: SidecarEvent) => void): () => void
  /** Lets nothing new in, waits `drainMs` (default 10,000) for what runs, aborts the rest, closes the layers. */
  close(options?: { readonly drainMs?: number }): Promise<void>
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The list in `use`, flattened as the run-time flattens it. */
export type Flat<U> = U extends readonly [infer H, ...infer T]
  ? readonly [...Item<H>, ...Flat<T>]
  : U extends readonly [...infer T, infer H]
    ? readonly [...Flat<T>, ...Item<H>]
    : U extends readonly []
      ? readonly []
      : U extends readonly (infer M)[]
        ? readonly Optional<M>[]
        : U extends false | undefined
          ? readonly []
          : readonly [U]

/** One item of the list: in `condition && layer` the layer may be absent, and its members with it. */
type Item<H> = [Extract<H, false | undefined>] extends [never]
  ? Flat<H>
  : [Exclude<H, false | undefined>] extends [never]
    ? readonly []
    : AllOptional<Flat<Exclude<H, false | undefined>>>
type AllOptional<L extends readonly unknown[]> = { readonly [K in keyof L]: Optional<L[K]> }
type Optional<M> = M extends { readonly meta: LayerMeta<infer E> } ? { readonly meta: LayerMeta<Partial<E>> } : M
type ExposedOf<L> = L extends { readonly meta: LayerMeta<infer E> } ? E : {}
type Merge<L extends readonly unknown[], A = {}> = L extends readonly [infer H, ...infer T]
  ? Merge<T, A & ExposedOf<H>>
  : L extends readonly [...infer T, infer H]
    ? Merge<T, A & ExposedOf<H>>
    : L extends readonly []
      ? A
      : L extends readonly (infer M)[]
        ? A & AllExposed<M>
        : A
/** What all layers of a union show together. */
type AllExposed<M> = (M extends unknown ? (_: ExposedOf<M>) => void : never) extends (_: infer E) => void ? E : never
type Simplify<T> = { [K in keyof T]: T[K] } & {}

/** The members that the layers of `U` show. */
export type Members<U extends readonly LayerInput[]> = Simplify<Merge<Flat<U>>>

type Clash<L extends readonly unknown[], Seen = keyof Base> = L extends readonly [infer H, ...infer T]
  ? (keyof ExposedOf<H> & Seen) | Clash<T, Seen | keyof ExposedOf<H>>
  : never

/** Does not compile when two layers, or a layer and the sidecar, show one name. */
export type NoClash<U extends readonly LayerInput[]> = [Clash<Flat<U>>] extends [never]
  ? unknown
  : { readonly 'two layers expose the same member': Clash<Flat<U>> }

/** A sidecar: what every one has, and flat beside it what its layers show. */
export type Sidecar<U extends readonly LayerInput[] = readonly [], In = string, Out = unknown, Ev = never> = Base<In, Out, Ev> & Members<U>
