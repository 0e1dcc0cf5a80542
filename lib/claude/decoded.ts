import { type Readable, pipeline, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

const decoderOf = (encoding: string | undefined): (() => Transform) | undefined => decoders[encoding?.trim().toLowerCase() ?? '']

/** Is it a coding that is undone here? */
export function isDecoded(encoding: string | undefined): boolean {
  return encoding !== undefined && decoderOf(encoding) !== undefined
}

/**
 * The body as it was before a proxy on the way compressed it, although nobody asked for that. A coding that is not known stays as it is. What is
 * cut short fails.
 */
export function decoded(body: Readable, encoding: string | undefined): Readable {
  const decoder = decoderOf(encoding)
  // The end of one is the end of the other, in both directions; whoever reads is told by the stream itself.
  return decoder ? pipeline(body, decoder(), () => {}) : body
}
