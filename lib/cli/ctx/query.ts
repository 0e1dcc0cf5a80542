import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.js'
import { visible } from '../../ctx/language/escape.js'
import { fileLog } from '../../ctx/log/log-file.js'
import { LogWriter } from '../../ctx/log/log-writer.js'
import { loadSigningKey, type SigningKey } from '../../ctx/keys/keys.js'
import { type ShownRecord, type TranslationFiles, writeTranslation } from '../../ctx/record/projections.js'
import { digestOf } from '../../ctx/record/record.js'
import { type Translation, Translator } from '../../ctx/targets/translator.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { dirOption, folderOf } from './dir.js'
import { explained, isStatement, statementOf } from './statement-argument.js'

/** Whose log it is. */
const agent = { id: 'actx', name: 'actx', type: 'command' }

/** A log is read before one goes on with it: a full one is closed, so that a call costs the same for ever. */
const parkBelow = 1_000

/** How much of a digest names a record among people. */
const shortDigest = 12

/**
 * `actx query`: writes a statement into the record of the folder, signed. Calls go on with one log, the next with the next number; a call that
 * finds it held by another writes one of its own.
 */
export const query: Command = {
  usage: "[--dir D] 'STATEMENT'",
  options: { dir: dirOption },
  args: [0, Number.MAX_SAFE_INTEGER],
  isArgument: isStatement,
  async run(io) {
    const statement = statementOf(io)
    const translation = explained(statement, () => new Translator().translate(statement, 'human'))
    const { dir, shown } = folderOf(io)
    const record = await written(io, dir, keyOf(dir, shown), translation)
    report(io, record, await filesOf(io, dir, record))
    return exitCodes.fine
  },
}

/** A key is made by `actx init` and not by the way: in the wrong folder it would be a key that nobody verifies with. */
function keyOf(dir: string, shown: string): SigningKey {
  if (existsSync(join(dir, '.keys'))) return loadSigningKey(dir)
  throw new UsageError(`there is no key to sign with in ${shown}; make one with actx init, or name the folder with --dir`)
}

async function written(io: CommandIo, dir: string, signer: SigningKey, { ctx, output: human }: Translation): Promise<ShownRecord> {
  const writer = await LogWriter.open({ log: fileLog({ dir }), agent, signer, clock: io.clock ?? systemClock, parkBelow })
  try {
    io.signal.throwIfAborted()
    const record = writer.append({ ctx, human, action: agent.id, kind: 'statement', phase: 'note', policy: null })
    await record.durable
    return { body: JSON.parse(record.body), digest: digestOf(record), sig: record.sig }
  } finally {
    await writer.park()
  }
}

/** They are a view of the log: the statement is recorded without them. */
async function filesOf(io: CommandIo, dir: string, record: ShownRecord): Promise<TranslationFiles | undefined> {
  try {
    return await writeTranslation(dir, record)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    io.stderr.write(`actx query: warning: it is recorded, but its files in translations/ cannot be written (${code})\n`)
    return undefined
  }
}

function report(io: CommandIo, { body, digest, sig }: ShownRecord, files: TranslationFiles | undefined): void {
  const { ctx, human, log, seq, at, key } = body
  const document = { digest, ctx, human, signature: sig, key, log, seq, at, ...(files ? { files } : {}) }
  if (io.options.json) io.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  else io.stdout.write(`${visible(human)}\n${digest.slice(0, shortDigest)}\n`)
}
