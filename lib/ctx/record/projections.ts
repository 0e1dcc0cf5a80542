import { randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../canonical-json.js'
import { recordType } from './pae.js'
import type { RecordBody } from './record.js'

/** A record as its three files show it. */
export interface ShownRecord {
  readonly body: RecordBody
  readonly digest: string
  /** Base64; absent where a tree head of the log covers the record. */
  readonly sig?: string | undefined
}

/** The files of one record. */
export interface TranslationFiles {
  /** The statement. */
  readonly ctx: string
  /** The statement, the sentence, and what proves them, for people. */
  readonly md: string
  /** Every field, the digest and the signature, for machines. */
  readonly json: string
}

/** The ends of the names, in the order in which the files are written. */
export const translationEnds: readonly (keyof TranslationFiles)[] = ['ctx', 'md', 'json']

/** What stands in the three files of a record: the same record gives the same bytes. */
export function translationOf({ body, digest, sig }: ShownRecord): TranslationFiles {
  return {
    ctx: `${body.ctx}\n`,
    md: markdown({ body, digest, sig }),
    json: `${canonicalJson({ ...body, digest, signature: sig ?? null, type: recordType })}\n`,
  }
}

function markdown({ body, digest, sig }: ShownRecord): string {
  const proof = sig === undefined ? `by the tree head of log \`${body.log}\` that covers record ${body.seq}` : `\`${sig}\``
  return `>     ${body.ctx}

${body.human}

---

- Signature: ${proof}
- Key: \`${body.key}\`
- Digest: \`${digest}\`
- Time: ${timeOf(body.at)}
`
}

/** A clock may be wrong beyond what a date can say. */
const timeOf = (at: number): string => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : `${at}`)

/** The paths of a record's files. */
export function translationPaths(dir: string, digest: string): TranslationFiles {
  const pathOf = (end: string): string => join(dir, 'translations', `${digest}.${end}`)
  return { ctx: pathOf('ctx'), md: pathOf('md'), json: pathOf('json') }
}

/** Writes the files of a record below `translations/`. They are a view of the log: not durable, and written again at will. */
export async function writeTranslation(dir: string, record: ShownRecord): Promise<TranslationFiles> {
  const paths = translationPaths(dir, record.digest)
  const texts = translationOf(record)
  await mkdir(join(dir, 'translations'), { recursive: true, mode: 0o700 })
  for (const end of translationEnds) await replace(paths[end], texts[end])
  return paths
}

/** A reader sees the whole file or none. */
async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`
  await writeFile(draft, text, { mode: 0o600 })
  await rename(draft, path)
}

/** How many records may wait for their files: beyond that, the newest are left out. */
const mostWaiting = 1_000

/** Writes translations one after the other, behind the actions: what fails is counted, and blocks nobody. */
export class TranslationWriter {
  readonly #dir: string
  readonly #note: (error: unknown) => void
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #written = 0
  #failed = 0

  constructor(dir: string, note: (error: unknown) => void) {
    this.#dir = dir
    this.#note = note
  }

  get counts(): { readonly written: number; readonly failed: number } {
    return { written: this.#written, failed: this.#failed }
  }

  add(record: () => ShownRecord): void {
    if (this.#waiting >= mostWaiting) {
      this.#lose(new Error('too many translations are waiting to be written'))
      return
    }
    this.#waiting++
    this.#last = this.#last.then(() => this.#write(record))
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    return this.#last
  }

  async #write(record: () => ShownRecord): Promise<void> {
    try {
      await writeTranslation(this.#dir, record())
      this.#written++
    } catch (error) {
      this.#lose(error)
    }
    this.#waiting--
  }

  #lose(error: unknown): void {
    this.#failed++
    this.#note(error)
  }
}
