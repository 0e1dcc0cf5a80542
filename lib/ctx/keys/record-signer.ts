/** Who signs a log: a `SigningKey`, or whatever signs like one, such as a key in hardware. */
export interface RecordSigner {
  /** Names the key in records: see `keyId`. */
  readonly id: string
  /** The public half, base64. */
  readonly publicKey: string
  /** The Ed25519 signature of the bytes, 64 bytes. Their memory is used again: a signer that keeps them makes a copy. */
  sign(bytes: Uint8Array): Uint8Array
}
