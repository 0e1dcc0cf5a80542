import { parseUrl } from '../core/parse-url.js'
import { ConfigError } from '../core/errors.js'
import { betasIn, isListed } from './request-headers.js'
import type { Origin } from './seam.js'
import type { Upstream } from './wire.js'

/** The way to Claude. What is left out comes from the SDK's environment variables. */
export interface ClaudeOptions {
  /** API key, or a function that gives one for each request. Default: `ANTHROPIC_API_KEY`. */
  readonly apiKey?: string | (() => string | Promise<string>)
  /** Bearer token in place of a key. Default: `ANTHROPIC_AUTH_TOKEN`. */
  readonly authToken?: string
  /** Default: `ANTHROPIC_BASE_URL`, else `https://api.anthropic.com`. */
  readonly baseURL?: string
  /** Headers for every request, for a gateway; never shown to the agent. `ANTHROPIC_CUSTOM_HEADERS` come before them. */
  readonly headers?: Readonly<Record<string, string>>
  /** The SDK client's time-out, in milliseconds. It spans the whole chain: queue, pause and back-off included. Default 600,000. */
  readonly timeout?: number
  /** Another way upstream: a mock, a recorder. Default: HTTP. */
  readonly upstream?: Upstream
  /** The largest answer that is read, in bytes. Default 33,554,432 (32 MB). */
  readonly maxMessageBytes?: number
  /** How long a client may leave a stream unread, in milliseconds. Default 300,000. */
  readonly idleMs?: number
  /**
   * What becomes of a tool call that a layer refuses. `text`: the model's answer says why, in its place, and goes on. `error`: the answer ends there
   * with the refusal itself, such as a `ViolationError` (400), and nothing of the call is released. Default `text`.
   */
  readonly refusedTools?: 'text' | 'error'
}

type Env = Readonly<Record<string, string | undefined>>

const known = new Set(['apiKey', 'authToken', 'baseURL', 'headers', 'timeout', 'upstream', 'maxMessageBytes', 'idleMs', 'refusedTools'])

/** @throws TypeError, RangeError or ConfigError that says the value and the fix; values that may be secrets are not shown */
export function checkClaudeOptions(options: ClaudeOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError('claude must be an object, like { apiKey }')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`claude: unknown option "${key}"; known are ${[...known].join(', ')}`)
  for (const key of ['timeout', 'maxMessageBytes', 'idleMs'] as const) {
    const value = options[key]
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new RangeError(`claude.${key} must be a whole number above 0, got ${value}`)
  }
  if (options.apiKey !== undefined && options.authToken !== undefined)
    throw new ConfigError('claude: apiKey and authToken exclude each other; give one')
  if (options.apiKey !== undefined && typeof options.apiKey !== 'function' && !isSecret(options.apiKey))
    throw new TypeError('claude.apiKey must be a non-empty string or a function')
  if (options.authToken !== undefined && !isSecret(options.authToken)) throw new TypeError('claude.authToken must be a non-empty string')
  for (const key of ['apiKey', 'authToken'] as const)
    if (typeof options[key] === 'string' && !fitsHeader(options[key]))
      throw new TypeError(`claude.${key} has characters that a header cannot carry`)
  if (options.upstream !== undefined && typeof options.upstream !== 'function')
    throw new TypeError(`claude.upstream must be a function, got ${typeof options.upstream}`)
  if (options.baseURL !== undefined && typeof options.baseURL !== 'string')
    throw new TypeError(`claude.baseURL must be a string, got ${options.baseURL === null ? 'null' : typeof options.baseURL}`)
  if (options.headers !== undefined) checkHeaders(options.headers)
  const { refusedTools } = options
  if (refusedTools !== undefined && refusedTools !== 'text' && refusedTools !== 'error')
    throw new TypeError(`claude.refusedTools must be 'text' or 'error', got ${JSON.stringify(refusedTools)}`)
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw new TypeError("claude.headers must be an object, like { 'x-team': 'blue' }")
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new TypeError(`claude.headers: ${JSON.stringify(name)} is no header name`)
    if (typeof value !== 'string' || !fitsHeader(value))
      throw new TypeError(`claude.headers: the value of ${name} must be a string that a header can carry`)
  }
}

/** Latin-1 without control characters, as HTTP has it. */
function fitsHeader(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}

/** Where requests go and what proves their sender. Reads the environment once. */
export function originOf(options: ClaudeOptions, env: Env): Origin {
  const { origin, prefix } = splitBase(options.baseURL ?? nonEmpty(env.ANTHROPIC_BASE_URL) ?? 'https://api.anthropic.com')
  const { 'anthropic-beta': betas, ...extra } = { ...headersFrom(env.ANTHROPIC_CUSTOM_HEADERS), ...lowerCase(options.headers ?? {}) }
  const bearer = bearerOf(options, env)
  const usable = bearer !== undefined || 'authorization' in extra || 'x-api-key' in extra || options.upstream !== undefined
  return {
    origin,
    prefix,
    key: options.upstream ?? keyOf(origin),
    betas: betasIn(betas),
    forwards: isListed,
    credentials() {
      if (!usable) throw new ConfigError('no credential for Claude: set ANTHROPIC_API_KEY, or pass claude: { apiKey }')
      if (typeof bearer === 'function') return keyFrom(bearer).then(key => ({ authorization: `Bearer ${key}`, ...extra }))
      return bearer === undefined ? extra : { authorization: `Bearer ${bearer}`, ...extra }
    },
  }
}

// One per process and origin: what agents of one upstream share, such as a retry budget, hangs on it.
const keys = new Map<string, object>()

/** The object that stands for an origin. */
export function keyOf(origin: string): object {
  const key = keys.get(origin) ?? Object.freeze({ origin })
  keys.set(origin, key)
  return key
}

function bearerOf(options: ClaudeOptions, env: Env): ClaudeOptions['apiKey'] {
  return options.apiKey ?? options.authToken ?? nonEmpty(env.ANTHROPIC_API_KEY) ?? nonEmpty(env.ANTHROPIC_AUTH_TOKEN)
}

/** What the function throws may name the key, so it goes no further. */
async function keyFrom(give: () => string | Promise<string>): Promise<string> {
  const key: unknown = await Promise.resolve()
    .then(give)
    .catch((error: unknown) => {
      throw new ConfigError(`claude.apiKey() failed with ${error instanceof Error ? error.name : typeof error}`)
    })
  if (!isSecret(key))
    throw new ConfigError(`claude.apiKey() must give a non-empty string, it gave ${typeof key === 'string' ? 'an empty one' : typeof key}`)
  return key
}

function splitBase(baseURL: string): { origin: string; prefix: string } {
  const parsed = parseUrl(baseURL)
  if (!parsed) throw new ConfigError(`claude.baseURL must be a URL, got ${JSON.stringify(withoutUser(baseURL))}`)
  const { origin, pathname, protocol } = parsed
  if (protocol !== 'https:' && protocol !== 'http:') throw new ConfigError(`claude.baseURL must be http or https, got ${protocol}`)
  return { origin, prefix: pathname.replace(/\/+$/, '') }
}

/** A user and a password in a URL stay out of messages. */
function withoutUser(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//…@')
}

/** `Name: value` a line, as the SDK reads it. */
export function headersFrom(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split('\n').filter(line => line.includes(':'))
  return lowerCase(
    Object.fromEntries(pairs.map(line => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()])),
  )
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function nonEmpty(value: string | undefined): string | undefined {
  return value?.trim() ? value.trim() : undefined
}
