import type { Action, Context, Json, Kind, ModelAction } from '../core/types.js'
import type { Stats } from 'node:fs'
import type { FetchLimits } from './network/fetch-limits.js'

/** What a broken rule brings about, from the mildest to the strictest: the strictest of all rules wins. */
export type Response = 'warn' | 'notifyParent' | 'deny' | 'pause' | 'reap'

/** All responses, mildest first. */
export const responses: readonly Response[] = ['warn', 'notifyParent', 'deny', 'pause', 'reap']

/** How bad it is, for people who read the list. */
export type Severity = 'info' | 'warning' | 'error' | 'critical'

/** All severities, mildest first. */
export const severities: readonly Severity[] = ['info', 'warning', 'error', 'critical']

/** When a rule judges: before the effect; before the guarded `fetch` connects, when the addresses are known; or what the effect gave. */
export type Stage = 'action' | 'connect' | 'result'

/** What is judged: structured data, never text to be guessed at. */
export interface Subject {
  readonly stage: Stage
  readonly action: Action
  /** Of a call that a model asks for, and that has not come yet: the request that it answers. */
  readonly askedIn?: ModelAction | undefined
  /** What the effect gave: the model's message, the tool's result, the agent's reply. Only at stage `result`. */
  readonly result?: unknown
  /** Every address that the host leads to: the connection is made to one of these. Only at stage `connect`. */
  readonly addresses?: readonly string[]
  readonly agent?: Context['agent']
  readonly labels?: Readonly<Record<string, string>>
}

/** What a rule found. `details` are facts without content: a command's name, a host, a path, a count. */
export interface Finding {
  readonly details: string
}

/** Looks at one subject: `undefined` where the rule is kept. What it throws counts as a finding. */
export interface Checker {
  (subject: Subject): Finding | undefined | Promise<Finding | undefined>
  /** Called after it found nothing, where another rule refuses the same subject: a checker that counts takes its count back. */
  readonly refused?: (subject: Subject) => void
  /** How many calls of each tool it has counted: a rule that takes the place of this one goes on from there. */
  readonly calls?: ReadonlyMap<string, number>
}

/** A file that is held open, or the place of one that is about to be made. */
export interface HeldFile {
  readonly use: 'read' | 'write'
  /** Absolute, no link in it: where the file is. */
  readonly path: string
  /** `undefined` where the file is about to be made. */
  readonly stats: Stats | undefined
  /** The file system: of the file, else of the folder that it will be in. */
  readonly dev: number
  /** By which mount it was reached, where the system says so. */
  readonly mountId?: string | undefined
}

/** What a rule says of files when they are opened, for `guardedFiles`: `files` and `selfModification` have it. */
export interface FileChecker {
  /** Where relative paths start, where the rule says so. */
  readonly root?: string
  /** Judges an absolute path before anything is opened; `given` is the path for messages. */
  asked(use: 'read' | 'write', path: string, given: string): Finding | undefined
  /** Judges what was opened, by where it is. */
  held(file: HeldFile, given: string): Finding | undefined
}

/** One rule, frozen. Made by `rules.*`. */
export interface Rule {
  readonly id: string
  readonly response: Response
  readonly severity: Severity
  /** It judges and is recorded, and changes nothing. */
  readonly shadow: boolean
  /** What happens to a result that breaks it: withheld from the agent, or released and recorded. The cost stays either way. */
  readonly onResult: 'withhold' | 'release'
  readonly stages: readonly Stage[]
  /** Kinds of action that it looks at. */
  readonly kinds: readonly Kind[]
  /** What it says, as JSON: for `explain()` and the digest of the policy. */
  readonly facts: Json
  /** How much of an answer the guarded `fetch` takes, and how long it waits, while the rule is in force. */
  readonly fetch?: FetchLimits
  /**
   * A checker of its own for each agent: it may count.
   * @param before - the checkers of the rules that this agent was under until now, where its rules change
   */
  begin(before?: readonly Checker[]): Checker
  readonly file?: FileChecker
}

/** A rule that was broken. */
export interface Broken {
  readonly ruleId: string
  readonly severity: Severity
  readonly response: Response
  readonly details: string
  readonly shadow: boolean
  readonly stage: Stage
}

/** The strictest response of all rules, and every rule that was broken, the strictest first. */
export interface Judgement {
  readonly response: 'allow' | Response
  readonly ruleId?: string
  readonly details?: string
  readonly all: readonly Broken[]
}

/** The rules of one agent, with what they have counted. Answers at once where every rule does. */
export interface Judge {
  readonly rules: readonly Rule[]
  judge(subject: Subject): Judgement | Promise<Judgement>
  /** The same agent under other rules: what it has been counted for goes on counting. */
  under(rules: readonly Rule[]): Judge
  /**
   * Takes back what judging an action has counted, because it does not happen after all, or is judged again.
   * @param found - what that judgement found: those rules have counted nothing
   */
  takeBack(subject: Subject, found: readonly Broken[]): void
}
