import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** The working half of a key: made from the seed alone, so that it cannot be paired with another public half. */
export interface EngineKey {
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** What computes Ed25519 (RFC 8032). Engines give the same bytes; what may be accepted is `verifyStrict`'s matter, not theirs. */
export interface Engine {
  readonly name: 'node' | 'portable'
  /** The key of a seed of 32 bytes. */
  key(seed: Uint8Array): EngineKey
  /** The equation alone, for a public key of 32 bytes and a signature of 64. May throw for what is no key. */
  verifier(publicKey: Uint8Array): (message: Uint8Array, signature: Uint8Array) => boolean
  /** The same, beside the thread that asks, where there is more than one. */
  remoteVerifier?(publicKey: Uint8Array): (message: Uint8Array, signature: Uint8Array) => Promise<boolean>
}

// The DER of RFC 8410 in front of the 32 bytes: of a private key (PKCS #8), and of a public one (SPKI).
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** Native Ed25519, by `node:crypto`. A key is read once. */
export const nodeEngine: Engine = Object.freeze<Engine>({
  name: 'node',
  key(seed) {
    const key = privateKeyOf(seed)
    const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length)
    return { publicKey, sign: message => sign(null, message, key) }
  },
  verifier(publicKey) {
    const key = publicKeyOf(publicKey)
    return (message, signature) => verify(null, message, key, signature)
  },
  remoteVerifier(publicKey) {
    const key = publicKeyOf(publicKey)
    return (message, signature) =>
      new Promise((resolve, reject) => {
        verify(null, message, key, signature, (error, isGood) => (error ? reject(error) : resolve(isGood)))
      })
  },
})

const publicKeyOf = (publicKey: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' })

function privateKeyOf(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([privatePrefix, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

/** Ed25519 in JavaScript (tweetnacl), loaded when it is asked for: for runtimes whose crypto has none. */
export async function portableEngine(): Promise<Engine> {
  const { default: nacl } = await import('tweetnacl')
  return Object.freeze<Engine>({
    name: 'portable',
    key(seed) {
      const pair = nacl.sign.keyPair.fromSeed(seed)
      return { publicKey: pair.publicKey, sign: message => nacl.sign.detached(message, pair.secretKey) }
    },
    verifier: publicKey => (message, signature) => nacl.sign.detached.verify(message, signature, publicKey),
  })
}

/** `nodeEngine` where `native` can make a key, else the portable one. */
export async function availableEngine(native: Engine = nodeEngine): Promise<Engine> {
  try {
    native.key(new Uint8Array(32))
    return native
  } catch {
    return portableEngine()
  }
}
