import { decodeBase64, encodeBase64 } from '../base64-strict.js'
import { isKeyName, type NoteSigner, type NoteVerifier, openNote, signNote } from './note.js'

/** The head of a log: how many leaves it has and what they are, in one hash. */
export interface Checkpoint {
  /** The name of the log: the name of the key that signs for it. */
  readonly origin: string
  /** Leaves. */
  readonly size: number
  /** The root hash, 32 bytes. */
  readonly root: Uint8Array
  /** Lines behind the root that a log may add; not empty. */
  readonly extensions?: readonly string[]
}

/** A checkpoint whose signatures were looked at, or why it is to be refused. */
export type ParsedCheckpoint =
  | { readonly ok: true; readonly checkpoint: Checkpoint; readonly signedBy: readonly { readonly name: string; readonly id: string }[] }
  | { readonly ok: false; readonly why: string }

/**
 * The signed text of a checkpoint (C2SP tlog-checkpoint). One of the signers must have the name of the log.
 * @throws TypeError or RangeError for an origin, a size or a root that no checkpoint can have
 */
export function formatCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  const { origin, size, root, extensions = [] } = checkpoint
  checkOrigin(origin)
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`the size of a log must be an integer from 0, not ${size}`)
  if (!(root instanceof Uint8Array) || root.byteLength !== 32) throw new TypeError('the root of a log must be a Uint8Array of 32 bytes')
  if (!extensions.every(isLine)) throw new TypeError('an extension of a checkpoint must be one line, and not empty')
  if (!signers.some(signer => signer.name === origin))
    throw new TypeError(`a checkpoint of "${origin}" must be signed by a key of that name`)
  return signNote([origin, `${size}`, encodeBase64(root), ...extensions, ''].join('\n'), signers)
}

function checkOrigin(origin: string): void {
  if (!isKeyName(origin))
    throw new TypeError('the origin of a log must be a text without spaces, control characters and "+", and not empty')
}

const isLine = (text: unknown): boolean => typeof text === 'string' && text.length > 0 && !text.includes('\n')

/**
 * Reads a checkpoint and checks it: it must be signed by a known key whose name is the origin; of other signatures, those by known keys must be
 * right. Whether it fits what was seen before is for `verifyConsistency`. Takes any value and never throws.
 */
export function parseCheckpoint(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): ParsedCheckpoint {
  const opened = openNote(note, verifiers)
  if (!opened.ok) return opened
  const checkpoint = parseBody(opened.text)
  if (typeof checkpoint === 'string') return { ok: false, why: checkpoint }
  if (!opened.signedBy.some(({ name }) => name === checkpoint.origin)) return { ok: false, why: 'no known key of its origin has signed it' }
  return { ok: true, checkpoint, signedBy: opened.signedBy }
}

/** What a checkpoint says, whoever has signed it; `undefined` where it is none. Never throws. */
export function readCheckpoint(note: string): Checkpoint | undefined {
  const end = note.lastIndexOf('\n\n')
  const checkpoint = end < 0 ? 'no note' : parseBody(note.slice(0, end + 1))
  return typeof checkpoint === 'string' ? undefined : checkpoint
}

const decimal = /^(?:0|[1-9]\d{0,15})$/

/** The checkpoint, or what is wrong with it. */
function parseBody(text: string): Checkpoint | string {
  const [origin, sizeText = '', rootText, ...extensions] = text.slice(0, -1).split('\n')
  const [size, root] = [Number(sizeText), decodeBase64(rootText, 32)]
  if (!isKeyName(origin)) return 'its origin is not one'
  if (!decimal.test(sizeText) || !Number.isSafeInteger(size)) return 'its size is not a decimal number from 0 to 2^53 - 1'
  if (root === undefined) return 'its root is not the base64 of 32 bytes'
  if (!extensions.every(isLine)) return 'it has an empty line'
  return extensions.length > 0 ? { origin, size, root, extensions } : { origin, size, root }
}
