import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { decodeBase64, encodeBase64 } from '../base64-strict.js'
import { type Engine, isStrictPublicKey, nodeEngine, PrivateKey } from './ed25519.js'

/**
 * The id of a public key: 16 hex digits of the SHA-256 of its bytes. A hint for finding a key that is trusted already; it proves nothing.
 * @throws TypeError for what is no public key
 */
export function keyId(publicKey: string | Uint8Array): string {
  return createHash('sha256').update(readPublicKey(publicKey)).digest('hex').slice(0, 16)
}

/**
 * The 32 bytes of a public key, from its one text form (base64) or as they are.
 * @throws TypeError for any other text, for another length, and for a key that is no good one: not canonical, or of small order
 */
export function readPublicKey(publicKey: string | Uint8Array): Uint8Array {
  const bytes = typeof publicKey === 'string' ? decodeBase64(publicKey, 32) : publicKey
  if (!bytes || !isStrictPublicKey(bytes))
    throw new TypeError('a public key must be 32 bytes of an Ed25519 key, or their base64 with padding')
  return Uint8Array.from(bytes)
}

/** A key that signs records. The private half can be used and cannot be read: not by `inspect`, not as JSON, not in an error. */
export class SigningKey {
  readonly #key: PrivateKey
  /** See `keyId`. */
  readonly id: string
  /** The public half, base64. */
  readonly publicKey: string

  constructor(key: PrivateKey) {
    this.#key = key
    this.publicKey = encodeBase64(key.publicKey)
    this.id = keyId(key.publicKey)
    Object.freeze(this)
  }

  /** The Ed25519 signature of the bytes, 64 bytes. @throws TypeError where they are no Uint8Array */
  sign(bytes: Uint8Array): Uint8Array {
    return this.#key.sign(bytes)
  }

  /** What may be seen of it: the public half. */
  toJSON(): { readonly id: string; readonly publicKey: string } {
    return { id: this.id, publicKey: this.publicKey }
  }
}

Object.defineProperty(SigningKey.prototype, inspect.custom, {
  value(this: SigningKey) {
    return `SigningKey ${this.id}`
  },
})

/** A key that lives in memory alone, from the randomness of the system. */
export function generateSigningKey(engine: Engine = nodeEngine): SigningKey {
  return withSeed(randomBytes(32), seed => new SigningKey(new PrivateKey(seed, engine)))
}

/** Works with a seed and wipes it. */
export function withSeed<T>(seed: Uint8Array, work: (seed: Uint8Array) => T): T {
  try {
    return work(seed)
  } finally {
    seed.fill(0)
  }
}
