/** The type of a signed record: what is signed under it is good for nothing else. */
export const recordType = 'application/vnd.outrigger.record.v1+json'

const loneSurrogate = /\p{Surrogate}/u

/**
 * The pre-authentication encoding of DSSE: what is signed in place of the body. The type and the lengths, in bytes, are part of it, so that no
 * signature is good for another type, nor for another way to cut the same bytes.
 * @throws TypeError for an empty type, a lone surrogate, and what is neither text nor a Uint8Array
 */
export function pae(type: string, body: string | Uint8Array): Uint8Array {
  const [typeBytes, bodyBytes] = [utf8('the type', type), typeof body === 'string' ? utf8('the body', body) : body]
  if (typeBytes.byteLength === 0) throw new TypeError('the type of what is signed must not be empty')
  if (!(bodyBytes instanceof Uint8Array)) throw new TypeError('the body of what is signed must be a text or a Uint8Array')
  return Buffer.concat([Buffer.from(`DSSEv1 ${typeBytes.byteLength} `), typeBytes, Buffer.from(` ${bodyBytes.byteLength} `), bodyBytes])
}

function utf8(what: string, text: string): Uint8Array {
  if (typeof text !== 'string') throw new TypeError(`${what} of what is signed must be a text`)
  if (loneSurrogate.test(text)) throw new TypeError(`${what} of what is signed holds a lone surrogate, which has no bytes`)
  return Buffer.from(text, 'utf8')
}
