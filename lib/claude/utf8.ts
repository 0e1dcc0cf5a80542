/** Bytes of a text in UTF-8, without making them. A lone surrogate counts 3, as its replacement does. */
export function utf8Bytes(text: string): number {
  return text.length > 48 ? Buffer.byteLength(text) : shortBytes(text)
}

/** The most bytes that a tokenizer can see of a text: it may bring it into NFKC first, which can be longer (U+FDFA is 18 characters there). */
export function promptBytes(text: string): number {
  const bytes = utf8Bytes(text)
  return bytes === text.length ? bytes : Math.max(bytes, inNfkc(text, utf8Bytes))
}

// Normalising takes quadratic time on a run of combining marks, so it is done in pieces. Across a cut nothing is composed, which can only be
// longer; marks may be ordered in another way there, for which each cut has a margin.
const piece = 512
const perPiece = 8

function inNfkc(text: string, measure: (text: string) => number): number {
  let most = 0
  for (let at = 0; at < text.length; ) {
    const end = at + piece
    const next = isLow(text.charCodeAt(end)) ? end + 1 : end
    most += measure(text.slice(at, next).normalize('NFKC')) + (at > 0 ? perPiece : 0)
    at = next
  }
  return most
}

function shortBytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) continue
    bytes += code < 0x800 ? 1 : 2
    if (code >= 0xd800 && code < 0xdc00 && isLow(text.charCodeAt(i + 1))) i += 1
  }
  return bytes
}

const isLow = (code: number): boolean => code >= 0xdc00 && code < 0xe000

/**
 * The most bytes a JSON string can take, however it is escaped: a server may write every character outside ASCII as \\uXXXX (6 bytes).
 * As it is or in NFKC, without the quotes.
 */
export function jsonTextBytes(text: string): number {
  if (text.length > 48 && Buffer.byteLength(text) === text.length) return JSON.stringify(text).length - 2
  const bytes = mostEscaped(text)
  return beyondAscii.test(text) ? Math.max(bytes, inNfkc(text, mostEscaped)) : bytes
}

const beyondAscii = /[^\0-\x7f]/

function mostEscaped(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) bytes += escapedBytes(text.charCodeAt(i))
  return bytes
}

function escapedBytes(code: number): number {
  if (code < 0x20 || code > 0x7e) return 6
  return code === 0x22 || code === 0x5c ? 2 : 1
}
