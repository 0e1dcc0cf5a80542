import type Anthropic from '@anthropic-ai/sdk'
import type { Tool } from '../claude/handles.js'
import type { ActionContext } from '../core/context.js'
import type { Scope } from '../core/scope.js'
import type { Io } from './agent-contract.js'

/** Finds the action that a handle is used in, anew at each use. */
export type Parent = () => ActionContext | undefined

/** Makes guarded things that belong to a parent. */
export interface HandleMakers {
  claude(parent: Parent): Anthropic
  tool<T extends Tool>(definition: T, parent: Parent): T
  fetch(parent: Parent): typeof fetch
  spawn(spec: object, parent: Parent): Promise<unknown>
}

/** The handles of one send, or of code outside any: each made on first use. */
export class Handles implements Io {
  readonly #make: HandleMakers
  readonly #parent: Parent
  readonly #ctx: ActionContext | undefined
  readonly #scope: Scope | undefined
  #claude: Anthropic | undefined
  #fetch: typeof fetch | undefined

  /** @param ctx - the send that the handles belong to, in the attempt that runs by now */
  constructor(make: HandleMakers, parent: Parent, ctx?: ActionContext) {
    this.#make = make
    this.#parent = parent
    this.#ctx = ctx
    this.#scope = ctx?.scope
  }

  get id(): string | undefined {
    return this.#ctx?.id
  }

  get signal(): AbortSignal | undefined {
    return this.#scope?.signal
  }

  get claude(): Anthropic {
    this.#claude ??= this.#make.claude(this.#parent)
    return this.#claude
  }

  get tool(): Io['tool'] {
    return definition => this.#make.tool(definition, this.#parent)
  }

  get spawn(): Io['spawn'] {
    return (spec: object) => this.#make.spawn(spec, this.#parent) as Promise<never>
  }

  get fetch(): typeof fetch {
    this.#fetch ??= this.#make.fetch(this.#parent)
    return this.#fetch
  }
}
