import { fileLog } from '../log/log-file.js'
import { linesOf, readLine } from '../log/log-reader.js'
import { writeTranslation } from './projections.js'
import { digestOf, type RecordBody, sealRecord } from './record.js'

/** Options of {@link rewriteTranslations}. */
export interface RewriteTranslationsOptions {
  /** Of which records: outcomes and statements of one's own, or all but those about the log itself. Default `outcomes`. */
  readonly files?: 'outcomes' | 'all' | undefined
  /** Only the logs of these ids. Default: all. */
  readonly logs?: readonly string[] | undefined
}

/** What came of {@link rewriteTranslations}. */
export interface RewrittenTranslations {
  /** Records whose three files were written. */
  readonly written: number
  /** Lines that are neither a record nor a checkpoint: of them there are no files. */
  readonly unreadable: number
}

/**
 * Writes the files of `translations/` again from the logs of a folder, byte for byte as they were written beside them. They are views: that a log is
 * whole, only `verifyLogs` says. Files of records that are in no log stay as they are.
 *
 * @param dir - the folder that holds `log/` and `translations/`
 * @throws TypeError for a wrong or unknown option, SigningError where a log cannot be read, and what the system says where a file cannot be written
 */
export async function rewriteTranslations(dir: string, options: RewriteTranslationsOptions = {}): Promise<RewrittenTranslations> {
  const { files, logs } = validated(options)
  const log = fileLog({ dir })
  let [written, unreadable] = [0, 0]
  for (const id of logs ?? (await log.list()))
    for await (const raw of linesOf(log.read(id))) {
      const line = readLine(raw)
      if (line.type === 'unreadable' && raw.whole) unreadable++
      if (line.type !== 'record' || !raw.whole || !isShown(line.body, files)) continue
      await writeTranslation(dir, { body: line.body, digest: digestOf(sealRecord(line.text)), sig: line.sig })
      written++
    }
  return { written, unreadable }
}

function isShown({ kind, phase }: RecordBody, files: 'outcomes' | 'all'): boolean {
  return files === 'all' ? kind !== 'log' : phase === 'outcome' || kind === 'statement'
}

function validated({ files = 'outcomes', logs, ...unknown }: RewriteTranslationsOptions) {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`rewriteTranslations: unknown option "${name}"; known are files, logs`)
  if (files !== 'outcomes' && files !== 'all')
    throw new TypeError(`rewriteTranslations: files must be outcomes or all, got ${JSON.stringify(files)}`)
  return { files, logs }
}
