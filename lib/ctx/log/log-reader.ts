import { isUtf8 } from 'node:buffer'
import { canonicalJson, isCanonicalJson } from '../canonical-json.js'
import type { RecordBody, RecordKind, RecordPhase } from '../record/record.js'

/** A longer line is no line of a log: 16 MiB. */
const longest = 2 ** 24

/** A line as it stands in the file. */
export interface RawLine {
  /** From 1. */
  readonly line: number
  /** How many bytes stand before its end, the newline included. */
  readonly end: number
  /** Without the newline; empty where it is too long. */
  readonly bytes: Buffer
  /** A newline ends it. */
  readonly whole: boolean
  readonly tooLong: boolean
}

/** A record as its line tells it. */
export interface ReadRecord {
  readonly type: 'record'
  readonly body: RecordBody
  /** The body's canonical text, as signed. */
  readonly text: string
  /** Base64; absent where a tree head covers the record. */
  readonly sig?: string
  /** The second signature of a rotation, by the key that follows. */
  readonly cosig?: { readonly key: string; readonly sig: string }
}

/** A checkpoint as its line tells it. */
export interface ReadCheckpoint {
  readonly type: 'checkpoint'
  readonly note: string
}

/** A line that is neither. */
export interface Unreadable {
  readonly type: 'unreadable'
  /** What is wrong with it, as half a sentence. */
  readonly says: string
}

/** The lines of a log, one at a time: what is read is held a line long. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<RawLine> {
  let parts: Buffer[] = []
  let held = 0
  let line = 1
  let end = 0
  const take = (whole: boolean): RawLine => {
    const tooLong = held > longest
    const raw = { line: line++, end, bytes: tooLong ? Buffer.alloc(0) : Buffer.concat(parts), whole, tooLong }
    parts = []
    held = 0
    return raw
  }
  const keep = (bytes: Buffer) => {
    held += bytes.length
    if (held <= longest) parts.push(bytes)
    else parts = []
  }
  for await (const given of source) {
    let chunk = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10)) {
      keep(chunk.subarray(0, at))
      end += at + 1
      yield take(true)
      chunk = chunk.subarray(at + 1)
    }
    if (chunk.length > 0) keep(Buffer.from(chunk))
    end += chunk.length
  }
  if (held > 0) yield take(false)
}

/** Reads one line. It must be the canonical JSON of what it says, byte for byte. Never throws. */
export function readLine({ bytes, tooLong }: Pick<RawLine, 'bytes' | 'tooLong'>): ReadRecord | ReadCheckpoint | Unreadable {
  if (tooLong) return unreadable('is longer than a record can be')
  if (!isUtf8(bytes)) return unreadable('is not UTF-8')
  const text = bytes.toString()
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return unreadable('is no object')
    if (!isCanonicalJson(text, value)) return unreadable('is not in the one canonical form')
    return toCheckpoint(value) ?? toRecord(value, text) ?? unreadable('is neither a record nor a checkpoint')
  } catch {
    return unreadable('is not JSON')
  }
}

const unreadable = (says: string): Unreadable => ({ type: 'unreadable', says })

function toCheckpoint(value: Fields): ReadCheckpoint | undefined {
  const { checkpoint, ...rest } = value
  if (typeof checkpoint === 'string' && Object.keys(rest).length === 0) return { type: 'checkpoint', note: checkpoint }
}

function toRecord(value: Fields, line: string): ReadRecord | undefined {
  const { body, cosig, sig, ...rest } = value
  if (Object.keys(rest).length > 0 || !isBody(body)) return
  if ((sig !== undefined && typeof sig !== 'string') || (cosig !== undefined && !isCosig(cosig))) return
  return {
    type: 'record',
    body,
    text: bodyText(line, sig, cosig),
    ...(sig === undefined ? {} : { sig }),
    ...(cosig === undefined ? {} : { cosig }),
  }
}

/** The body as it stands in a canonical line: the first member. */
function bodyText(line: string, sig: string | undefined, cosig: ReadRecord['cosig']): string {
  const second = cosig === undefined ? 0 : `,"cosig":${canonicalJson(cosig)}`.length
  const signed = sig === undefined ? 0 : `,"sig":${canonicalJson(sig)}`.length
  return line.slice('{"body":'.length, line.length - second - signed - 1)
}

type Fields = { readonly [key: string]: unknown }
type Check = (value: unknown) => boolean

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText: Check = value => typeof value === 'string'
const isHex = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isCount: Check = value => Number.isSafeInteger(value) && (value as number) >= 0
const isFigure: Check = value => typeof value === 'number'
const isCosig = (value: unknown): value is { key: string; sig: string } =>
  isObject(value) && Object.keys(value).length === 2 && isText(value.key) && isText(value.sig)

const kinds: ReadonlySet<unknown> = new Set<RecordKind>(['send', 'model', 'tool', 'spawn', 'statement', 'log'])
const phases: ReadonlySet<unknown> = new Set<RecordPhase>(['intent', 'outcome', 'note'])

const required: Readonly<Record<string, Check>> = {
  action: isText,
  agent: isText,
  at: isFigure,
  ctx: isText,
  human: isText,
  key: isText,
  kind: value => kinds.has(value),
  log: isText,
  mono: isFigure,
  phase: value => phases.has(value),
  policy: value => value === null || isText(value),
  prev: isHex,
  seq: isCount,
  v: value => value === 1,
}

const requiredChecks = Object.entries(required)

const optional: Readonly<Record<string, Check>> = {
  ledger: isText,
  outcome: value => isObject(value) && isText(value.status),
  wire: value => Array.isArray(value) && value.every(isHex),
}

/** Has it every member of a record's body, and no other? */
export function isBody(value: unknown): value is RecordBody {
  if (!isObject(value)) return false
  if (!requiredChecks.every(([name, holds]) => Object.hasOwn(value, name) && holds(value[name]))) return false
  return Object.keys(value).every(name => Object.hasOwn(required, name) || (Object.hasOwn(optional, name) && optional[name]!(value[name])))
}
