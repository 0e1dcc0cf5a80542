import { resolve } from 'node:path'
import type { SpawnAction, ToolAction } from 'outrigger'
import { keyId } from 'outrigger/ctx'
import type { Rule } from 'outrigger/policy'
import { givenValue } from '../given-value.js'
import type { ApprovalAnswer, ApprovalDecision } from './queue.js'
import type { ApprovalRequest } from './request.js'

/** What `ask` may answer; `undefined` leaves the request to the others who may answer it. */
export type AskAnswer = ApprovalDecision | ApprovalAnswer | undefined

/** Which actions wait for an approval: names of tools, rules that an action may break with an approval alone, or a function. */
export type ApprovalWhen = readonly (string | Rule)[] | ((action: ToolAction | SpawnAction) => boolean)

/** Options of {@link withApproval}. */
export interface WithApprovalOptions {
  /**
   * Which actions need an approval: a list of exact tool names and of rules made by `rules.*`, of which any that is broken asks; or a function, of which anything
   * but `false` asks. Default: every tool and every spawn.
   */
  readonly when?: ApprovalWhen
  /**
   * Asks somebody. `signal` fires when the request has ended, however. What it throws, and what is no answer, denies; `undefined` leaves the request to
   * `sidecar.approvals` and to `dir`.
   */
  readonly ask?: (request: ApprovalRequest, signal: AbortSignal) => AskAnswer | Promise<AskAnswer>
  /** A folder for requests and answers, for `outrigger approve`: `.context/approvals`. Made when it is needed, for its owner alone. Default: none. */
  readonly dir?: string
  /**
   * Public keys, base64: an answer in `dir` counts only where one of them has signed it, with `outrigger approve --key`. Keep the private key where the agent's
   * tools cannot read it. Default: answers need no signature.
   */
  readonly approvers?: readonly string[]
  /** Answers come by `sidecar.approvals` alone. Default: false. */
  readonly api?: boolean
  /** How long a request waits, in milliseconds; then it is denied. Default 600,000. */
  readonly deadlineMs?: number
}

/** The options as they take effect. */
export interface ApprovalSettings {
  readonly when: ApprovalWhen | undefined
  readonly ask: WithApprovalOptions['ask']
  /** Absolute. */
  readonly dir: string | undefined
  readonly approvers: readonly string[] | undefined
  readonly api: boolean
  readonly deadlineMs: number
}

const known = new Set(['when', 'ask', 'dir', 'approvers', 'api', 'deadlineMs'])

/** @throws TypeError or RangeError that says the value and the fix */
export function approvalSettings(options: WithApprovalOptions): ApprovalSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('withApproval: options must be an object')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`withApproval: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { when, ask, dir, approvers, api = false, deadlineMs = 600_000 } = options
  if (ask !== undefined && typeof ask !== 'function') throw new TypeError('withApproval: ask must be a function of a request')
  if (dir !== undefined && (typeof dir !== 'string' || dir === ''))
    throw new TypeError("withApproval: dir must be the path of a folder, like '.context/approvals'")
  if (typeof api !== 'boolean') throw new TypeError(`withApproval: api must be true or false, got ${givenValue(api)}`)
  if (typeof deadlineMs !== 'number') throw new TypeError(`withApproval: deadlineMs must be a number, got ${givenValue(deadlineMs)}`)
  if (!(deadlineMs > 0 && Number.isFinite(deadlineMs)))
    throw new RangeError(`withApproval: deadlineMs must be above 0 and finite, got ${deadlineMs}`)
  const folder = dir === undefined ? undefined : resolve(dir)
  return Object.freeze({ when: checkedWhen(when), ask, dir: folder, approvers: checkedKeys(approvers, folder), api, deadlineMs })
}

function checkedKeys(approvers: readonly string[] | undefined, dir: string | undefined): readonly string[] | undefined {
  if (approvers === undefined) return undefined
  if (dir === undefined) throw new TypeError('withApproval: approvers sign answers in a folder; give dir too')
  if (!Array.isArray(approvers) || approvers.length === 0 || !approvers.every(isPublicKey))
    throw new TypeError('withApproval: approvers must be a list of public keys in base64, as `actx init` prints them')
  return Object.freeze([...approvers])
}

function isPublicKey(key: unknown): boolean {
  try {
    return typeof key === 'string' && keyId(key) !== ''
  } catch {
    return false
  }
}

function checkedWhen(when: ApprovalWhen | undefined): ApprovalWhen | undefined {
  if (when === undefined || typeof when === 'function') return when
  if (!Array.isArray(when)) throw new TypeError('withApproval: when must be a list of tool names and rules, or a function of an action')
  if (when.length === 0) throw new TypeError('withApproval: when is an empty list; leave the layer out, or name a tool')
  when.forEach(checkEntry)
  return Object.freeze([...when])
}

function checkEntry(entry: string | Rule, at: number): void {
  if (typeof entry === 'string' ? entry !== '' : isRule(entry)) return
  throw new TypeError(`withApproval: when[${at}] must be the name of a tool, or a rule like rules.commands({ deny: ['git push'] })`)
}

function isRule(entry: unknown): boolean {
  const { id, begin, stages, kinds } = Object(entry) as Partial<Rule>
  return typeof id === 'string' && typeof begin === 'function' && Array.isArray(stages) && Array.isArray(kinds)
}
