import { CtxParseError } from '../../core/errors.js'

/** More than any language writes: the stream-safe form of Unicode has 30 (UAX #15, section 13). */
const mostMarks = 256
// From where a run begins only: else each of its marks would be counted from again.
const longRun = new RegExp(`(?<!\\p{M})\\p{M}{${mostMarks + 1}}`, 'u')

/** Where more combining marks stand in a row than can be normalised in linear time; -1 without them. */
export const markRunAt = (text: string): number => (text.length > mostMarks ? text.search(longRun) : -1)

/** The text in NFC. @throws CtxParseError `INPUT_TOO_LARGE` where too many combining marks stand in a row */
export function nfc(text: string, offset = 0): string {
  const at = markRunAt(text)
  if (at < 0) return text.normalize('NFC')
  const [found, expected] = ['more combining marks in a row', `at most ${mostMarks} of them`]
  throw new CtxParseError({ reason: 'INPUT_TOO_LARGE', position: offset + at, found, expected })
}
