import { visible } from '../../ctx/language/escape.js'
import { commitOf, refNamed, streamEnd, streamStart } from '../../ctx/record/git-stream.js'
import { fileLog } from '../../ctx/log/log-file.js'
import type { ReadRecord } from '../../ctx/log/log-reader.js'
import { logSnapshot } from '../../ctx/log/log-snapshot.js'
import { digestOf, sealRecord } from '../../ctx/record/record.js'
import type { RecordLog } from '../../ctx/log/record-log.js'
import { type Verification, verifyLogs } from '../../ctx/verify/verify.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { dirOption, folderOf } from './dir.js'
import { LogTail, merged } from './log-tail.js'
import { described, keysOf } from './verify.js'

/**
 * `actx git`: the record as a stream for `git fast-import`, a commit a record in the order of time. Everything is verified before the first byte is
 * printed; what a signature does not cover yet is left for the next time.
 */
export const git: Command = {
  usage: '[--ref R] [--log ID] [--key FILE] [--dir D]',
  options: {
    ref: { type: 'string', short: 'r', value: 'R', about: 'the ref that the commits are on; default: refs/heads/ctx' },
    log: { type: 'string', short: 'l', value: 'ID', about: 'the records of one log only' },
    key: { type: 'string', short: 'k', value: 'FILE', about: 'the public key to verify with; default: those of the folder' },
    dir: dirOption,
  },
  args: [0, 0],
  async run(io) {
    if (io.options.json) throw new UsageError('git prints a stream for git fast-import, and no JSON; leave out --json')
    const ref = refOf(io)
    const { dir, shown } = folderOf(io)
    const logs = await chosen(io, logSnapshot(fileLog({ dir })), shown)
    const verification = await verifyLogs(logs, { publicKey: keysOf(io, dir) })
    if (verification.verdict === 'bad') return refuse(io, verification)
    return print(io, logs, ref, await covered(logs, verification))
  },
}

function refOf({ options: { ref = 'refs/heads/ctx' } }: CommandIo): string {
  const full = refNamed(`${ref}`)
  if (!full) throw new UsageError(`git takes no ref "${ref}"; write a name such as refs/heads/ctx`)
  return full
}

async function chosen({ options: { log } }: CommandIo, all: RecordLog, shown: string): Promise<RecordLog> {
  const ids = await all.list()
  if (ids.length === 0) throw new UsageError(`there is no record in ${shown}; name its folder with --dir`)
  if (log === undefined) return all
  if (!ids.includes(`${log}`)) throw new UsageError(`there is no log "${log}" in ${shown}; see actx log`)
  return { ...all, list: async () => [`${log}`] }
}

function refuse(io: CommandIo, { problems }: Verification): number {
  for (const problem of problems) io.stderr.write(`actx git: ${visible(described(problem))}\n`)
  io.stderr.write('actx git: this is not the record as it was signed; nothing was printed\n')
  return exitCodes.failed
}

/** Of a log, how many of all its records a signature covers, and whether somebody is about to sign more. */
interface Covered {
  readonly records: number
  readonly total: number
  readonly isOpen: boolean
}

async function covered(logs: RecordLog, { logs: reports }: Verification): Promise<ReadonlyMap<string, Covered>> {
  const found = new Map<string, Covered>()
  for (const { log, records, unsigned } of reports) {
    const from = unsigned.find(({ recovered }) => !recovered)?.from
    found.set(log, { records: from ?? records, total: records, isOpen: (await logs.state(log)) === 'open' })
  }
  return found
}

/** Without its last line git takes nothing of it. */
async function print(io: CommandIo, logs: RecordLog, ref: string, known: ReadonlyMap<string, Covered>): Promise<number> {
  const tails = [...known.keys()].map(id => new LogTail('', id, () => logs.read(id)))
  let waiting: string | undefined
  io.stdout.write(streamStart)
  for await (const { log, record } of merged(tails)) {
    io.signal.throwIfAborted()
    const isCovered = record && record.body.seq < known.get(log)!.records
    // What is signed soon has its place here, before all that is younger. To its end it is read all the same: only then is it known to be unchanged.
    if (!isCovered && known.get(log)!.isOpen) waiting ??= log
    if (isCovered && !waiting) io.stdout.write(commitText(record, ref))
  }
  io.stdout.write(streamEnd)
  warn(io, known, waiting)
  return exitCodes.fine
}

const commitText = ({ body, text, sig }: ReadRecord, ref: string): string =>
  commitOf({ body, digest: digestOf(sealRecord(text)), sig }, ref)

function warn(io: CommandIo, known: ReadonlyMap<string, Covered>, waiting: string | undefined): void {
  for (const [log, { records, isOpen, total }] of known)
    if (records < total && !isOpen) say(io, `the last ${total - records} records of ${log} carry no signature; they are left out`)
  if (waiting === undefined) return
  const { records } = known.get(waiting)!
  say(io, `it ends before record ${records} of ${waiting}, which no signature covers yet; run it again when its writer has signed`)
}

const say = (io: CommandIo, text: string): void => void io.stderr.write(`actx git: warning: ${visible(text)}\n`)
