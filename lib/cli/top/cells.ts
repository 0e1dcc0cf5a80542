import { visible } from '../../ctx/language/escape.js'

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * Two columns wide on a terminal: East Asian wide and full-width forms, and what is shown as a picture.
 * Ranges: Unicode Standard Annex 11, the blocks in which W and F stand.
 */
const wide =
  /[\u1100-\u115f\u231a\u231b\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Regional_Indicator}/u
const markAlone = /^\p{M}+$/u
const plain = /^[ -~]*$/

/** How many columns of a terminal a text takes that `harmless` has passed. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

function graphemeWidth(grapheme: string): number {
  if (markAlone.test(grapheme)) return 0
  return wide.test(grapheme) ? 2 : 1
}

/** More marks on one character are a drawing over the lines above. */
const manyMarks = /(\p{M}{2})\p{M}+/gu

/**
 * A text of somebody else, safe on a terminal and on one line: control characters, escape sequences and whatever nobody sees are written as
 * `\u{1b}`.
 */
export function harmless(text: string): string {
  return plain.test(text) ? text : visible(text).replace(manyMarks, '$1')
}

/** Exactly `columns` wide: cut with `…`, never within a character, or filled up with blanks on the right, or on the left. */
export function padTo(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutTo(text, columns)
  const blanks = ' '.repeat(columns - widthOf(cut))
  return align === 'left' ? cut + blanks : blanks + cut
}

/** At most `columns` wide. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  if (columns < 1) return ''
  let [kept, width] = ['', 0]
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment)
    if (width > columns - 1) break
    kept += segment
  }
  return `${kept}…`
}
