import * as crypto from 'node:crypto'

type OneShot = (algorithm: 'sha256', data: string) => string

// In one call it takes a third of the time; Node has it since 20.12.
const { hash } = crypto as { readonly hash?: OneShot }

/** SHA-256 of a text's UTF-8 bytes, in hex. */
export const sha256: (text: string) => string = hash
  ? text => hash('sha256', text)
  : text => crypto.createHash('sha256').update(text).digest('hex')
