import { type Checkpoint, formatCheckpoint, parseCheckpoint, readCheckpoint } from '../tree/checkpoint.js'
import type { Verifier } from '../keys/ed25519.js'
import { noteSigner, noteVerifier } from '../tree/note.js'
import type { RecordSigner } from '../keys/record-signer.js'

/** The tree head of a log, with its root in hex. */
export interface LogCheckpoint {
  readonly log: string
  readonly size: number
  readonly root: string
}

const prefix = 'outrigger.record/'

/** The checkpoint of a log as a signed note (C2SP tlog-checkpoint). Its origin, which is the name of the key too, is `outrigger.record/<log-id>`. */
export function signCheckpoint({ log, size, root }: LogCheckpoint, signer: RecordSigner): string {
  const origin = prefix + log
  return formatCheckpoint({ origin, size, root: Buffer.from(root, 'hex') }, [noteSigner(origin, signer)])
}

/** What a checkpoint says of its log, whoever has signed it; `undefined` where it is none of a log. Never throws. */
export function readHead(note: string): LogCheckpoint | undefined {
  const checkpoint = readCheckpoint(note)
  return checkpoint?.origin.startsWith(prefix) ? headOf(checkpoint) : undefined
}

/**
 * Opens the checkpoint of a log, whichever it is; `undefined` where it is none, or not signed by this key. Never throws.
 * @param verify - checks signatures of the key, where there is one already: to make one takes as long as to use it
 */
export function openCheckpoint(note: string, publicKey: string | Uint8Array, verify?: Verifier): LogCheckpoint | undefined {
  const origin = note.slice(0, Math.max(0, note.indexOf('\n')))
  if (!origin.startsWith(prefix)) return
  try {
    const parsed = parseCheckpoint(note, [noteVerifier(origin, publicKey, verify)])
    return parsed.ok ? headOf(parsed.checkpoint) : undefined
  } catch {
    return undefined
  }
}

const headOf = ({ origin, size, root }: Checkpoint): LogCheckpoint => ({
  log: origin.slice(prefix.length),
  size,
  root: Buffer.from(root).toString('hex'),
})

/** Is it just what `signCheckpoint` writes: three lines, and one signature? In its own log nothing may be added to it. */
export const isPlainNote = (note: string): boolean => note.split('\n').length === 6

/** The notes in a text that may hold several, one after the other, with empty lines between them or none. */
export function splitNotes(text: string): readonly string[] {
  const notes: string[] = []
  let body: string[] = []
  let signatures: string[] = []
  let isBody = true
  const end = () => {
    if (signatures.length > 0) notes.push(`${[...body, '', ...signatures].join('\n')}\n`)
    body = []
    signatures = []
    isBody = true
  }
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) {
    if (!isBody && /^— ./.test(line)) signatures.push(line)
    else {
      if (!isBody) end()
      if (line !== '') body.push(line)
      else isBody = body.length === 0
    }
  }
  end()
  return notes.length > 0 || text.trim() === '' ? notes : [text]
}
