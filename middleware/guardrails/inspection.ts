import { type Check, type CheckedText, type GuardrailHold, Refusal, Tally } from './checks.js'
import { type Decided, rewritten, TextScan } from './text-scan.js'
import { type TextAt, textsIn, TooDeepError, withTexts } from './texts-in.js'

type Maybe<T> = T | Promise<T>

/** What one action gave, or is given, is looked at with. */
export class Inspection {
  readonly checks: readonly Check[]
  readonly hold: GuardrailHold
  readonly tally: Tally = new Tally()
  readonly about: CheckedText
  readonly #sealed: readonly Check[]

  constructor(checks: readonly Check[], hold: GuardrailHold, about: CheckedText) {
    this.checks = checks
    this.hold = hold
    this.about = about
    // A finding where nothing may be replaced: it is not let through, and not rewritten by accident.
    this.#sealed = checks.map(check => (check.response === 'redact' ? { ...check, response: 'deny' as const } : check))
  }

  /** Does a check forbid or replace anything? Else nothing needs to be held. */
  get holds(): boolean {
    return this.checks.some(({ response }) => response !== 'warn')
  }

  /** A scan of one text that comes in pieces. */
  scan(sealed = false): TextScan {
    return new TextScan({ checks: sealed ? this.#sealed : this.checks, hold: this.hold, tally: this.tally, about: this.about })
  }

  /** A whole text as it may be seen. @throws Refusal where a check forbids it */
  text({ text, sealed }: TextAt): Maybe<string> {
    const scan = this.scan(sealed)
    scan.push(text)
    const decided = scan.advance(true)
    const seen = ({ replaced }: Decided) => (replaced.length === 0 ? text : rewritten(text, 0, replaced))
    return decided instanceof Promise ? decided.then(seen) : seen(decided)
  }

  /** A value as it may be seen: itself, or a copy where a text is replaced. @throws Refusal where a check forbids it */
  async value<T>(value: T, options: { readonly sealed?: boolean; readonly ofModel?: boolean } = {}): Promise<T> {
    const texts = new Map<string, string>()
    try {
      for (const at of textsIn(value, options)) {
        const text = this.text(at)
        const seen = text instanceof Promise ? await text : text
        if (seen !== at.text) texts.set(at.text, seen)
      }
    } catch (error) {
      if (!(error instanceof TooDeepError)) throw error
      this.#unread()
    }
    return texts.size === 0 ? value : (withTexts(value, texts) as T)
  }

  /** What cannot be looked at whole is not let through. */
  #unread(): void {
    const [strict] = this.checks.filter(({ response }) => response !== 'warn')
    if (strict) throw new Refusal(strict, 'what is nested too deep to be looked at')
    for (const check of this.checks) this.tally.add(check, 'what is nested too deep to be looked at')
  }

  /** What is out of order could be put together to what no check has seen. */
  disorder(what: string): void {
    const [strict] = this.checks.filter(({ response }) => response !== 'warn')
    if (strict) throw new Refusal(strict, what)
  }
}
