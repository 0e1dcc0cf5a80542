import type { Clock } from '../../core/clock.js'
import { ConfigError } from '../../core/errors.js'
import type { Rule } from '../types.js'
import { compareRules, saying } from './compare-rules.js'
import { parsePolicy, type PolicyFile, textDigest } from './parse-policy.js'
import { type PolicyReader, readOwned } from './policy-text.js'
import { projectRules, textOf } from './project-rules.js'

/** What became of a file of rules that has changed. */
export interface PolicyChange {
  /** `heldBack`: what would loosen the policy has no effect; what tightens it has. `broken`: the rules in force stay. */
  readonly change: 'tightened' | 'loosened' | 'heldBack' | 'broken'
  /** Which rules, or what is wrong with the file. */
  readonly reason: string
}

/** Options of {@link openProject}. */
export interface OpenProjectOptions {
  readonly clock: Clock
  /** Hears of every change. */
  readonly hear: (change: PolicyChange) => void
  /** What would loosen the policy takes effect too. Default: false. */
  readonly allowLoosening?: boolean
  /** Where a relative path starts, and the search. Default: the working directory of the process. */
  readonly cwd?: string
  /** Reads a file. Default: from the disk, where nobody but its owner can have written it. */
  readonly read?: PolicyReader
}

const fix = 'allow loosening, or start again'
/** What is in force may be this much older than the file, in milliseconds. */
const freshMs = 250

/**
 * The rules of a project, as its files say them now: whoever asks for them looks at the files again, four times a second at most. Nothing is watched in between, so
 * that nothing is left running.
 */
export class LivePolicy {
  readonly #options: OpenProjectOptions
  readonly #read: PolicyReader
  #files: readonly PolicyFile[]
  #rules: readonly Rule[]
  #lookedAt: number
  /** By path: what is wrong with a file since it was last in order. */
  readonly #broken = new Map<string, string>()

  constructor(where: string | true, options: OpenProjectOptions) {
    const { read = readOwned, clock, cwd } = options
    this.#options = options
    this.#read = read
    this.#files = projectRules(where, { read, ...(cwd === undefined ? {} : { cwd }) })
    this.#rules = rulesOf(this.#files)
    this.#lookedAt = clock.monotonic()
  }

  /** The rules in force: the same list until they change. */
  get rules(): readonly Rule[] {
    const now = this.#options.clock.monotonic()
    if (now - this.#lookedAt >= freshMs) {
      this.#lookedAt = now
      this.#look()
    }
    return this.#rules
  }

  #look(): void {
    const files = this.#files.map(file => this.#again(file))
    if (files.every((file, at) => file === this.#files[at])) return
    this.#files = files
    const before = this.#rules
    const after = withoutNew(before, rulesOf(files))
    this.#change(before, after, compareRules(before, after).loosened)
  }

  /** One that cannot be used any more stays as it was: it takes nothing away, and it keeps no other from changing. */
  #again(file: PolicyFile): PolicyFile {
    try {
      const text = textOf(file.path, this.#read)
      const next = textDigest(text) === file.digest ? file : parsePolicy(file.path, text)
      this.#broken.delete(file.path)
      return next
    } catch (error) {
      this.#tellBroken(file.path, error instanceof ConfigError ? error.message : `${file.path} cannot be used`)
      return file
    }
  }

  /** Once for each fault. */
  #tellBroken(path: string, reason: string): void {
    if (this.#broken.get(path) === reason) return
    this.#broken.set(path, reason)
    this.#options.hear({ change: 'broken', reason })
  }

  #change(before: readonly Rule[], after: readonly Rule[], loosened: readonly Rule[]): void {
    const stricter = [...after, ...pinned(before, after)]
    const names = loosened.map(({ id }) => id).join(', ')
    if (loosened.length === 0) this.#put(stricter, 'tightened', 'the rules are stricter')
    else if (this.#options.allowLoosening) this.#put(after, 'loosened', `no longer as strict: ${names}`)
    else this.#put([...stricter, ...loosened], 'heldBack', `still in force, though the file no longer says so: ${names}; ${fix}`)
  }

  #put(given: readonly Rule[], change: PolicyChange['change'], reason: string): void {
    const rules = new Set(given)
    const isSame = rules.size === new Set(this.#rules).size && this.#rules.every(rule => rules.has(rule))
    if (!isSame) this.#rules = Object.freeze([...rules])
    if (!isSame || change === 'heldBack') this.#options.hear({ change, reason })
  }
}

/** Follows the files of a project. @throws ConfigError where there is none, or one cannot be read, or is wrong */
export function openProject(where: string | true, options: OpenProjectOptions): LivePolicy {
  return new LivePolicy(where, options)
}

const rulesOf = (files: readonly PolicyFile[]): readonly Rule[] => Object.freeze(files.flatMap(({ rules }) => rules))

/** A rule that says what one says already is that one: with what it has counted, and the links that it has followed. */
function withoutNew(before: readonly Rule[], after: readonly Rule[]): readonly Rule[] {
  const known = new Map(before.map(rule => [saying(rule), rule]))
  return after.map(rule => known.get(saying(rule)) ?? rule)
}

/** Rules on files that are replaced by stricter ones: these follow the links of today, which an agent may have changed, so those of yesterday hold too. */
function pinned(before: readonly Rule[], after: readonly Rule[]): readonly Rule[] {
  return before.filter(rule => !after.includes(rule) && (rule.facts as { readonly rule?: unknown }).rule === 'files')
}
