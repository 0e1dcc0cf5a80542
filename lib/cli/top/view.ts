import type { AgentSnapshot } from '../../server/types.js'

/** Where a companion is, and what opens it. */
export interface Source {
  readonly baseURL: string
  readonly token: string
  /** Where its process is known. */
  readonly pid: number | null
  /** What it governs, in a word. */
  readonly command: string | null
  /** Milliseconds since 1970. */
  readonly startedAt: number | null
}

/** A companion as it was last heard of. */
export interface CompanionView {
  readonly source: Source
  /** `lost`: it was not reached, or is not there any more; what is shown is old. */
  readonly link: 'connecting' | 'live' | 'lost'
  /** Why it is lost. */
  readonly why: string | null
  /** Since when it is live or lost, milliseconds since 1970. */
  readonly since: number
  readonly agents: readonly AgentSnapshot[]
}

/** Which agent the keys are for. */
export interface Selection {
  readonly baseURL: string
  readonly name: string
}

/** All that a frame is made of. */
export interface TopView {
  readonly companions: readonly CompanionView[]
  readonly selected?: Selection | undefined
  /** The line above the keys: what is asked, or what came of a key. */
  readonly message?: string | undefined
  readonly help?: boolean | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Every agent, in the order in which it is shown. */
export function rowsOf({ companions }: Pick<TopView, 'companions'>): readonly Selection[] {
  return companions.flatMap(({ source: { baseURL }, agents }) => agents.map(({ name }) => ({ baseURL, name })))
}

/** Is this the agent that the keys are for? */
export function isSame(a: Selection | undefined, b: Selection): boolean {
  return a?.baseURL === b.baseURL && a.name === b.name
}
