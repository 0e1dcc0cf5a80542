import type { Context, SendAction, ToolAction } from 'outrigger'
import { canonicalArguments, canonicalFailure, canonicalResult, digest, isBrokenJson, Opaque } from './canonical.js'
import type { Finding } from './status.js'
import { type KeptLoop, Loop } from './loop.js'
import { type Turn, turnOf } from './turn.js'

/** Names of tools, and ids of calls, that are remembered at the most. */
const most = 256
/** After so long without anything running, the same question and answer come from outside again, in milliseconds. */
const idleMs = 60_000

/** When something began and ended, in steps of the watch. */
export interface Course {
  readonly began: number
  readonly ended: number
}

/** What is remembered of calls and answers: names of tools, ids of calls, digests. */
export type KeptCalls = {
  readonly calls: KeptLoop
  readonly seen: KeptLoop
  readonly turns: KeptLoop
  readonly guarded: readonly string[]
  readonly ids: readonly string[]
  readonly polled: readonly (readonly [tool: string, key: string])[]
}

/**
 * Looks for loops, in two ways that are independent: the agent's tool calls, with what they came to, and what the model says. Nothing of
 * either is kept but digests.
 */
export class Calls {
  readonly #polling: ReadonlySet<string>
  readonly #calls: Loop
  readonly #seen: Loop
  readonly #turns: Loop
  /** Tools whose calls run behind the chain: in the conversation they would count twice. */
  readonly #guarded = new Set<string>()
  readonly #ids = new Set<string>()
  readonly #polled = new Map<string, string>()

  constructor(after: number, polling: ReadonlySet<string>) {
    this.#polling = polling
    this.#calls = new Loop(after)
    this.#seen = new Loop(after)
    this.#turns = new Loop(after)
  }

  get kept(): KeptCalls {
    const [calls, seen, turns] = [this.#calls.kept, this.#seen.kept, this.#turns.kept]
    return { calls, seen, turns, guarded: [...this.#guarded], ids: [...this.#ids], polled: [...this.#polled] }
  }

  restore({ calls, seen, turns, guarded, ids, polled }: KeptCalls): void {
    this.#calls.restore(calls)
    this.#seen.restore(seen)
    this.#turns.restore(turns)
    for (const name of guarded) remember(this.#guarded, name)
    for (const id of ids) remember(this.#ids, id)
    for (const [name, key] of polled) this.#polled.set(name, key)
  }

  /** A tool call has ended well, or failed with `failure`. @returns whether it brought something new */
  tool(ctx: Context, course: Course, failure?: { readonly error: unknown }): boolean {
    const { name, input } = ctx.action as ToolAction
    remember(this.#guarded, name)
    const key = legible(() => callKey(name, input, ctx.clock.now(), failure, ctx.result))
    if (this.#polling.has(name)) return failure === undefined && this.#poll(name, key)
    if (key === undefined) this.#calls.forget()
    const isNew = key === undefined || this.#calls.saw(key, course.began, course.ended) === true
    return this.#made(isNew && failure === undefined)
  }

  /**
   * A model has answered.
   * @returns whether it said something new that asks for no tool; `undefined` where it was asked the same side by side, as for a vote
   */
  model(ctx: Context, course: Course): boolean | undefined {
    const turn = legible(() => turnOf(ctx, ctx.clock.now()))
    if (!turn) return false
    const seen = this.#unguarded(turn, course)
    if (turn.calls.length > 0 && turn.calls.every(name => this.#polling.has(name))) return seen
    const isNew = this.#turns.saw(turn.key, course.began, course.ended)
    return seen || (isNew && turn.calls.length > 0 ? false : isNew)
  }

  /** An agent with a client of its own has replied. @returns whether that is new */
  opaque(ctx: Context, { began, ended }: Course): boolean | undefined {
    const { message } = ctx.action as SendAction
    const key = legible(() => digest(canonicalResult(message), canonicalResult(ctx.result)))
    return key === undefined || this.#turns.saw(key, began, ended)
  }

  /** Something begins after `quietMs` in which nothing ran. */
  resumed(quietMs: number): void {
    if (quietMs > idleMs) this.#turns.forget()
  }

  *findings(): Generator<Finding> {
    const calls = this.#calls.turning ?? this.#seen.turning
    if (calls)
      yield { signal: 'repeated-calls', text: `${told(calls.period, 'tool call')} came ${calls.times} times, with the same results` }
    const turns = this.#turns.turning
    if (turns)
      yield { signal: 'repeated-answers', text: `${told(turns.period, 'answer')} came ${turns.times} times, to the same questions` }
  }

  #unguarded({ seen }: Turn, { began, ended }: Course): boolean {
    let isNew = false
    for (const { id, name, key } of seen) {
      if (this.#guarded.has(name) || this.#ids.has(id)) continue
      remember(this.#ids, id)
      if (this.#polling.has(name)) isNew = this.#poll(name, key) || isNew
      else isNew = this.#seen.saw(key, began, ended) === true || isNew
    }
    return this.#made(isNew)
  }

  /** New for a poll is what differs from the time before. */
  #poll(name: string, key: string | undefined): boolean {
    const isNew = key === undefined || this.#polled.get(name) !== key
    if (key !== undefined) this.#polled.set(name, key)
    return isNew
  }

  #made(isNew: boolean): boolean {
    if (isNew) this.#turns.forget()
    return isNew
  }
}

function callKey(name: string, input: unknown, now: number, failure: { readonly error: unknown } | undefined, result: unknown): string {
  if (!failure) return digest(name, canonicalArguments(input, now), canonicalResult(result))
  // What a model leaves unfinished is broken in another place each time, and so is what a reader says of it.
  if (isBrokenJson(input)) return digest(name, '<broken>', failure.error instanceof Error ? failure.error.name : '')
  return digest(name, canonicalArguments(input, now), canonicalFailure(failure.error))
}

/** `undefined` for what has no text: it is taken for something new. */
function legible<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Opaque) return undefined
    throw error
  }
}

/** The oldest is forgotten. */
function remember(names: Set<string>, name: string): void {
  names.add(name)
  if (names.size > most) names.delete(names.values().next().value!)
}

function told(period: number, what: string): string {
  return period === 1 ? `the same ${what}` : `${period} ${what}s, over and over,`
}
