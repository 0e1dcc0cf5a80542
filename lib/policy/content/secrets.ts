import { type Detector, run } from './detectors/detector.js'

// The end of a key may be far away, or nowhere: so much of it counts.
const keyBody = '[^]{0,16384}'
const keyEnd = '-----END [A-Z0-9 ]{1,50}-----'

/**
 * Shapes of secrets, by what they are, and what belongs to one besides what it is recognised by. Made from the formats that their issuers
 * publish. Each part has a bound, so that no text takes more than a time in proportion to its length.
 */
const rows: readonly (readonly [name: string, shape: RegExp, rest: string])[] = [
  ['Anthropic key', /\bsk-ant-[\w-]{16}/, '[\\w-]*'],
  ['OpenAI key', /\bsk-(?:(?:proj|svcacct|admin)-[\w-]{20}|[A-Za-z0-9]{32})/, '[\\w-]*'],
  ['AWS access key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/, ''],
  ['GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40})/, '\\w*'],
  ['GitLab token', /\bglpat-[\w-]{20}/, '[\\w.-]*'],
  ['Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10}/, '[\\w-]*'],
  ['Google key', /\bAIza[\w-]{35}/, '[\\w-]*'],
  ['Stripe key', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}/, '\\w*'],
  ['npm token', /\bnpm_[A-Za-z0-9]{36}/, '\\w*'],
  ['Hugging Face token', /\bhf_[A-Za-z0-9]{30}/, '\\w*'],
  ['signed token', /\beyJ[\w-]{10,512}\.eyJ[\w-]{10,2048}\.[\w-]{16}/, '[\\w-]*'],
  ['private key', /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/, `(?:${keyBody}?${keyEnd}|${keyBody})`],
]

/** The shape that each is recognised by. */
export const secretShapes: readonly (readonly [name: string, shape: RegExp])[] = rows.map(([name, shape]) => [name, shape])

const token = run(/[\w.-]/, /\w/)
const banner = run(/[A-Z0-9 -]/, /-/)

/** Each with all that belongs to it: of a private key, everything to its last line. */
export const secrets: readonly Detector[] = rows.map(([name, shape, rest]) => ({
  name,
  shapes: [new RegExp(shape.source + rest, 'g')],
  ...(name === 'private key' ? { run: banner, ahead: 70 } : { run: token }),
}))

/** What a text holds, by name; `undefined` where nothing looks like a secret. */
export function secretIn(text: string): string | undefined {
  return secretShapes.find(([, shape]) => shape.test(text))?.[0]
}
