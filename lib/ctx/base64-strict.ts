/** Standard base64 with padding: the one text form of keys, signatures and hashes in records. */
export function encodeBase64(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('base64')
}

/**
 * The bytes of a text, where it is the very text that `encodeBase64` gives for them; else `undefined`. So no whitespace, no URL alphabet, no
 * padding that is missing or too long, no bits left over: nothing can be written in two ways. Takes any value and never throws.
 */
export function decodeBase64(text: unknown, length?: number): Uint8Array | undefined {
  if (typeof text !== 'string' || (length !== undefined && text.length !== encodedLength(length))) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text && (length === undefined || bytes.length === length) ? bytes : undefined
}

const encodedLength = (bytes: number): number => 4 * Math.ceil(bytes / 3)
