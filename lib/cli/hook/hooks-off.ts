import { join } from 'node:path'

/** The environment that Claude Code is started with. */
export type Env = Readonly<Record<string, string | undefined>>
/** A file's text; `undefined` where there is none that can be read. */
export type ReadText = (path: string) => string | undefined

type Fields = { readonly [name: string]: unknown }

/** Variables that lead Claude Code elsewhere, or give it another credential than the agent's token. */
const elsewhere =
  /^(?:ANTHROPIC_(?:\w+_)?BASE_URL|ANTHROPIC_API_KEY|ANTHROPIC_AUTH_TOKEN|ANTHROPIC_CUSTOM_HEADERS|ANTHROPIC_UNIX_SOCKET|CLAUDE_CODE_OAUTH_TOKEN|CLAUDE_CODE_USE_(?:BEDROCK|VERTEX|FOUNDRY)|CLAUDE_CODE_SIMPLE|OUTRIGGER_COMPANION)$/

/** What in these settings would turn the hook off, or lead Claude Code round the companion; `undefined` for nothing. */
export function offIn(settings: Fields): string | undefined {
  for (const name of ['disableAllHooks', 'allowManagedHooksOnly'])
    if (settings[name] !== undefined && settings[name] !== false) return `"${name}" turns the hook off`
  const { env } = settings
  const name = typeof env === 'object' && env !== null ? Object.keys(env).find(key => elsewhere.test(key)) : undefined
  return name && `"env" sets ${name}, with which the companion or its hook would be gone round`
}

/** The settings files of Claude Code 2.1.197 that are in force for a start in `cwd`. */
export function settingsFiles(cwd: string, env: Env): readonly string[] {
  const home = env.HOME ?? env.USERPROFILE
  const own = env.CLAUDE_CONFIG_DIR ?? (home === undefined ? undefined : join(home, '.claude'))
  return [
    ...(own === undefined ? [] : [join(own, 'settings.json')]),
    join(cwd, '.claude', 'settings.json'),
    join(cwd, '.claude', 'settings.local.json'),
    '/etc/claude-code/managed-settings.json',
    '/Library/Application Support/ClaudeCode/managed-settings.json',
    'C:\\Program Files\\ClaudeCode\\managed-settings.json',
  ]
}

/** The first of those files that turns the hook off, and how. What is no JSON object is none to Claude Code either. */
export function offInFiles(cwd: string, env: Env, read: ReadText): { readonly file: string; readonly how: string } | undefined {
  for (const file of settingsFiles(cwd, env)) {
    const settings = objectIn(read(file))
    const how = settings && offIn(settings)
    if (how) return { file, how }
  }
}

/** The JSON object in a text. */
export function objectIn(text: string | undefined): Fields | undefined {
  try {
    const value: unknown = JSON.parse((text ?? '').replace(/^\uFEFF/, ''))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
  } catch {
    return undefined
  }
}
