import { createHash } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../base64-strict.js'
import { isStrictPublicKey, strictVerifier, type Verifier } from '../keys/ed25519.js'

/** Signs notes under a name. */
export interface NoteSigner {
  readonly name: string
  /** The first four bytes of the hash of name and public key, hex: tells keys of one name apart, and proves nothing. */
  readonly id: string
  sign(text: Uint8Array): Uint8Array
}

/** Knows the signatures of one name and key. */
export interface NoteVerifier {
  readonly name: string
  readonly id: string
  readonly verify: Verifier
}

/** A note whose signatures were looked at: its text, and who of those that are known has signed it; or why it is to be refused. */
export type OpenedNote =
  | { readonly ok: true; readonly text: string; readonly signedBy: readonly { readonly name: string; readonly id: string }[] }
  | { readonly ok: false; readonly why: string }

const ed25519Type = 1
const mostBytes = 1_000_000
const mostSignatures = 100

/** A signer of notes from a key that signs; the public half in bytes or in its text form. @throws TypeError for a name or a key that no note can have */
export function noteSigner(
  name: string,
  key: { readonly publicKey: string | Uint8Array; sign(bytes: Uint8Array): Uint8Array },
): NoteSigner {
  return { name, id: noteKeyId(name, publicKeyBytes(key.publicKey)), sign: text => key.sign(text) }
}

/** A verifier of notes from a name and a public key, in bytes or in its text form; `verify` where there is one of it already. @throws TypeError for a name or a key that no note can have */
export function noteVerifier(name: string, publicKey: string | Uint8Array, verify?: Verifier): NoteVerifier {
  const bytes = publicKeyBytes(publicKey)
  return { name, id: noteKeyId(name, bytes), verify: verify ?? strictVerifier(bytes) }
}

/** The text form of a verifier (C2SP signed-note): name, id and key, with `+` between them. */
export function formatVerifierKey(name: string, publicKey: string | Uint8Array): string {
  const bytes = publicKeyBytes(publicKey)
  return `${name}+${noteKeyId(name, bytes)}+${encodeBase64(Buffer.concat([Buffer.of(ed25519Type), bytes]))}`
}

/** Reads the text form of a verifier; `undefined` where it is none, or its id is not that of its key. */
export function parseVerifierKey(text: string): NoteVerifier | undefined {
  const [name = '', id, key, ...more] = typeof text === 'string' ? splitKey(text) : []
  const bytes = decodeBase64(key, 33)
  if (more.length > 0 || !isKeyName(name) || bytes?.[0] !== ed25519Type || !isStrictPublicKey(bytes.subarray(1))) return undefined
  const verifier = noteVerifier(name, bytes.subarray(1))
  return verifier.id === id ? verifier : undefined
}

/** At the first two signs: base64 holds the third sort. */
function splitKey(text: string): string[] {
  const [first, second] = [text.indexOf('+'), text.indexOf('+', text.indexOf('+') + 1)]
  return first < 0 || second < 0 ? [] : [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1)]
}

/** Can a key have this name? Not empty, no space and no control character, no `+`, no lone surrogate. */
export function isKeyName(name: unknown): name is string {
  return typeof name === 'string' && name.length > 0 && name.length <= 1_000 && !unfitInName.test(name)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const unfitInName = /[\s\p{White_Space}+\x00-\x1f\x7f]|\p{Surrogate}/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const unfitInText = /[\x00-\x09\x0b-\x1f\x7f]|\p{Surrogate}/u

/** @throws TypeError for a name that no key can have */
function noteKeyId(name: string, publicKey: Uint8Array): string {
  if (!isKeyName(name))
    throw new TypeError('the name of a note key must be a text without spaces, control characters and "+", and not empty')
  const hashed = createHash('sha256').update(`${name}\n`).update(Buffer.of(ed25519Type)).update(publicKey).digest()
  return hashed.toString('hex', 0, 4)
}

function publicKeyBytes(key: string | Uint8Array): Uint8Array {
  const bytes = typeof key === 'string' ? decodeBase64(key, 32) : key
  if (!bytes || !isStrictPublicKey(bytes)) throw new TypeError('a public key must be 32 bytes, or their base64, of an Ed25519 key')
  return bytes
}

/**
 * A signed note (C2SP signed-note): the text, an empty line, and a line a signature. What is signed is the text with its last newline.
 * @throws TypeError for a text that does not end in a newline or holds control characters, and without a signer
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!isNoteText(text)) throw new TypeError('the text of a note must end in a newline, without control characters and lone surrogates')
  if (signers.length === 0) throw new TypeError('a note needs a signer')
  const bytes = Buffer.from(text, 'utf8')
  return `${text}\n${signers.map(signer => signatureLine(signer, bytes)).join('')}`
}

function signatureLine(signer: NoteSigner, text: Uint8Array): string {
  return `— ${signer.name} ${encodeBase64(Buffer.concat([Buffer.from(signer.id, 'hex'), signer.sign(text)]))}\n`
}

const isNoteText = (text: unknown): text is string => typeof text === 'string' && text.endsWith('\n') && !unfitInText.test(text)

/**
 * Opens a signed note. It is good where at least one signature is by a key that is known, and each signature by a known key is right; those of
 * keys that are not known say nothing. A key is known by its name and id together, compared as text. Takes any value and never throws.
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const whole = typeof note === 'string' ? note : decodeUtf8(note)
  if (whole === undefined || whole.length > mostBytes || !isNoteText(whole)) return refused('this is no text of a note')
  const end = whole.lastIndexOf('\n\n')
  if (end < 0) return refused('the empty line between the text and the signatures is missing')
  const lines = whole.slice(end + 2, -1).split('\n')
  if (lines.length > mostSignatures) return refused(`it has more than ${mostSignatures} signatures`)
  return judged(whole.slice(0, end + 1), lines.map(parseSignature), verifiers)
}

const refused = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why })

function decodeUtf8(bytes: unknown): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes as Uint8Array)
  } catch {
    return undefined
  }
}

interface Signature {
  readonly name: string
  readonly id: string
  readonly bytes: Uint8Array
}

function parseSignature(line: string): Signature | undefined {
  const [dash, name, text, ...more] = line.split(' ')
  const bytes = decodeBase64(text)
  if (dash !== '—' || more.length > 0 || !isKeyName(name) || bytes === undefined || bytes.length < 5) return undefined
  return { name, id: Buffer.from(bytes.subarray(0, 4)).toString('hex'), bytes: bytes.subarray(4) }
}

function judged(text: string, signatures: readonly (Signature | undefined)[], verifiers: readonly NoteVerifier[]): OpenedNote {
  const signedBy = new Map<NoteVerifier, { name: string; id: string }>()
  const bytes = Buffer.from(text, 'utf8')
  for (const signature of signatures) {
    if (!signature) return refused('a line of its signatures is malformed')
    const known = verifiers.filter(v => v.name === signature.name && v.id === signature.id)
    if (known.length > 1) return refused(`two known keys have the name ${signature.name} and the id ${signature.id}`)
    if (known[0] && !known[0].verify(bytes, signature.bytes)) return refused(`the signature of ${signature.name} ${signature.id} is wrong`)
    if (known[0]) signedBy.set(known[0], { name: signature.name, id: signature.id })
  }
  return signedBy.size === 0 ? refused('no key that is known has signed it') : { ok: true, text, signedBy: [...signedBy.values()] }
}
