import type { ClaudeOptions } from '../../claude/options.js'

/** The way to Claude with what proves its user: what the companion alone holds. JSON. */
export interface Credential {
  readonly apiKey?: string
  readonly authToken?: string
  /** `ANTHROPIC_CUSTOM_HEADERS` as it stands: `Name: value` a line. */
  readonly headers?: string
}

/** What must never be seen outside of the companion. Values that are too short to be a secret are left out: they would be found everywhere. */
export function secretsOf({ apiKey, authToken, headers = '' }: Credential): readonly string[] {
  const values = headers.split('\n').map(line => line.slice(line.indexOf(':') + 1).trim())
  const bare = values.map(value => value.replace(/^(Bearer|Basic)\s+/i, ''))
  return [apiKey, authToken, ...bare].filter((value): value is string => value !== undefined && value.length >= 16)
}

/** The same as options of a sidecar. */
export function claudeOptions({ apiKey, authToken }: Credential): Pick<ClaudeOptions, 'apiKey' | 'authToken'> {
  if (apiKey !== undefined) return { apiKey }
  return authToken === undefined ? {} : { authToken }
}
