/** Something that is recognised in a text by its shape, and by check digits where it has some. */
export interface Detector {
  /** Its one name in options, findings and replacements: `email`. */
  readonly name: string
  /**
   * What a candidate looks like, with the flag `g`. Each part has a bound, so that no text takes more than a time in proportion to its
   * length. It sees at most `ahead` characters behind its end.
   */
  readonly shapes: readonly RegExp[]
  /** How many characters of a candidate count, from its start; 0 where it is none after all: check digits, lengths. Default: all. */
  readonly counted?: (candidate: string) => number
  /**
   * A candidate lies within a run of these characters, so that a text is known to hold none where a run has ended. Only what is written in ASCII has one.
   */
  readonly run: Run
  /** How many characters behind its end decide whether a candidate ends there, where it may go on beyond its run. Default 0: it may not. */
  readonly ahead?: number
}

/** Characters by code: 1 where they may stand in a candidate, 2 where one may begin with them. */
export type Run = Uint8Array

/** Where something was found, in UTF-16 units. */
export interface Place {
  readonly start: number
  readonly end: number
}

/**
 * A run by two character classes.
 * @param within - what may stand in a candidate, like `/[\w.-]/`
 * @param first - what it may begin with
 */
export function run(within: RegExp, first: RegExp): Run {
  return Uint8Array.from({ length: 128 }, (_, code) => {
    const character = String.fromCharCode(code)
    return within.test(character) ? (first.test(character) ? 2 : 1) : 0
  })
}

/** All places in a text, by shape, each from left to right. */
export function* placesIn({ shapes, counted }: Detector, text: string): Generator<Place> {
  for (const shape of shapes) {
    const global = new RegExp(shape)
    for (let found = global.exec(text); found; found = global.exec(text)) {
      const length = counted ? counted(found[0]) : found[0].length
      if (length > 0) yield { start: found.index, end: found.index + length }
      // What is none may hide one that begins within it.
      global.lastIndex = found.index + Math.max(1, length)
    }
  }
}

/** Does the text hold it? */
export function isIn(detector: Detector, text: string): boolean {
  return !placesIn(detector, text).next().done
}
