import type { Writer } from '../command.js'

/** The other screen, without a cursor, and without wrapping a line that is wider than we think. */
const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'
/** Everything as it was before. */
export const restore: string = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'

/** Shown as a whole by terminals that know it (a "synchronised update"); others pass it by. */
const [begin, end] = ['\x1b[?2026h', '\x1b[?2026l']

/** Draws frames: writes the lines that have changed, in one piece, so that nothing flickers. */
export class Screen {
  readonly #out: Writer
  #shown: readonly string[] = []

  constructor(out: Writer) {
    this.#out = out
  }

  open(): void {
    this.#out.write(enter)
  }

  draw(lines: readonly string[]): void {
    const changed = lines.flatMap((line, at) => (line === this.#shown[at] ? [] : [`\x1b[${at + 1};1H${line}\x1b[0m\x1b[K`]))
    this.#shown = lines
    if (changed.length > 0) this.#out.write(`${begin}${changed.join('')}${end}`)
  }

  /** The screen has another size: whatever stands there is not ours any more. */
  forget(): void {
    this.#shown = []
    this.#out.write('\x1b[2J')
  }

  close(): void {
    this.#out.write(restore)
  }
}
