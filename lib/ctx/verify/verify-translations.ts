import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { decodeBase64 } from '../base64-strict.js'
import { canonicalJson } from '../canonical-json.js'
import { human } from '../targets/emitters/human.js'
import { isBody } from '../log/log-reader.js'
import { recordType } from '../record/pae.js'
import { CTXParser } from '../language/parser.js'
import { type ShownRecord, translationEnds, translationOf } from '../record/projections.js'
import { digestOf, sealRecord } from '../record/record.js'
import { serialize } from '../language/serializer.js'
import { TrustedKeys } from '../keys/trusted-keys.js'
import type { Verdict } from './verify-log.js'

/** Options of {@link verifyTranslations}. */
export interface VerifyTranslationsOptions {
  /** The keys whose signatures count. They come from configuration: a key that a file names proves nothing. */
  readonly publicKey: Uint8Array | string | readonly (Uint8Array | string)[]
}

/** What the verification of one record's files came to. */
export interface TranslationReport {
  /** The `.json` file. */
  readonly file: string
  /** `unanchored`: nothing is wrong, but the record has no signature of its own; its log has, by a tree head. */
  readonly verdict: Verdict
  /** What is wrong, half a sentence each. Holds no content. */
  readonly problems: readonly string[]
}

/** What the verification of translations came to. */
export interface TranslationsVerification {
  /** The worst of all. */
  readonly verdict: Verdict
  readonly files: readonly TranslationReport[]
}

/**
 * Verifies files of `translations/`, each by itself: the name and the digest, the signature by a key of the configuration, the statement translated
 * again and compared with the sentence, and the `.ctx` and `.md` beside it. Whatever the bytes are, it answers. Whether a record is missing,
 * only its log can say: see `verifyLogs`.
 *
 * @param where - the folder that holds `translations/`, or files of it; of each record one of its files is enough
 * @throws TypeError where a public key is none
 */
export async function verifyTranslations(
  where: string | readonly string[],
  { publicKey }: VerifyTranslationsOptions,
): Promise<TranslationsVerification> {
  const keys = new TrustedKeys(typeof publicKey === 'string' || publicKey instanceof Uint8Array ? [publicKey] : publicKey)
  const paths = typeof where === 'string' ? await filesIn(join(where, 'translations')) : where
  const files: TranslationReport[] = []
  for (const file of new Set(paths.map(path => path.replace(/\.(ctx|md|json)$/, '')))) files.push(await verifyOne(file, keys))
  return { verdict: worst(files), files }
}

const worst = (files: readonly TranslationReport[]): Verdict =>
  files.some(({ verdict }) => verdict === 'bad') ? 'bad' : files.every(({ verdict }) => verdict === 'ok') ? 'ok' : 'unanchored'

async function filesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter(name => /\.(ctx|md|json)$/.test(name)).map(name => join(folder, name))
}

async function verifyOne(base: string, keys: TrustedKeys): Promise<TranslationReport> {
  const file = `${base}.json`
  const text = await textOf(file)
  if (typeof text !== 'string') return { file, verdict: 'bad', problems: [`it cannot be read: ${text.code}`] }
  const record = recordIn(text)
  if (!record) return { file, verdict: 'bad', problems: ['it is not the file of a record, in the one canonical form'] }
  const problems = [...flawsOf(record, basename(base), keys), ...(await otherFlaws(base, record))]
  return { file, verdict: problems.length > 0 ? 'bad' : record.sig === undefined ? 'unanchored' : 'ok', problems }
}

async function textOf(file: string): Promise<string | { readonly code: string }> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? 'unknown' }
  }
}

function recordIn(text: string): ShownRecord | undefined {
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    const { digest, signature, type, ...body } = value
    if (`${canonicalJson(value)}\n` !== text || type !== recordType || typeof digest !== 'string' || !isBody(body)) return
    if (signature === null) return { body, digest }
    return typeof signature === 'string' ? { body, digest, sig: signature } : undefined
  } catch {
    return undefined
  }
}

function* flawsOf({ body, digest, sig }: ShownRecord, name: string, keys: TrustedKeys): Generator<string> {
  const sealed = sealRecord(canonicalJson(body))
  if (digestOf(sealed) !== digest) yield 'the digest is not that of the record'
  if (name !== digest) yield 'its name is not its digest'
  const key = keys.find(body.key)
  const bytes = sig === undefined ? undefined : decodeBase64(sig)
  if (!key) yield 'the key is not one of those that are trusted'
  else if (sig !== undefined && (!bytes || !key.verify(sealed.encoded, bytes))) yield 'the signature is not good'
  if (!isTranslated(body.ctx, body.human)) yield 'the sentence is not the translation of the statement'
}

function isTranslated(ctx: string, sentence: string): boolean {
  try {
    const statement = new CTXParser().parse(ctx)
    return serialize(statement) === ctx && human(statement) === sentence
  } catch {
    return false
  }
}

/** The files for people must say what the signed one says, where they are there. */
async function otherFlaws(base: string, record: ShownRecord): Promise<readonly string[]> {
  const expected = translationOf(record)
  const flaws: string[] = []
  for (const end of translationEnds) {
    const text = await textOf(`${base}.${end}`)
    const isThere = typeof text === 'string' || text.code !== 'ENOENT'
    if (isThere && text !== expected[end]) flaws.push(`${basename(base)}.${end} does not say what the signed record says`)
  }
  return flaws
}
