import { hash } from 'node:crypto'
import type { Kind } from '../core/types.js'
import { canonicalJson } from './canonical-json.js'
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
  readonly error?: string
  /** The layer that refused or failed. */
  readonly layer?: string
  /** The caller had its answer while the work went on. */
  readonly detached?: true
  /** It follows an outcome that was detached: the work has ended now. */
  readonly late?: true
  readonly attempts?: number
  readonly usage?: {
    readonly input: number
    readonly output: number
    readonly cacheRead: number
    readonly cacheWrite5m: number
    readonly cacheWrite1h: number
    readonly certainty: string
  }
  /** Integer nano-USD; absent where no price is known. */
  readonly nanoUsd?: number
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
  /** Unix time in milliseconds. */
  readonly at: number
  /** Milliseconds on the clock that never jumps. */
  readonly mono: number
}

/** What is signed. */
export interface RecordBody extends RecordDraft {
  readonly v: 1
  readonly log: string
  readonly seq: number
  /** The leaf hash of the record before it, hex. */
  readonly prev: string
  /** The id of the agent. */
  readonly agent: string
  /** The id of the key that signs. A hint: a verifier has its keys from its configuration. */
  readonly key: string
}

/** The parts of a body that all records of a log share, as JSON text. */
export interface RecordFrame {
  readonly agent: string
  readonly key: string
  readonly log: string
}

/** @throws TypeError where a text cannot be JSON */
export function recordFrame(facts: { readonly agent: string; readonly key: string; readonly log: string }): RecordFrame {
  return { agent: canonicalJson(facts.agent), key: canonicalJson(facts.key), log: canonicalJson(facts.log) }
}

/**
 * The body of a record as canonical JSON (RFC 8785), by template: its members stand in the order of their names.
 * @throws TypeError where a text holds a lone surrogate or a figure is not finite
 */
export function recordBody(frame: RecordFrame, seq: number, prev: string, draft: RecordDraft): string {
  const { action, at, ctx, human, kind, ledger, mono, outcome, phase, policy, wire } = draft
  return `{"action":${canonicalJson(action)},"agent":${frame.agent},"at":${canonicalJson(at)},"ctx":${canonicalJson(ctx)},"human":${canonicalJson(human)},"key":${frame.key},"kind":"${kind}"${
    ledger === undefined ? '' : `,"ledger":${canonicalJson(ledger)}`
  },"log":${frame.log},"mono":${canonicalJson(mono)}${outcome === undefined ? '' : `,"outcome":${canonicalJson(outcome)}`},"phase":"${phase}","policy":${
    policy === null ? 'null' : canonicalJson(policy)
  },"prev":"${prev}","seq":${seq},"v":1${wire === undefined ? '' : `,"wire":${canonicalJson(wire)}`}}`
}

/** A body, ready to be signed and chained. */
export interface SealedRecord {
  /** What the signature covers: the pre-authentication encoding of DSSE. */
  readonly encoded: Uint8Array
  /** SHA-256 of the encoding, hex: the name of the record. */
  readonly digest: string
  /** The leaf hash of RFC 6962 over the encoding, hex. */
  readonly leaf: string
}

/** Encodes and hashes a body. The zero in front is the mark of a leaf. */
export function sealRecord(body: string): SealedRecord {
  const marked = Buffer.from(`\0DSSEv1 ${recordType.length} ${recordType} ${Buffer.byteLength(body)} ${body}`)
  const encoded = marked.subarray(1)
  return { encoded, digest: hash('sha256', encoded), leaf: hash('sha256', marked) }
}

/** The line of a record in its log: canonical JSON, without the newline. `sig` is base64; without it, a tree head covers the record. */
export function recordLine(body: string, digest: string, sig?: string, cosig?: { readonly key: string; readonly sig: string }): string {
  const second = cosig ? `,"cosig":${canonicalJson(cosig)}` : ''
  return sig === undefined
    ? `{"body":${body}${second},"digest":"${digest}"}`
    : `{"body":${body}${second},"digest":"${digest}","sig":"${sig}"}`
}

/** The line of a checkpoint, a signed note, in its log. */
export const checkpointLine = (note: string): string => `{"checkpoint":${canonicalJson(note)}}`
