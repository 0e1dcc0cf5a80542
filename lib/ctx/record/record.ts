import { hash } from 'node:crypto'
import type { Kind } from '../../core/types.js'
import { canonicalJson } from '../canonical-json.js'
import { label } from '../statement/label.js'
import { recordType } from './pae.js'

/** The `prev` of the first record of a log. */
export const noLeaf: string = '0'.repeat(64)

/** What a record is about: an action, a statement of the user's own, or the log itself. */
export type RecordKind = Kind | 'statement' | 'log'

/** `intent`: before the action starts. `outcome`: after it has ended. `note`: neither. */
export type RecordPhase = 'intent' | 'outcome' | 'note'

/** How an action ended, as facts. */
export interface RecordOutcome {
  /** Of the outcome of the action: `done`, `error`, `aborted`, `refused`, `truncated`, `short-circuit`. */
  readonly status: string
  /** The code of an error of ours, else the name of its class. */
  readonly error?: string | undefined
  /** The layer that refused or failed. */
  readonly layer?: string | undefined
  /** The caller had its answer while the work went on. */
  readonly detached?: true | undefined
  /** It follows an outcome that was detached: the work has ended now. */
  readonly late?: true | undefined
  readonly attempts?: number | undefined
  readonly usage?:
    | {
        readonly input: number
        readonly output: number
        readonly cacheRead: number
        readonly cacheWrite5m: number
        readonly cacheWrite1h: number
        readonly certainty: string
      }
    | undefined
  /** Integer nano-USD; absent where no price is known. */
  readonly nanoUsd?: number | undefined
}

/** What the log's writer is given; it adds the rest. */
export interface RecordDraft {
  readonly ctx: string
  readonly human: string
  /** The id of the action; of the log, where the record is about it. */
  readonly action: string
  readonly kind: RecordKind
  readonly phase: RecordPhase
  readonly outcome?: RecordOutcome | undefined
  /** SHA-256 of each body that left, hex, an attempt each. */
  readonly wire?: readonly string[] | undefined
  /** Digest of the rules that the agent is under, hex; `null` without any. */
  readonly policy: string | null
  /** The account that pays. */
  readonly ledger?: string | undefined
}

/** Where a record stands in its log, and when it was made. */
export interface RecordPlace {
  readonly seq: number
  /** The leaf hash of the record before it, hex. */
  readonly prev: string
  /** Unix time in milliseconds. */
  readonly at: number
  /** Milliseconds on the clock that never jumps. */
  readonly mono: number
}

/** What is signed. */
export interface RecordBody extends RecordDraft, RecordPlace {
  readonly v: 1
  readonly log: string
  /** The id of the agent. */
  readonly agent: string
  /** The id of the key that signs. A hint: a verifier has its keys from its configuration. */
  readonly key: string
}

/** The parts of a body that all records of a log share, as JSON text, each with the names around it. */
export interface RecordFrame {
  readonly agent: string
  readonly key: string
  readonly log: string
}

/** @throws TypeError where a text cannot be JSON */
export function recordFrame({ agent, key, log }: { readonly agent: string; readonly key: string; readonly log: string }): RecordFrame {
  return {
    agent: `,"agent":${canonicalJson(agent)},"at":`,
    key: `,"key":${canonicalJson(key)},"kind":"`,
    log: `,"log":${canonicalJson(log)},"mono":`,
  }
}

/**
 * The body of a record as canonical JSON (RFC 8785), by template: its members stand in the order of their names.
 * @throws TypeError where a text holds a lone surrogate or a figure is not finite
 */
export function recordBody(frame: RecordFrame, { seq, prev, at, mono }: RecordPlace, draft: RecordDraft): string {
  const { action, ctx, human, kind, ledger, outcome, phase, policy, wire } = draft
  const head = `{"action":${canonicalJson(action)}${frame.agent}${figure(at)},"ctx":${canonicalJson(ctx)},"human":${canonicalJson(human)}`
  const paid = ledger === undefined ? '' : `,"ledger":${canonicalJson(ledger)}`
  const ended = outcome === undefined ? '' : `,"outcome":${outcomeText(outcome)}`
  const rules = policy === null ? 'null' : canonicalJson(policy)
  const sent = wire === undefined ? '' : `,"wire":${canonicalJson(wire)}`
  return `${head}${frame.key}${kind}"${paid}${frame.log}${milliseconds(mono)}${ended},"phase":"${phase}","policy":${rules},"prev":"${prev}","seq":${seq},"v":1${sent}}`
}

function outcomeText({ attempts, detached, error, late, layer, nanoUsd, status, usage }: RecordOutcome): string {
  const before = `${count('attempts', attempts)}${detached ? '"detached":true,' : ''}${named('error', error)}${late ? '"late":true,' : ''}`
  return `{${before}${named('layer', layer)}${count('nanoUsd', nanoUsd)}"status":${canonicalJson(status)}${usage ? `,"usage":${usageText(usage)}` : ''}}`
}

const usageText = ({ cacheRead, cacheWrite1h, cacheWrite5m, certainty, input, output }: NonNullable<RecordOutcome['usage']>): string =>
  `{"cacheRead":${figure(cacheRead)},"cacheWrite1h":${figure(cacheWrite1h)},"cacheWrite5m":${figure(cacheWrite5m)},"certainty":${canonicalJson(certainty)},"input":${figure(input)},"output":${figure(output)}}`

const named = (name: string, value: string | undefined): string => (value === undefined ? '' : `"${name}":${canonicalJson(label(value))},`)
const count = (name: string, value: number | undefined): string => (value === undefined ? '' : `"${name}":${figure(value)},`)

/** A whole number is its own text; what else there is has one text too. */
const figure = (value: number): string => (Number.isSafeInteger(value) ? `${value}` : canonicalJson(value))

const thousandths = Array.from({ length: 1000 }, (_, n) => `${n / 1000}`.slice(1))

/** What JavaScript writes for a figure of at most three decimals, from two whole numbers: those it has at hand. */
function milliseconds(value: number): string {
  const micros = Math.round(value * 1000)
  const rest = micros % 1000
  return micros >= 0 && micros / 1000 === value && micros < 1e15 ? `${(micros - rest) / 1000}${thousandths[rest]}` : figure(value)
}

/** A body, ready to be signed and chained. */
export interface SealedRecord {
  /** What the signature covers: the pre-authentication encoding of DSSE. */
  readonly encoded: Uint8Array
  /** The leaf hash of RFC 6962 over the encoding, hex. */
  readonly leaf: string
}

/** Encodes and hashes a body. The zero in front is the mark of a leaf. */
export function sealRecord(body: string): SealedRecord {
  const marked = Buffer.from(`\0DSSEv1 ${recordType.length} ${recordType} ${Buffer.byteLength(body)} ${body}`)
  const encoded = marked.subarray(1)
  return { encoded, leaf: hash('sha256', marked) }
}

/** The name of a record: SHA-256 of its encoding, hex. */
export const digestOf = ({ encoded }: SealedRecord): string => hash('sha256', encoded)

/** A second signature, by another key. */
export interface Cosignature {
  readonly key: string
  readonly sig: string
}

/** The line of a record in its log: canonical JSON, without the newline. `sig` is base64; without it, a tree head covers the record. */
export const recordLine = (body: string, sig?: string, cosig?: Cosignature): string => `{"body":${body}${recordEnd(sig, cosig)}`

/** What stands in a line behind the body. */
export function recordEnd(sig?: string, cosig?: Cosignature): string {
  const second = cosig ? `,"cosig":${canonicalJson(cosig)}` : ''
  return sig === undefined ? `${second}}` : `${second},"sig":"${sig}"}`
}

/** The line of a checkpoint, a signed note, in its log. */
export const checkpointLine = (note: string): string => `{"checkpoint":${canonicalJson(note)}}`
