import { UpstreamError } from '../core/errors.js'

/** Reads a whole body as text. @throws UpstreamError when it is longer than `maxBytes` */
export async function bodyText(body: AsyncIterable<Uint8Array | string>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const given of body) {
    const chunk = bytesOf(given)
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLong(maxBytes)
  }
  return textOfChunks(chunks)
}

/** A chunk as bytes. */
export const bytesOf = (chunk: Uint8Array | string): Uint8Array => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)

/** Chunks of UTF-8 as one text, without a mark of byte order: a decoder for each would cost more than the text. */
export function textOfChunks(chunks: readonly Uint8Array[]): string {
  const [first] = chunks
  const whole = chunks.length === 1 ? Buffer.from(first!.buffer, first!.byteOffset, first!.byteLength) : Buffer.concat(chunks)
  const text = whole.toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** The answer outgrew its limit: it is not read any further. */
export function tooLong(maxBytes: number): UpstreamError {
  return new UpstreamError(`the answer is longer than maxMessageBytes (${maxBytes})`, {
    status: 502,
    code: 'TOO_LARGE',
    retryable: false,
    billed: 'yes',
  })
}
