/**
 * Shapes of secrets, by what they are. Made from the formats that their issuers publish. Each part has a bound, so that no text takes
 * more than a time in proportion to its length.
 */
export const secretShapes: readonly (readonly [name: string, shape: RegExp])[] = [
  ['Anthropic key', /\bsk-ant-[\w-]{16}/],
  ['OpenAI key', /\bsk-(?:(?:proj|svcacct|admin)-[\w-]{20}|[A-Za-z0-9]{32})/],
  ['AWS access key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40})/],
  ['GitLab token', /\bglpat-[\w-]{20}/],
  ['Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10}/],
  ['Google key', /\bAIza[\w-]{35}/],
  ['Stripe key', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}/],
  ['npm token', /\bnpm_[A-Za-z0-9]{36}/],
  ['Hugging Face token', /\bhf_[A-Za-z0-9]{30}/],
  ['signed token', /\beyJ[\w-]{10,512}\.eyJ[\w-]{10,2048}\.[\w-]{16}/],
  ['private key', /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/],
]

/** What a text holds, by name; `undefined` where nothing looks like a secret. */
export function secretIn(text: string): string | undefined {
  return secretShapes.find(([, shape]) => shape.test(text))?.[0]
}
