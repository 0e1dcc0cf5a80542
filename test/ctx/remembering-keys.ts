import { type TrustedKey, TrustedKeys } from '../../lib/ctx/keys/trusted-keys.js'

/** Keys that verify each good signature once: a proof verifies the same records over and over, and what it changes is never remembered. */
export class RememberingKeys extends TrustedKeys {
  readonly #keys: readonly TrustedKey[]

  constructor(keys: readonly string[]) {
    super(keys)
    this.#keys = super.all.map(remembering)
  }

  override get all(): readonly TrustedKey[] {
    return this.#keys
  }

  override find(id: string): TrustedKey | undefined {
    return this.#keys.find(key => key.id === id)
  }
}

function remembering(key: TrustedKey): TrustedKey {
  const good = new Set<string>()
  const verify = (message: Uint8Array, signature: Uint8Array): boolean => {
    const pair = `${signature.length} ${Buffer.concat([signature, message]).toString('latin1')}`
    const isGood = good.has(pair) || key.verify(message, signature)
    if (isGood) good.add(pair)
    return isGood
  }
  return { ...key, verify, check: async (message, signature) => verify(message, signature) }
}
