import { type Env, secretVariables, without } from './secret-variables.js'

/** What the environment of a governed command is made for. */
export interface ChildEnvFacts {
  /** Where the companion listens. */
  readonly baseURL: string
  /** The token of the agent. */
  readonly token: string
  /** What must not be seen: the real key, in whatever variable it stands. */
  readonly secrets: readonly string[]
}

/** Variables that lead round the companion, or to a credential that is no variable. A client that found one would not ask here. */
const routes: readonly RegExp[] = [
  /^ANTHROPIC_(.*_)?(BASE_URL|UNIX_SOCKET|RESOURCE|PROJECT_ID)$/,
  // Where the SDK and Claude Code find credentials that are not in a variable.
  /^ANTHROPIC_(PROFILE|CONFIG_DIR|IDENTITY_TOKEN_FILE|FEDERATION_RULE_ID|SERVICE_ACCOUNT_ID)$/,
  /^CLAUDE_CODE_(.*_)?(FILE_DESCRIPTOR|BASE_URL|UNIX_SOCKET)$/,
  /^CLAUDE_CODE_(USE|SKIP)_/,
  // Where the books are, with the password of a database.
  /^OUTRIGGER_(LEDGER|HANDOVER)$/,
]

const proxies: readonly string[] = ['http_proxy', 'https_proxy', 'all_proxy']
const isProxy = (name: string): boolean => proxies.includes(name.toLowerCase())

/**
 * The environment of a governed command: that of the user, without any credential for Claude and without what leads elsewhere, with the companion as
 * the only way. A proxy is told to leave the companion alone.
 */
export function childEnv(env: Env, { baseURL, token, secrets }: ChildEnvFacts): Record<string, string> {
  const gone = [...secretVariables(env, secrets), ...Object.keys(env).filter(name => routes.some(pattern => pattern.test(name)))]
  return {
    ...without(env, gone),
    ...unproxied(env, new URL(baseURL).hostname),
    ANTHROPIC_BASE_URL: baseURL,
    ANTHROPIC_API_KEY: token,
    // Claude Code sends again what is refused, whatever the answer says of it.
    CLAUDE_CODE_MAX_RETRIES: '0',
    // Else the settings of a project, of the user, or of the session itself could lead Claude Code elsewhere: they go before this environment.
    CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '1',
    OUTRIGGER_COMPANION: baseURL,
  }
}

/** Clients differ in which of the two names they read. */
function unproxied(env: Env, host: string): Record<string, string> {
  if (!Object.keys(env).some(isProxy)) return {}
  const given = env.no_proxy ?? env.NO_PROXY
  const both = given ? `${given},${host}` : host
  return { no_proxy: both, NO_PROXY: both }
}
