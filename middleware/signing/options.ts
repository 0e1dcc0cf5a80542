import { createKeys, fileLog, generateSigningKey, type RecordLog, type RecordSigner } from 'outrigger/ctx'

/** Options of {@link withSigning}. */
export interface WithSigningOptions {
  /** The folder of keys, logs and translations. Default `.context`. */
  readonly dir?: string
  /** Where the log is kept. Default: in files below `dir`. With `memoryLog()` nothing touches the disk. */
  readonly log?: RecordLog
  /** Who signs. Default: the key pair in `dir`, made on first use; with a `log` of its own, a fresh pair in memory. */
  readonly key?: RecordSigner
  /** Above 0: records are chained and made durable at once, and signed together at the latest after this many milliseconds. Default 0. */
  readonly batchMs?: number
  /** A signed checkpoint follows every so many records. Default 256. */
  readonly checkpointEvery?: number
  /** Of which records `translations/` gets files. Default `outcomes`; with a `log` of its own, `none`. */
  readonly files?: 'outcomes' | 'all' | 'none'
  /** How much of what was said stands in a statement: its SHA-256, that and its beginning, or the whole. Default `digest`. */
  readonly content?: 'digest' | 'excerpt' | 'full'
}

/** The options as they took effect. */
export interface SigningSettings {
  readonly dir: string
  readonly log: RecordLog
  readonly batchMs: number
  readonly checkpointEvery: number
  readonly files: 'outcomes' | 'all' | 'none'
  readonly content: 'digest' | 'excerpt' | 'full'
  /** The key pair: read, or made, when it is first asked for; the same one ever after. */
  key(): RecordSigner
}

const known = ['dir', 'log', 'key', 'batchMs', 'checkpointEvery', 'files', 'content']
const files = ['outcomes', 'all', 'none'] as const
const contents = ['digest', 'excerpt', 'full'] as const

/**
 * The options of {@link withSigning}, checked and completed. Touches no file.
 * @throws TypeError or RangeError with the value and the fix
 */
export function signingSettings(options: WithSigningOptions): SigningSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('withSigning: options must be an object')
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(`withSigning: unknown option "${name}"; known are ${known.join(', ')}`)
  const { dir = '.context', log, key, batchMs = 0, checkpointEvery = 256, content = 'digest' } = options
  const { files: shown = log ? 'none' : 'outcomes' } = options
  if (typeof dir !== 'string' || dir === '') throw new TypeError('withSigning: dir must be the path of a folder')
  if (log !== undefined && !isLog(log)) throw new TypeError('withSigning: log must come from memoryLog() or fileLog()')
  if (key !== undefined && !isSigner(key))
    throw new TypeError('withSigning: key must be a SigningKey, or have id, publicKey and sign like one')
  checkFigures(batchMs, checkpointEvery)
  oneOf('files', shown, files)
  oneOf('content', content, contents)
  return { dir, log: log ?? fileLog({ dir }), batchMs, checkpointEvery, files: shown, content, key: keyOf(dir, log !== undefined, key) }
}

function checkFigures(batchMs: number, checkpointEvery: number): void {
  if (!(Number.isFinite(batchMs) && batchMs >= 0)) throw new RangeError(`withSigning: batchMs must be milliseconds from 0, got ${batchMs}`)
  if (!(Number.isSafeInteger(checkpointEvery) && checkpointEvery >= 1))
    throw new RangeError(`withSigning: checkpointEvery must be a whole number from 1, got ${checkpointEvery}`)
}

function oneOf(name: string, value: unknown, values: readonly string[]): void {
  if (!values.includes(value as string))
    throw new TypeError(`withSigning: ${name} must be one of ${values.join(', ')}; got ${JSON.stringify(value)}`)
}

function keyOf(dir: string, inMemory: boolean, given: RecordSigner | undefined): () => RecordSigner {
  let key = given
  return () => {
    key ??= inMemory ? generateSigningKey() : createKeys(dir)
    return key
  }
}

const isLog = (log: Partial<RecordLog>): boolean => typeof log?.create === 'function' && typeof log.resume === 'function'
const isSigner = (key: Partial<RecordSigner>): boolean =>
  typeof key?.id === 'string' && typeof key.publicKey === 'string' && typeof key.sign === 'function'
