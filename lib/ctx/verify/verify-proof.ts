import { decodeBase64 } from '../base64-strict.js'
import { human } from '../targets/emitters/human.js'
import { type LogCheckpoint, openCheckpoint } from '../log/log-checkpoint.js'
import { readLine, type ReadRecord } from '../log/log-reader.js'
import { verifyConsistency, verifyInclusion } from '../tree/merkle.js'
import { CTXParser } from '../language/parser.js'
import { type ConsistencyProof, consistencyProofType } from './prove-consistency.js'
import { type RecordProof, recordProofType } from './prove-record.js'
import { digestOf, type RecordBody, type SealedRecord, sealRecord } from '../record/record.js'
import { serialize } from '../language/serializer.js'
import { type RevokedKey, type TrustedKey, TrustedKeys } from '../keys/trusted-keys.js'
import type { Verdict } from './verify-log.js'

/** Options of {@link verifyRecordProof} and {@link verifyConsistencyProof}. */
export interface VerifyProofOptions {
  /** The keys whose signatures count. They come from configuration: a key that a proof names proves nothing. */
  readonly publicKey: Uint8Array | string | readonly (Uint8Array | string)[]
  /** Keys that were revoked, and from which record on. */
  readonly revoked?: readonly RevokedKey[] | undefined
}

/** What the verification of a {@link RecordProof} came to. */
export interface RecordProofReport {
  /** `ok`: the record is in the log that the checkpoint is of. Never `unanchored`: the checkpoint is the anchor. */
  readonly verdict: Exclude<Verdict, 'unanchored'>
  /** What is wrong, half a sentence each. Holds no content. */
  readonly problems: readonly string[]
  /** What is proved; absent where something is wrong. */
  readonly record?: RecordBody
  readonly digest?: string
}

/** What the verification of a {@link ConsistencyProof} came to. */
export interface ConsistencyProofReport {
  readonly verdict: Exclude<Verdict, 'unanchored'>
  /** What is wrong, half a sentence each. */
  readonly problems: readonly string[]
  /** The log, and of how many records the two checkpoints are; absent where something is wrong. */
  readonly log?: string
  readonly older?: number
  readonly newer?: number
}

/**
 * Verifies the proof of one record, with nothing but the public key: the checkpoint by its signature, the path to its root, the record by its own
 * signature where it has one, and the statement translated again and compared with the sentence. Takes any value, and answers.
 * @throws TypeError where a public key is none
 */
export function verifyRecordProof(proof: unknown, options: VerifyProofOptions): RecordProofReport {
  const keys = keysOf(options)
  if (!isRecordProof(proof)) return bad('it is not the proof of a record')
  const line = readLine({ bytes: Buffer.from(proof.record), tooLong: false })
  if (line.type !== 'record') return bad('it holds no record in the one canonical form')
  const sealed = sealRecord(line.text)
  const problems = [...placeFlaws(proof, line, sealed, keys), ...recordFlaws(line, sealed, keys)]
  return problems.length > 0 ? bad(...problems) : { verdict: 'ok', problems, record: line.body, digest: digestOf(sealed) }
}

/**
 * Verifies that a log has only grown between two checkpoints, with nothing but the public key. Two checkpoints of one size and different records, a
 * split view, are found by it too. Takes any value, and answers.
 * @throws TypeError where a public key is none
 */
export function verifyConsistencyProof(proof: unknown, options: VerifyProofOptions): ConsistencyProofReport {
  const keys = keysOf(options)
  if (!isConsistencyProof(proof)) return bad('it is not the proof of two checkpoints')
  const [older, newer] = [opened(proof.older, keys), opened(proof.newer, keys)]
  const problems = growthFlaws(proof, older, newer)
  if (problems.length > 0) return bad(...problems)
  return {
    verdict: 'ok',
    problems,
    log: (older as LogCheckpoint).log,
    older: (older as LogCheckpoint).size,
    newer: (newer as LogCheckpoint).size,
  }
}

const bad = (...problems: string[]): { readonly verdict: 'bad'; readonly problems: readonly string[] } => ({ verdict: 'bad', problems })

const keysOf = ({ publicKey, revoked }: VerifyProofOptions): TrustedKeys =>
  new TrustedKeys(typeof publicKey === 'string' || publicKey instanceof Uint8Array ? [publicKey] : publicKey, revoked)

/** The head, or what is wrong with it. */
function opened(note: string, keys: TrustedKeys): LogCheckpoint | string {
  for (const key of keys.all) {
    const head = openCheckpoint(note, key.publicKey, key.verify)
    if (head) return keys.isRevoked(key, head.log, head.size - 1) ? 'the key of the checkpoint was revoked before it' : head
  }
  return 'the checkpoint is not one of a log, signed by a trusted key'
}

function placeFlaws(
  { index, size, path, checkpoint }: RecordProof,
  { body }: ReadRecord,
  { leaf }: SealedRecord,
  keys: TrustedKeys,
): string[] {
  const head = opened(checkpoint, keys)
  if (typeof head === 'string') return [head]
  const [leafBytes, root, proof] = [hashOf(leaf), hashOf(head.root), path.map(hashOf)]
  const flaws: string[] = []
  if (body.log !== head.log) flaws.push('the checkpoint is of another log')
  if (body.seq !== index) flaws.push('the record has another number')
  if (size !== head.size) flaws.push('the checkpoint is of another number of records')
  if (!verifyInclusion({ leaf: leafBytes, index, size, root, proof }))
    flaws.push('the path does not lead from the record to the checkpoint')
  return flaws
}

function* recordFlaws({ body, sig }: ReadRecord, { encoded }: SealedRecord, keys: TrustedKeys): Generator<string> {
  const key = keys.find(body.key)
  if (!key) yield 'the key is not one of those that are trusted'
  else if (keys.isRevoked(key, body.log, body.seq)) yield 'the key was revoked before it'
  if (key && sig !== undefined && !isSignedBy(key, encoded, sig)) yield 'the signature is not good'
  if (!isTranslated(body)) yield 'the sentence is not the translation of the statement'
}

function isSignedBy(key: TrustedKey, encoded: Uint8Array, sig: string): boolean {
  const bytes = decodeBase64(sig)
  return bytes !== undefined && key.verify(encoded, bytes)
}

function isTranslated({ ctx, human: sentence }: RecordBody): boolean {
  try {
    const statement = new CTXParser().parse(ctx)
    return serialize(statement) === ctx && human(statement) === sentence
  } catch {
    return false
  }
}

function growthFlaws({ path }: ConsistencyProof, older: LogCheckpoint | string, newer: LogCheckpoint | string): string[] {
  if (typeof older === 'string') return [`of the older one: ${older}`]
  if (typeof newer === 'string') return [`of the newer one: ${newer}`]
  if (older.log !== newer.log) return ['the checkpoints are of two logs']
  if (older.size === newer.size && older.root !== newer.root)
    return ['the checkpoints are of as many records, and not of the same ones: a split view']
  const [first, second, firstRoot, secondRoot] = [older.size, newer.size, hashOf(older.root), hashOf(newer.root)]
  if (verifyConsistency({ first, second, firstRoot, secondRoot, proof: path.map(hashOf) })) return []
  return ['the records of the older checkpoint are not the beginning of those of the newer one']
}

const hashOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex')

type Fields = { readonly [name: string]: unknown }

const hasJust = (value: unknown, names: readonly string[]): value is Fields =>
  typeof value === 'object' && value !== null && Object.keys(value).sort().join() === [...names].sort().join()
const isPath = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 128 && value.every(hash => typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash))

function isRecordProof(value: unknown): value is RecordProof {
  if (!hasJust(value, ['type', 'record', 'index', 'size', 'path', 'checkpoint'])) return false
  const isText = typeof value.record === 'string' && typeof value.checkpoint === 'string'
  return (
    value.type === recordProofType && isText && Number.isSafeInteger(value.index) && Number.isSafeInteger(value.size) && isPath(value.path)
  )
}

function isConsistencyProof(value: unknown): value is ConsistencyProof {
  if (!hasJust(value, ['type', 'older', 'newer', 'path'])) return false
  return value.type === consistencyProofType && typeof value.older === 'string' && typeof value.newer === 'string' && isPath(value.path)
}
