import { canonicalJson, type SigningKey, verifySignature } from 'outrigger/ctx'
import type { WrittenAnswer } from './folder.js'

/** An answer with a signature over all of it. */
export function signedAnswer(answer: WrittenAnswer, key: SigningKey): WrittenAnswer {
  const whole = { ...answer, key: key.publicKey }
  return { ...whole, signature: Buffer.from(key.sign(bytesOf(whole))).toString('base64') }
}

/** Has one of those who may answer signed it, as it stands? */
export function isSignedBy(answer: WrittenAnswer, approvers: readonly string[]): boolean {
  const { key, signature, ...rest } = answer
  if (key === undefined || signature === undefined || !approvers.includes(key)) return false
  return verifySignature(Buffer.from(key, 'base64'), bytesOf({ ...rest, key }), Buffer.from(signature, 'base64'))
}

/** Under a title of its own: a signature of anything else, such as a record, is no answer. */
const bytesOf = (answer: WrittenAnswer): Buffer => Buffer.from(`outrigger.approval.v1\n${canonicalJson({ ...answer })}`)
