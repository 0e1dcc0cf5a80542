import { type Check, type CheckedText, type GuardrailHold, Refusal, type Seeker, type Tally } from './checks.js'
import { ownFinding } from './own-finding.js'

/** What takes the place of a part of a text, in UTF-16 units from its start. */
export interface Replaced {
  readonly start: number
  readonly end: number
  readonly by: string
}

/** What has been decided: up to where, and what is replaced there. */
export interface Decided {
  readonly upTo: number
  readonly replaced: readonly Replaced[]
}

interface Span {
  readonly check: Check
  /** Which of two that begin at one place comes first. */
  readonly order: number
  readonly name: string
  readonly start: number
  readonly end: number
}

interface Cursor {
  readonly check: Check
  readonly order: number
  readonly seeker: Seeker
  readonly expression: RegExp
  /** No match that is not noted begins before it. */
  from: number
  /** Where a candidate may have begun whose run has not ended; -1 where none has. */
  open: number
  /** Whatever begins before it is known. */
  safe: number
}

/** Where a scan stands, and what it tells. */
export interface ScanOf {
  readonly checks: readonly Check[]
  readonly hold: GuardrailHold
  readonly tally: Tally
  readonly about: CheckedText
}

/** How much of what has been released stays for expressions that look behind themselves. */
const context = 256
/** The end of a sentence, and how long one is at most. */
const sentenceEnd = /[.!?…][)"'\]”’]{0,4}\s|\n|[。！？]/g
const longestEnd = 6

/**
 * Looks through one text as it comes in, in pieces of any length, and says what is decided: the same, whatever the pieces are. Of what has been decided
 * nothing is decided anew.
 */
export class TextScan {
  readonly #of: ScanOf
  #checks: readonly Check[]
  #cursors: readonly Cursor[]
  #owns: readonly { readonly check: Check; readonly order: number }[]
  #text = ''
  /** Where `#text` begins. */
  #base = 0
  #found: Span[] = []
  #decided = 0
  /** Where the sentence begins that has not ended. */
  #sentence = 0
  /** The last characters: the end of a sentence may have begun in them. */
  #tail = ''
  /** Where the piece begins that the checks of your own have not seen, and where the whole pieces behind it end. */
  #piece = 0
  #ends: number[] = []

  constructor(of: ScanOf) {
    this.#of = of
    this.#checks = of.checks
    this.#cursors = of.checks.flatMap((check, at) =>
      check.seekers.map((seeker, n) => cursorOf(check, at + n / check.seekers.length, seeker)),
    )
    this.#owns = of.checks.map((check, order) => ({ check, order })).filter(({ check }) => check.own)
  }

  /** All of the text so far. */
  get length(): number {
    return this.#base + this.#text.length
  }

  /** Takes the next piece. @throws Refusal where the text is longer than a check may look at */
  push(piece: string): void {
    for (const cursor of this.#cursors) if (cursor.seeker.run) follow(cursor, cursor.seeker.run, piece, this.length)
    if (this.#of.hold === 'sentence') this.#seekSentences(piece)
    this.#text += piece
    for (const check of this.#checks) if (this.length > check.maxChars) this.#tooLong(check)
  }

  /**
   * Decides as much as can be; all of it where the text is `final`.
   * @throws Refusal where a check forbids it
   */
  advance(final: boolean): Decided | Promise<Decided> {
    const asked = this.#askOwn(final)
    return asked ? asked.then(() => this.#decide(final)) : this.#decide(final)
  }

  /** Nothing more is looked for by a check that only warns, and did. */
  #tooLong(check: Check): void {
    const what = `a text of more than ${check.maxChars} characters`
    if (check.response !== 'warn') throw new Refusal(check, what)
    this.#of.tally.add(check, what)
    const others = <T extends { readonly check: Check }>(list: readonly T[]) => list.filter(other => other.check !== check)
    this.#checks = this.#checks.filter(other => other !== check)
    this.#cursors = others(this.#cursors)
    this.#owns = others(this.#owns)
  }

  #decide(final: boolean): Decided {
    // A text that cannot go any further yet is not gone through: it may come in very many pieces.
    if (!final && Math.min(this.#ripe(), ...this.#cursors.map(cursor => this.#safeOf(cursor))) <= this.#decided)
      return { upTo: this.#decided, replaced: [] }
    for (const cursor of this.#cursors) this.#seek(cursor, final)
    this.#found.sort((a, b) => a.start - b.start || a.order - b.order)
    const limit = Math.min(final ? this.length : this.#ripe(), this.length, ...this.#cursors.map(({ safe }) => safe))
    const decided = this.#settle(Math.max(limit, this.#decided))
    this.#decided = decided.upTo
    this.#trim()
    return decided
  }

  /** How far the text may go by the hold alone. */
  #ripe(): number {
    const { hold } = this.#of
    if (typeof hold === 'object') return this.length - hold.window
    if (hold !== 'sentence') return 0
    return this.#sentence
  }

  /** Looks at no more than the end of what came before: a text that grows is not gone through again. */
  #seekSentences(piece: string): void {
    const text = this.#tail + piece
    const base = this.length - this.#tail.length
    sentenceEnd.lastIndex = Math.max(0, this.#sentence - base)
    for (let found = sentenceEnd.exec(text); found; found = sentenceEnd.exec(text)) {
      this.#sentence = base + found.index + found[0].length
      if (this.#owns.length > 0) this.#ends.push(this.#sentence)
    }
    this.#tail = text.slice(-longestEnd)
  }

  #seek(cursor: Cursor, final: boolean): void {
    const { seeker, expression } = cursor
    const safe = final ? Number.POSITIVE_INFINITY : this.#safeOf(cursor)
    cursor.safe = safe
    while (cursor.from < Math.min(safe, this.length)) {
      expression.lastIndex = cursor.from - this.#base
      const match = expression.exec(this.#text)
      const start = match ? this.#base + match.index : Number.POSITIVE_INFINITY
      if (start >= safe || !match) break
      if (!final && this.#mayGrow(seeker, start, match[0].length)) {
        cursor.safe = start
        cursor.from = start
        return
      }
      this.#note(cursor, start, match[0])
    }
    cursor.from = Math.max(cursor.from, Math.min(safe, this.length))
  }

  #safeOf({ seeker, open }: Cursor): number {
    if (seeker.run) return open < 0 ? this.length : open
    return Math.max(0, this.length - seeker.longest)
  }

  #mayGrow({ longest, ahead, run }: Seeker, start: number, length: number): boolean {
    return start + length + ahead >= this.length && (run !== undefined || length < longest)
  }

  #note(cursor: Cursor, start: number, candidate: string): void {
    const { check, order, seeker } = cursor
    const length = seeker.counted ? seeker.counted(candidate) : candidate.length
    if (length > 0) this.#found.push({ check, order, name: seeker.name, start, end: start + length })
    // What is none may hide one that begins within it.
    cursor.from = start + Math.max(1, length)
  }

  /** Counts and replaces what begins before `limit`; what goes on behind it is left for later. */
  #settle(limit: number): Decided {
    const known = this.#found.filter(({ start }) => start < limit)
    const forbidden = known.find(({ check }) => check.response === 'deny')
    if (forbidden) {
      for (const span of known.slice(0, known.indexOf(forbidden))) this.#count(span)
      throw new Refusal(forbidden.check, forbidden.name)
    }
    const replaced = merged(known.filter(({ check }) => check.response === 'redact'))
    const last = replaced.at(-1)
    const upTo = last && last.end > limit ? last.start : limit
    for (const span of known) if (span.start < upTo) this.#count(span)
    this.#found = this.#found.filter(({ start }) => start >= upTo)
    return { upTo, replaced: replaced.filter(({ start }) => start < upTo) }
  }

  #count({ check, name }: Span): void {
    this.#of.tally.add(check, name)
  }

  /** Has the pieces judged that are whole: sentences, or the text. */
  #askOwn(final: boolean): Promise<void> | undefined {
    if (this.#owns.length === 0 || (this.#ends.length === 0 && !final)) return undefined
    return this.#askEach(final)
  }

  async #askEach(final: boolean): Promise<void> {
    for (const end of this.#ends.splice(0)) await this.#ask(this.#piece, end)
    if (final) await this.#ask(this.#piece, this.length)
  }

  async #ask(start: number, end: number): Promise<void> {
    const text = this.#text.slice(start - this.#base, end - this.#base)
    if (text !== '')
      for (const { check, order } of this.#owns) {
        const name = await ownFinding(check.own!, text, this.#of.about)
        if (name !== undefined) this.#found.push({ check, order, name, start, end })
      }
    this.#piece = end
  }

  #trim(): void {
    const piece = this.#owns.length > 0 ? this.#piece : this.length
    const needed = Math.min(this.#decided, piece, ...this.#cursors.map(({ from }) => from))
    const keep = needed - context
    if (keep - this.#base < 16 * context) return
    this.#text = this.#text.slice(keep - this.#base)
    this.#base = keep
  }
}

function cursorOf(check: Check, order: number, seeker: Seeker): Cursor {
  return { check, order, seeker, expression: new RegExp(seeker.expression), from: 0, open: -1, safe: 0 }
}

/** Notes where the run at the end of the text began. */
function follow(cursor: Cursor, run: Uint8Array, piece: string, at: number): void {
  for (let i = 0; i < piece.length; i++) {
    const kind = run[piece.charCodeAt(i)]
    if (!kind) cursor.open = -1
    else if (cursor.open < 0 && kind === 2) cursor.open = at + i
  }
}

/** Spans that overlap are replaced as one, by what the first of them says. */
function merged(spans: readonly Span[]): readonly Replaced[] {
  const groups: { start: number; end: number; by: string }[] = []
  for (const { start, end, check, name } of spans) {
    const last = groups.at(-1)
    if (last && start < last.end) last.end = Math.max(last.end, end)
    else groups.push({ start, end, by: check.replaceWith ?? `[${name}]` })
  }
  return groups
}

/** The text with what is replaced in the range from `start` to `end`; a replacement stands where it begins. */
export function rewritten(text: string, start: number, replaced: readonly Replaced[]): string {
  let out = ''
  let at = start
  const end = start + text.length
  for (const part of replaced) {
    if (part.end <= at || part.start >= end) continue
    if (part.start >= at) out += text.slice(at - start, part.start - start) + part.by
    at = Math.min(end, part.end)
  }
  return out + text.slice(at - start)
}
