/** Environment, as a table. */
export type Env = Readonly<Record<string, string | undefined>>

/** Names of variables that hold a credential for Claude, or are one. */
const credentialNames: readonly RegExp[] = [
  /^ANTHROPIC_(.*_)?(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$/,
  // Any header may be the credential of a gateway.
  /^ANTHROPIC_CUSTOM_HEADERS$/,
  /^CLAUDE_(CODE_)?(.*_)?(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?|PASSPHRASE)$/,
  /^AWS_BEARER_TOKEN_BEDROCK$/,
]

/** Is it the name of a credential for Claude? */
export const isCredentialName = (name: string): boolean => credentialNames.some(pattern => pattern.test(name))

/**
 * The names of the variables that show a credential for Claude: by their names, and whatever else holds one of `secrets` (a copy of the key under
 * a name of the user's own).
 */
export function secretVariables(env: Env, secrets: readonly string[]): readonly string[] {
  return Object.keys(env).filter(name => env[name] && (isCredentialName(name) || secrets.some(secret => env[name]!.includes(secret))))
}

/** The environment without these variables. */
export function without(env: Env, names: readonly string[]): Record<string, string> {
  const left = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && !names.includes(entry[0]))
  return Object.fromEntries(left)
}
