import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrivateKey } from '../../lib/ctx/keys/ed25519.js'
import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import { LogWriter, type LogWriterOptions } from '../../lib/ctx/log/log-writer.js'
import type { RecordDraft } from '../../lib/ctx/record/record.js'
import type { RecordLog } from '../../lib/ctx/log/record-log.js'
import type { RecordSigner } from '../../lib/ctx/keys/record-signer.js'
import { SigningKey } from '../../lib/ctx/keys/signing-key.js'
import { refusalOf, type Statement } from '../../lib/ctx/statement/statement.js'
import { type Verification, verifyLogs, type VerifyOptions } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'

export const agent = { id: 'probe-1', name: 'probe', type: 'agent' }

/** One pair, always the same: a proof tries the same bytes for the same seed. */
export const signer: RecordSigner = new SigningKey(new PrivateKey(Buffer.alloc(32, 7)))

/** A draft about a finding: the shortest statement that the compiler knows. */
export function draft(n: number, more: Partial<RecordDraft> = {}): RecordDraft {
  const { ctx, human }: Statement = refusalOf({ ruleId: 'r', details: `finding ${n}`, response: 'warn' })
  return { ctx, human, action: `probe-1.${n}`, kind: 'tool', phase: 'note', policy: null, ...more }
}

/** A log with so many records in all, the opening and the closing one among them. */
export async function writtenLog(records: number, options: Partial<LogWriterOptions> = {}): Promise<Written> {
  const log = options.log ?? memoryLog()
  const clock = new VirtualClock()
  const writer = await LogWriter.open({ log, agent, signer, clock, ...options })
  for (let n = 0; n < records - 2; n++) await writer.append(draft(n)).durable
  await writer.close()
  return { log, id: writer.id, checkpoint: writer.checkpointNote, bytes: await bytesOf(log, writer.id) }
}

export interface Written {
  readonly log: RecordLog
  readonly id: string
  readonly checkpoint: string
  readonly bytes: Buffer
}

export async function bytesOf(log: RecordLog, id: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of log.read(id)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A place that holds just these logs, closed. */
export function holding(logs: Readonly<Record<string, Buffer | string>>, state: 'open' | 'left' | 'done' = 'done'): RecordLog {
  const none = () => Promise.reject(new Error('only for reading'))
  return {
    where: 'a test',
    create: none,
    resume: none,
    list: async () => Object.keys(logs),
    read: async function* (id) {
      const bytes = logs[id]
      if (bytes === undefined) throw new Error('there is no such log')
      yield Buffer.from(bytes as Buffer)
    },
    state: async () => state,
  }
}

/** What verifying these bytes under this id comes to. */
export function verified(id: string, bytes: Buffer | string, options: Partial<VerifyOptions> = {}): Promise<Verification> {
  return verifyLogs(holding({ [id]: bytes }), { publicKey: signer.publicKey, ...options })
}

export const linesIn = (bytes: Buffer): string[] => bytes.toString().split('\n').slice(0, -1)
export const joined = (lines: readonly string[]): Buffer => Buffer.from(lines.map(line => `${line}\n`).join(''))

const folders: string[] = []

/** A folder that is gone after the tests of the file; `cleared` clears it. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'signing-'))
  folders.push(made)
  return made
}

export function clearFolders(): void {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
}

/** Makes the lock of a log say that its process is gone. */
export function orphan(dir: string, id: string, lock = 'lock-1'): void {
  const path = join(dir, 'log', id, lock)
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), pid: 2 ** 22 - 1, started: undefined }))
}
