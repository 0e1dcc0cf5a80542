import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { SigningError } from '../../core/errors.js'
import { visible } from '../../ctx/language/escape.js'
import { loadPublicKey, loadPublicKeys } from '../../ctx/keys/keys.js'
import { type Verification, verifyLogs } from '../../ctx/verify/verify.js'
import type { Problem, Verdict } from '../../ctx/verify/verify-log.js'
import { consistencyProofType } from '../../ctx/verify/prove-consistency.js'
import { recordProofType } from '../../ctx/verify/prove-record.js'
import { verifyConsistencyProof, verifyRecordProof } from '../../ctx/verify/verify-proof.js'
import { type TranslationReport, verifyTranslations } from '../../ctx/verify/verify-translations.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { dirOption, folderOf } from './dir.js'

/**
 * `actx verify`: the logs of a folder, record by record; or files, each by itself: those of `translations/`, and proofs. It needs the public key and
 * nothing else.
 */
export const verify: Command = {
  usage: '[FILE…] [--log] [--checkpoint FILE] [--key FILE] [--save FILE] [--dir D] [--allow-unanchored]',
  options: {
    log: { type: 'boolean', about: 'the logs too, where files are named; without files they are what is verified' },
    checkpoint: {
      type: 'string',
      short: 'c',
      value: 'FILE',
      about: 'checkpoints that were kept outside: they prove that nothing was cut off',
    },
    key: { type: 'string', short: 'k', value: 'FILE', about: 'the public key; default: those of the folder' },
    save: {
      type: 'string',
      short: 's',
      value: 'FILE',
      about: 'write the newest checkpoints there, unless something is bad; keep the file outside',
    },
    dir: dirOption,
    'allow-unanchored': { type: 'boolean', about: 'exit 0, with a warning, where only a checkpoint from outside is missing' },
  },
  args: [0, Number.MAX_SAFE_INTEGER],
  async run(io) {
    const found = await findings(io)
    const verdict = worst([found.logs?.verdict, ...(found.files ?? []).map(file => file.verdict)])
    if (io.options.json) io.stdout.write(`${JSON.stringify({ verdict, ...found }, null, 2)}\n`)
    else printFindings(io, verdict, found)
    if (verdict !== 'bad' && found.logs) await save(io, found.logs)
    return exitCode(io, verdict)
  },
}

interface Findings {
  readonly logs?: Verification
  readonly files?: readonly TranslationReport[]
}

async function findings(io: CommandIo): Promise<Findings> {
  const { dir, shown } = folderOf(io)
  const publicKey = keysOf(io, dir)
  const paths = io.args.map(path => resolve(io.cwd, path))
  const files = paths.length > 0 ? { files: await verifyFiles(paths, publicKey) } : {}
  if (paths.length > 0 && !io.options.log) return files
  const logs = await verifyLogs(dir, { publicKey, checkpoint: await checkpointOf(io) })
  if (logs.logs.length === 0 && logs.verdict !== 'bad') throw new UsageError(`there is no record in ${shown}; name its folder with --dir`)
  return { ...files, logs }
}

/** Proofs say what they are; what does not is a file of `translations/`. */
async function verifyFiles(paths: readonly string[], publicKey: readonly string[]): Promise<readonly TranslationReport[]> {
  const proofs: TranslationReport[] = []
  const others: string[] = []
  for (const file of paths) {
    const proof = await proofIn(file, publicKey)
    if (proof) proofs.push({ file, ...proof })
    else others.push(file)
  }
  return [...proofs, ...(await verifyTranslations(others, { publicKey })).files]
}

async function proofIn(file: string, publicKey: readonly string[]): Promise<Pick<TranslationReport, 'verdict' | 'problems'> | undefined> {
  const proof: unknown = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => undefined)
  const { type } = Object(proof) as { readonly type?: unknown }
  const verifyProof = type === recordProofType ? verifyRecordProof : type === consistencyProofType ? verifyConsistencyProof : undefined
  const found = verifyProof?.(proof, { publicKey })
  return found && { verdict: found.verdict, problems: found.problems }
}

/** Keys come from the folder or the command line, never from what is verified. */
export function keysOf(io: CommandIo, dir: string): readonly string[] {
  const { key } = io.options
  try {
    return typeof key === 'string' ? [loadPublicKey(resolve(io.cwd, key))] : loadPublicKeys(dir)
  } catch (error) {
    if (!(error instanceof SigningError)) throw error
    throw new UsageError(`no public key to verify with: ${error.message}; or name one with --key FILE`)
  }
}

async function checkpointOf(io: CommandIo): Promise<string | undefined> {
  const { checkpoint } = io.options
  if (typeof checkpoint !== 'string') return undefined
  try {
    return await readFile(resolve(io.cwd, checkpoint), 'utf8')
  } catch (error) {
    throw new UsageError(
      `${checkpoint} cannot be read (${(error as NodeJS.ErrnoException).code}); --checkpoint takes a file of checkpoints`,
    )
  }
}

function worst(verdicts: readonly (Verdict | undefined)[]): Verdict {
  for (const verdict of ['bad', 'unanchored'] as const) if (verdicts.includes(verdict)) return verdict
  return 'ok'
}

function printFindings(io: CommandIo, verdict: Verdict, { files = [], logs }: Findings): void {
  const say = (line: string) => void io.stdout.write(`${visible(line)}\n`)
  for (const { file, verdict: one, problems } of files) say(`${one.padEnd(10)}  ${file}${problems.map(problem => `; ${problem}`).join('')}`)
  for (const { log, verdict: one, records } of logs?.logs ?? []) say(`${one.padEnd(10)}  ${log}, ${records} records`)
  for (const { log, parent } of logs?.logs ?? [])
    if (parent && !parent.found && !isHere(logs!, parent.log)) say(`            ${log}: the log of its parent, ${parent.log}, is not here`)
  for (const problem of logs?.problems ?? []) say(`            ${described(problem)}`)
  say(`${verdict}${explained[verdict]}`)
}

const isHere = ({ logs }: Verification, id: string): boolean => logs.some(({ log }) => log === id)

const explained: Readonly<Record<Verdict, string>> = {
  ok: '',
  bad: ': this is not the record as it was signed',
  unanchored:
    ': nothing is wrong with what is here, but nothing from outside proves that no end was cut off; keep checkpoints with --save FILE, verify with --checkpoint FILE',
}

/** A finding in one line. */
export function described({ log, line, seq, why, says }: Problem): string {
  const places = [log, seq === undefined ? '' : `record ${seq}`, line === undefined ? '' : `line ${line}`].filter(place => place !== '')
  return `${places.join(', ')}${places.length > 0 ? ': ' : ''}${says} (${why})`
}

/** The newest checkpoint of each log, one after the other, as `--checkpoint` takes them. */
async function save(io: CommandIo, { logs }: Verification): Promise<void> {
  const { save: file } = io.options
  if (typeof file === 'string') await writeFile(resolve(io.cwd, file), logs.flatMap(({ checkpoint }) => checkpoint ?? []).join('\n'))
}

function exitCode(io: CommandIo, verdict: Verdict): number {
  if (verdict === 'ok') return exitCodes.fine
  if (verdict === 'bad' || !io.options['allow-unanchored']) return exitCodes.failed
  io.stderr.write('actx verify: warning: no checkpoint from outside proves that nothing was cut off\n')
  return exitCodes.fine
}
