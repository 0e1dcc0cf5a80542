import { types } from 'node:util'
import { type Engine, type EngineKey, nodeEngine } from './ed25519-engine.js'

export { availableEngine, type Engine, type EngineKey, nodeEngine, portableEngine } from './ed25519-engine.js'

/** A private Ed25519 key, ready to sign. Its public half is derived; nothing of the seed can be read from it. */
export class PrivateKey {
  readonly #key: EngineKey

  /** From a seed of 32 bytes, which is copied. @throws TypeError for anything else, without saying what it was */
  constructor(seed: Uint8Array, engine: Engine = nodeEngine) {
    if (!types.isUint8Array(seed) || seed.byteLength !== 32)
      throw new TypeError('the seed of an Ed25519 key must be a Uint8Array of 32 bytes')
    this.#key = engine.key(seed)
  }

  /** 32 bytes, a copy. */
  get publicKey(): Uint8Array {
    return Uint8Array.from(this.#key.publicKey)
  }

  /** The signature, 64 bytes; the same for the same message. @throws TypeError where the message is not a Uint8Array */
  sign(message: Uint8Array): Uint8Array {
    if (!types.isUint8Array(message)) throw new TypeError('what is signed must be a Uint8Array')
    return this.#key.sign(message)
  }
}

/** The signature of a message, 64 bytes. */
export const sign = (message: Uint8Array, key: PrivateKey): Uint8Array => key.sign(message)

/** Says whether a signature of a message is good. Never throws. */
export type Verifier = (message: Uint8Array, signature: Uint8Array) => boolean

/**
 * Is this the signature of the message by the key? Strict, where `node:crypto` and tweetnacl are not: the lengths are exact, S is below the
 * order of the group, the key and R are encoded in the one canonical way and are not of small order. So a signature cannot be changed into
 * another good one, and no key is good for every message. Whatever it is given it answers, and never throws.
 */
export function verifyStrict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, engine: Engine = nodeEngine): boolean {
  return strictVerifier(publicKey, engine)(message, signature)
}

/** `verifyStrict` for many signatures by one key, which is read once. What is no key gets a verifier that always says no. */
export function strictVerifier(publicKey: Uint8Array, engine: Engine = nodeEngine): Verifier {
  const verify = attempt(() => engine.verifier(strictPoint(bytesOf(publicKey, 32))))
  if (!verify) return () => false
  return (message, signature) => attempt(() => accepts(verify, message, signature)) ?? false
}

/** As a `Verifier`, beside the thread that asks. Never rejects. */
export type RemoteVerifier = (message: Uint8Array, signature: Uint8Array) => Promise<boolean>

/** `strictVerifier` for a great many signatures: several are checked at once, where the engine can. */
export function remoteStrictVerifier(publicKey: Uint8Array, engine: Engine = nodeEngine): RemoteVerifier {
  const verify = attempt(() => engine.remoteVerifier?.(strictPoint(bytesOf(publicKey, 32))))
  if (!verify) return alone(strictVerifier(publicKey, engine))
  return async (message, signature) => {
    const bytes = attempt(() => strictSignature(message, signature))
    return bytes !== undefined && verify(message, bytes).catch(() => false)
  }
}

const alone =
  (verify: Verifier): RemoteVerifier =>
  async (message, signature) =>
    verify(message, signature)

function accepts(verify: Verifier, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(message, strictSignature(message, signature))
}

/** A copy of a signature that may be checked at all. @throws TypeError for any other, and for what is no message */
function strictSignature(message: Uint8Array, signature: Uint8Array): Buffer {
  const bytes = bytesOf(signature, 64)
  strictPoint(bytes.subarray(0, 32))
  if (!types.isUint8Array(message) || !isBelowOrder(bytes)) throw new TypeError('not a strict signature')
  return bytes
}

/** Can this be an Ed25519 public key that `verifyStrict` would take: 32 bytes, canonical, not of small order? Whether it is on the curve is not asked. */
export const isStrictPublicKey = (publicKey: Uint8Array): boolean => attempt(() => strictPoint(bytesOf(publicKey, 32))) !== undefined

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** A copy, so that what is checked is what is used. */
function bytesOf(value: Uint8Array, length: number): Buffer {
  if (!types.isUint8Array(value) || value.byteLength !== length) throw new TypeError('wrong length')
  return Buffer.from(value)
}

function strictPoint(point: Buffer): Buffer {
  if (!isCanonical(point) || isSmallOrder(point)) throw new TypeError('not a strict point')
  return point
}

/** y is below p = 2^255 - 19. */
function isCanonical(point: Buffer): boolean {
  if ((point[31]! & 0x7f) !== 0x7f || point[0]! < 0xed) return true
  for (let i = 1; i < 31; i++) if (point[i] !== 0xff) return true
  return false
}

// y of the eight points of small order, little-endian: a pair shares each of the last two, and its sign bit tells them apart.
const smallOrder: readonly Buffer[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
].map(hex => Buffer.from(hex, 'hex'))

function isSmallOrder(point: Buffer): boolean {
  const y = Buffer.from(point)
  y[31]! &= 0x7f
  return smallOrder.some(small => small.equals(y))
}

// The order of the group, little-endian: 2^252 + 27742317777372353535851937790883648493.
const order = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')

function isBelowOrder(signature: Buffer): boolean {
  for (let i = 31; i >= 0; i--) if (signature[32 + i] !== order[i]) return signature[32 + i]! < order[i]!
  return false
}
