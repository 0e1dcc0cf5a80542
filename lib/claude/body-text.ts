import { UpstreamError } from '../core/errors.js'

/** Reads a whole body as text. @throws UpstreamError when it is longer than `maxBytes` */
export async function bodyText(body: AsyncIterable<Uint8Array | string>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    if (text.length > maxBytes) throw tooLong(maxBytes)
  }
  return text + decoder.decode()
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
