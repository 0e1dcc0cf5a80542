import type { Push } from 'outrigger'
import type { Inspection } from './inspection.js'
import { type Decided, type Replaced, rewritten, type TextScan } from './text-scan.js'

/** How an event is written with another text. */
export type Write = (text: string) => unknown

interface Held {
  readonly event: unknown
  readonly text: string
  readonly start: number
  readonly write: Write
  /** It is released even where nothing is left of its text. */
  readonly stays: boolean
}

/** The events of one running text, held until what they say is decided, and released in their order, whole. */
export class HeldText {
  readonly #scan: TextScan
  readonly #early: boolean
  #held: Held[] = []
  #replaced: readonly Replaced[] = []
  #upTo = 0
  /** What was released. */
  text = ''
  /** Was a part of it replaced? */
  changed = false

  constructor(inspection: Inspection) {
    this.#scan = inspection.scan()
    this.#early = inspection.hold !== 'full' && inspection.hold !== 'block'
  }

  /** Takes an event that brings a text. @throws Refusal where a check forbids what came so far */
  add(event: unknown, text: string, write: Write, push: Push, stays = false): void | Promise<void> {
    this.#held.push({ event, text, start: this.#scan.length, write, stays })
    this.#scan.push(text)
    if (this.#early) return this.#advance(false, push)
  }

  /** Takes an event that keeps its place between the texts. */
  beside(event: unknown, push: Push): void {
    this.#held.push({ event, text: '', start: this.#scan.length, write: () => event, stays: true })
    if (this.#early) this.#release({ upTo: this.#upTo, replaced: [] }, push)
  }

  /** The text is whole: all that may be seen is released. @throws Refusal where a check forbids it */
  end(push: Push): void | Promise<void> {
    return this.#advance(true, push)
  }

  #advance(final: boolean, push: Push): void | Promise<void> {
    const decided = this.#scan.advance(final)
    return decided instanceof Promise ? decided.then(known => this.#release(known, push)) : this.#release(decided, push)
  }

  #release({ upTo, replaced }: Decided, push: Push): void {
    this.#upTo = upTo
    if (replaced.length > 0) this.#replaced = [...this.#replaced, ...replaced]
    const count = this.#held.findIndex(({ start, text }) => start + text.length > upTo)
    for (const held of this.#held.splice(0, count < 0 ? this.#held.length : count)) this.#let(held, push)
    const from = this.#held[0]?.start ?? upTo
    this.#replaced = this.#replaced.filter(({ end }) => end > from)
  }

  #let({ event, text, start, write, stays }: Held, push: Push): void {
    const seen = this.#replaced.length === 0 ? text : rewritten(text, start, this.#replaced)
    this.text += seen
    if (seen !== text) this.changed = true
    if (seen === text) push(event)
    else if (seen !== '' || stays) push(write(seen))
  }
}
