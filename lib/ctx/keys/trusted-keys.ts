import { type RemoteVerifier, remoteStrictVerifier, strictVerifier, type Verifier } from './ed25519.js'
import { keyId, readPublicKey } from './signing-key.js'

/** A key whose signatures count, because the configuration says so. */
export interface TrustedKey {
  readonly id: string
  readonly publicKey: Uint8Array
  readonly verify: Verifier
  /** The same, for many: beside the thread that asks. */
  readonly check: RemoteVerifier
}

/** A key that was revoked: what it has signed in a log from this record on does not count. */
export interface RevokedKey {
  readonly key: string
  readonly log: string
  readonly seq: number
}

/** The keys of a verification. A key that a record names is looked up here, and nowhere else. */
export class TrustedKeys {
  readonly #keys: ReadonlyMap<string, TrustedKey>
  readonly #revoked: readonly RevokedKey[]

  /** @throws TypeError where one is no public key */
  constructor(keys: readonly (Uint8Array | string)[], revoked: readonly RevokedKey[] = []) {
    this.#keys = new Map(keys.map(toTrusted).map(key => [key.id, key]))
    this.#revoked = revoked
  }

  get all(): readonly TrustedKey[] {
    return [...this.#keys.values()]
  }

  find(id: string): TrustedKey | undefined {
    return this.#keys.get(id)
  }

  /** Is there a revocation that concerns this log? */
  hasRevoked(log: string): boolean {
    return this.#revoked.some(one => one.log === log)
  }

  isRevoked(key: TrustedKey, log: string, seq: number): boolean {
    return this.#revoked.some(one => one.key === key.id && one.log === log && seq >= one.seq)
  }
}

function toTrusted(given: Uint8Array | string): TrustedKey {
  const publicKey = readPublicKey(given)
  return { id: keyId(publicKey), publicKey, verify: strictVerifier(publicKey), check: remoteStrictVerifier(publicKey) }
}
