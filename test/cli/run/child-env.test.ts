import { childEnv } from '../../../lib/cli/run/child-env.js'
import { secretVariables } from '../../../lib/cli/run/secret-variables.js'

const key = 'sk-ant-api03-0123456789abcdef'
const facts = { baseURL: 'http://127.0.0.1:4711', token: 'outrigger-token', secrets: [key] }
const given = {
  ANTHROPIC_BASE_URL: facts.baseURL,
  ANTHROPIC_API_KEY: facts.token,
  CLAUDE_CODE_MAX_RETRIES: '0',
  CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '1',
  OUTRIGGER_COMPANION: facts.baseURL,
}

describe('the environment of a governed command', () => {
  const gone: readonly (readonly [string, string])[] = [
    ['ANTHROPIC_AUTH_TOKEN', 'x'],
    ['ANTHROPIC_CUSTOM_HEADERS', 'authorization: Bearer x'],
    ['ANTHROPIC_IDENTITY_TOKEN', 'x'],
    ['ANTHROPIC_IDENTITY_TOKEN_FILE', '/run/token'],
    ['ANTHROPIC_WEBHOOK_SIGNING_KEY', 'x'],
    ['ANTHROPIC_ENVIRONMENT_KEY', 'x'],
    ['ANTHROPIC_WORK_SECRET', 'x'],
    ['ANTHROPIC_FOUNDRY_API_KEY', 'x'],
    ['ANTHROPIC_PROFILE', 'work'],
    ['ANTHROPIC_CONFIG_DIR', '/home/me/.config/anthropic'],
    ['ANTHROPIC_FEDERATION_RULE_ID', 'x'],
    ['ANTHROPIC_BEDROCK_BASE_URL', 'https://bedrock.example'],
    ['ANTHROPIC_VERTEX_BASE_URL', 'https://vertex.example'],
    ['ANTHROPIC_VERTEX_PROJECT_ID', 'x'],
    ['ANTHROPIC_FOUNDRY_RESOURCE', 'x'],
    ['ANTHROPIC_UNIX_SOCKET', '/run/claude.sock'],
    ['AWS_BEARER_TOKEN_BEDROCK', 'x'],
    ['CLAUDE_CODE_OAUTH_TOKEN', 'x'],
    ['CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR', '4'],
    ['CLAUDE_CODE_USE_BEDROCK', '1'],
    ['CLAUDE_CODE_USE_VERTEX', '1'],
    ['CLAUDE_CODE_USE_FOUNDRY', '1'],
    ['CLAUDE_CODE_SKIP_BEDROCK_AUTH', '1'],
    ['OUTRIGGER_LEDGER', 'postgres://me:password@db/books'],
    ['OUTRIGGER_HANDOVER', '1'],
    ['MY_OWN_COPY', `key=${key}`],
  ]
  it.each(gone)('has no %s', (name, value) => {
    expect(childEnv({ [name]: value }, facts)).toEqual(given)
  })

  const kept: readonly (readonly [string, string])[] = [
    ['PATH', '/bin'],
    ['ANTHROPIC_MODEL', 'claude-opus-4-8'],
    ['ANTHROPIC_LOG', 'debug'],
    ['ANTHROPIC_DEFAULT_OPUS_MODEL', 'claude-opus-4-8'],
    ['CLAUDE_CODE_MAX_OUTPUT_TOKENS', '8000'],
    ['CLAUDE_CONFIG_DIR', '/home/me/.claude'],
    ['OPENAI_API_KEY', 'x'],
    ['OUTRIGGER_KILL_SWITCH', '/tmp/kill'],
  ]
  it.each(kept)('keeps %s', (name, value) => {
    expect(childEnv({ [name]: value }, facts)).toEqual({ ...given, [name]: value })
  })

  it('has the companion in place of what the user has', () => {
    expect(
      childEnv({ ANTHROPIC_BASE_URL: 'https://gateway.example', ANTHROPIC_API_KEY: key, CLAUDE_CODE_MAX_RETRIES: '10' }, facts),
    ).toEqual(given)
  })

  it.each([
    [{ HTTPS_PROXY: 'http://proxy:8080' }, '127.0.0.1'],
    [{ http_proxy: 'http://proxy:8080', NO_PROXY: 'localhost' }, 'localhost,127.0.0.1'],
    [{ ALL_PROXY: 'socks://proxy', no_proxy: 'a', NO_PROXY: 'b' }, 'a,127.0.0.1'],
  ])('tells a proxy to leave the companion alone: %j', (env, none) => {
    expect(childEnv(env, facts)).toEqual({ ...env, ...given, no_proxy: none, NO_PROXY: none })
  })
})

describe('variables that show a credential', () => {
  it('are found by their name and by what they hold; an empty one holds nothing', () => {
    const env = { ANTHROPIC_API_KEY: 'x', ANTHROPIC_AUTH_TOKEN: '', ANTHROPIC_MODEL: 'm', COPY: `a ${key} b`, PATH: '/bin' }
    expect(secretVariables(env, [key])).toEqual(['ANTHROPIC_API_KEY', 'COPY'])
  })
})
