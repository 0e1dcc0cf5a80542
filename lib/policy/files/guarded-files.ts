import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname, isAbsolute, resolve, sep } from 'node:path'
import { ViolationError } from '../../core/errors.js'
import { checkKnown, flag, shown } from '../check-options.js'
import { type FileOpener, type JudgePlace, openerFor } from './file-opener.js'
import { type HeldPlace, MovedError } from './held-place.js'
import { strangePath } from './strange-path.js'
import { type HeldFile, type Rule, responses } from '../types.js'

/**
 * How a file is opened: `r` to read, `r+` to read and change it, `w` to write it anew, `wx` to write it where there is none, `a` to add to its end. `w`, `wx` and
 * `a` make it where there is none.
 */
export type OpenMode = 'r' | 'r+' | 'w' | 'wx' | 'a'

/** Options of {@link guardedFiles}. */
export interface GuardedFilesOptions {
  /** What relative paths start from. Default: the root of the `files` rules; needed where they differ. */
  readonly root?: string
  /** Are the folders made that a new file needs? Default: false. */
  readonly makeFolders?: boolean
}

/** Opens what the rules allow, and nothing else. */
export interface GuardedFiles {
  /**
   * Opens a file. Judged is the file that was opened, by where it is, not the path that led to it: what is changed on the disk between a judgement and the
   * opening makes no difference.
   * @returns a handle, which the caller closes
   * @throws ViolationError where a rule refuses it, where it is no file, or where it is moved again and again while it is opened
   * @throws Error of the system where it cannot be opened: `ENOENT`, `EACCES`, with `wx` `EEXIST`
   */
  open(path: string, mode?: OpenMode): Promise<FileHandle>
}

/** What a mode comes to. */
interface Way {
  readonly uses: readonly HeldFile['use'][]
  readonly flags: number
  /** May it be there already? */
  readonly opens: boolean
  /** May it be made? */
  readonly makes: boolean
  readonly empties: boolean
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND } = constants
const ways: Readonly<Record<OpenMode, Way>> = {
  r: { uses: ['read'], flags: O_RDONLY, opens: true, makes: false, empties: false },
  'r+': { uses: ['read', 'write'], flags: O_RDWR, opens: true, makes: false, empties: false },
  w: { uses: ['write'], flags: O_WRONLY, opens: true, makes: true, empties: true },
  wx: { uses: ['write'], flags: O_WRONLY, opens: false, makes: true, empties: false },
  a: { uses: ['write'], flags: O_WRONLY | O_APPEND, opens: true, makes: true, empties: false },
}

/** What stands at a path may be another a moment later: so often it is tried anew. */
const mostTries = 10

const where = 'guardedFiles'

/** A rule that judges files. */
type FileRule = Rule & { readonly file: NonNullable<Rule['file']> }

/**
 * For file tools: opens files under the rules that judge the tool's calls, without a gap between judgement and use. Rules that only warn, and those in shadow,
 * refuse nothing here either. State: none.
 * @param rules - those that the agent is under; the ones that `rules.files` and `rules.selfModification` made are asked
 * @throws TypeError where none of them judges files, where they start from different folders and no `root` is given, or on a wrong option
 */
export function guardedFiles(rules: readonly Rule[], options: GuardedFilesOptions = {}): GuardedFiles {
  return filesBehind(openerFor(process.platform), rules, options)
}

/** The same with the opener of another system. */
export function filesBehind(opener: FileOpener, rules: readonly Rule[], options: GuardedFilesOptions): GuardedFiles {
  checkKnown(where, options, ['root', 'makeFolders'])
  const makeFolders = flag(where, 'makeFolders', options.makeFolders, false)
  const asked = fileRules(rules)
  const door = new Door(opener, asked.filter(refuses), rootOf(asked, options.root), makeFolders)
  return Object.freeze({ open: async (path: string, mode: OpenMode = 'r') => door.open(path, wayOf(mode)) })
}

function fileRules(rules: unknown): readonly FileRule[] {
  if (!Array.isArray(rules)) throw new TypeError(`${where}: rules must be a list, got ${shown(rules)}`)
  const found = rules.filter((rule): rule is FileRule => rule?.file !== undefined)
  if (found.length === 0) throw new TypeError(`${where}: none of the rules judges files; give one that rules.files made`)
  return found
}

const refuses = ({ shadow, response }: Rule): boolean => !shadow && responses.indexOf(response) >= responses.indexOf('deny')

function rootOf(asked: readonly FileRule[], given: unknown): string {
  if (given !== undefined && (typeof given !== 'string' || given === ''))
    throw new TypeError(`${where}: root must be a folder, got ${shown(given)}`)
  if (typeof given === 'string') return resolve(given)
  const roots = new Set(asked.flatMap(({ file }) => file.root ?? []))
  if (roots.size > 1) throw new TypeError(`${where}: the rules start from different folders; give root`)
  return [...roots][0] ?? process.cwd()
}

function wayOf(mode: OpenMode): Way {
  if (typeof mode !== 'string' || !Object.hasOwn(ways, mode))
    throw new TypeError(`${where}: the mode must be one of ${Object.keys(ways).join(', ')}; got ${shown(mode)}`)
  return ways[mode]
}

class Door {
  readonly #opener: FileOpener
  readonly #rules: readonly FileRule[]
  readonly #root: string
  readonly #makesFolders: boolean

  constructor(opener: FileOpener, rules: readonly FileRule[], root: string, makesFolders: boolean) {
    this.#opener = opener
    this.#rules = rules
    this.#root = root
    this.#makesFolders = makesFolders
  }

  async open(path: string, way: Way): Promise<FileHandle> {
    const full = this.#admitted(path, way)
    const handle = await this.#opened(full, path, way)
    if (way.empties) await emptied(handle)
    return handle
  }

  /** By its text and where it leads now, before anything is opened: a path that is refused does not tell whether something is there. */
  #admitted(path: string, { uses, makes }: Way): string {
    const strange = strangePath(path) ?? (makes && /[\\/]\.{0,2}$/.test(path) ? `${shown(path)} names a folder` : undefined)
    if (strange !== undefined) throw refusal(strange)
    const full = isAbsolute(path) ? path : `${this.#root}${sep}${path}`
    for (const use of uses) for (const rule of this.#rules) throwFinding(rule, rule.file.asked(use, full, path))
    return full
  }

  async #opened(full: string, path: string, way: Way): Promise<FileHandle> {
    for (let tries = 0; tries < mostTries; tries++) {
      try {
        return await this.#once(full, path, way)
      } catch (error) {
        if (!(error instanceof MovedError) && !(way.opens && way.makes && hasCode(error, 'EEXIST'))) throw error
      }
    }
    throw refusal(`${shown(path)} was moved while it was opened`)
  }

  async #once(full: string, path: string, way: Way): Promise<FileHandle> {
    const judge: JudgePlace = place => this.#judge(place, path, way)
    try {
      if (way.opens) return await this.#opener.open(full, way.flags, judge)
    } catch (error) {
      if (!way.makes || !hasCode(error, 'ENOENT')) throw error
    }
    if (this.#makesFolders) this.#makeFolders(dirname(full), judge)
    return this.#opener.make(full, way.flags, judge)
  }

  #makeFolders(full: string, judge: JudgePlace): void {
    if (this.#isMade(full, judge)) return
    this.#makeFolders(dirname(full), judge)
    this.#isMade(full, judge)
  }

  /** Is the folder there by now? False where one above it is missing. */
  #isMade(full: string, judge: JudgePlace): boolean {
    try {
      this.#opener.makeFolder(full, judge)
      return true
    } catch (error) {
      if (hasCode(error, 'EEXIST') || full === dirname(full)) return true
      if (hasCode(error, 'ENOENT')) return false
      throw error
    }
  }

  #judge(place: HeldPlace, path: string, { uses }: Way): void {
    for (const use of uses) for (const rule of this.#rules) throwFinding(rule, rule.file.held({ ...place, use }, path))
    if (place.stats && !place.stats.isFile()) throw refusal(`${shown(path)} is no file`)
  }
}

async function emptied(handle: FileHandle): Promise<void> {
  try {
    await handle.truncate()
  } catch (error) {
    await handle.close()
    throw error
  }
}

function throwFinding({ id, response, severity }: Rule, finding: { readonly details: string } | undefined): void {
  if (finding) throw new ViolationError({ ruleId: id, response, severity, kind: 'tool', details: finding.details })
}

const refusal = (details: string): ViolationError => new ViolationError({ ruleId: 'files', kind: 'tool', details })
const hasCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code
