import { visible } from '../../ctx/language/escape.js'
import { markRunAt } from '../../ctx/language/marks.js'

/** How much of a long statement is shown before and behind the place. */
const before = 48
const behind = 24

/** Marks of a letter take no cell of a terminal, letters of East Asia and pictures two. */
const cells = (text: string): number => {
  const marks = text.match(/\p{M}/gu)?.length ?? 0
  const wide = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/gu)
  return Array.from(text).length - marks + (wide?.length ?? 0)
}

/**
 * Two lines that show a text and point at a place in it: the text, on one line and safe for a terminal, and a caret.
 * @param position - in UTF-16 units of the text in NFC, as a `CtxParseError` counts
 */
export function pointAt(text: string, position: number): readonly [string, string] {
  const normal = markRunAt(text) < 0 ? text.normalize('NFC') : text
  const at = Math.min(position, normal.length)
  const start = at <= before ? 0 : wholeCharacter(normal, at - before)
  const end = at + behind >= normal.length ? normal.length : wholeCharacter(normal, at + behind)
  const left = `${start > 0 ? '…' : ''}${visible(normal.slice(start, at))}`
  const right = `${visible(normal.slice(at, end))}${end < normal.length ? '…' : ''}`
  return [`  ${left}${right}`, `  ${' '.repeat(cells(left))}^`]
}

/** The next place that is not inside a surrogate pair. */
const wholeCharacter = (text: string, at: number): number => (/[\udc00-\udfff]/.test(text.charAt(at)) ? at + 1 : at)
