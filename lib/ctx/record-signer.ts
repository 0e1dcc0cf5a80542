/** Who signs a log: a key pair, or whatever signs with one, such as a key in hardware. */
export interface RecordSigner {
  /** Names the key in records. */
  readonly keyId: string
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The Ed25519 signature of a message, 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}
