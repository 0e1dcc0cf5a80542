import { checkClaudeOptions, originOf } from '../../lib/claude/options.js'

describe('checkClaudeOptions', () => {
  it.each([
    [{ key: 'a' }, 'unknown option "key"'],
    [{ apiKey: '' }, 'apiKey must be'],
    [{ apiKey: ' ' }, 'apiKey must be'],
    [{ apiKey: 5 }, 'apiKey must be'],
    [{ authToken: '' }, 'authToken must be'],
    [{ apiKey: 'a', authToken: 'b' }, 'exclude each other'],
    [{ timeout: 0 }, 'timeout must be a whole number above 0, got 0'],
    [{ timeout: Number.NaN }, 'timeout must be'],
    [{ maxMessageBytes: 1.5 }, 'maxMessageBytes must be'],
    [{ idleMs: -1 }, 'idleMs must be'],
    [{ refusedTools: 'silence' }, "refusedTools must be 'text' or 'error', got \"silence\""],
    [{ refusedTools: null }, 'refusedTools must be'],
  ])('refuses %j', (options, text) => {
    expect(() => checkClaudeOptions(options as never)).toThrow(text)
  })

  it('never shows what may be a secret', () => {
    expect(() => checkClaudeOptions({ apiKey: 'secret-1', authToken: 'secret-2' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    )
  })
})

describe('originOf', () => {
  const credentials = async (...[options, env]: Parameters<typeof originOf>) => originOf(options, env).credentials()

  it('splits the base URL, of the options before the environment', () => {
    expect(originOf({}, {})).toMatchObject({ origin: 'https://api.anthropic.com', prefix: '' })
    expect(originOf({}, { ANTHROPIC_BASE_URL: ' http://proxy:80/a/b/ ' })).toMatchObject({ origin: 'http://proxy', prefix: '/a/b' })
    expect(originOf({ baseURL: 'http://own:81' }, { ANTHROPIC_BASE_URL: 'http://proxy' })).toMatchObject({
      origin: 'http://own:81',
      prefix: '',
    })
  })

  it.each(['nowhere', 'ftp://x', 'data:,'])('refuses the base URL %s', baseURL => {
    expect(() => originOf({ baseURL }, {})).toThrow('claude.baseURL must be')
  })

  it('takes the credential of the options, else the key, else the token of the environment', async () => {
    const env = { ANTHROPIC_API_KEY: 'k', ANTHROPIC_AUTH_TOKEN: 't' }
    expect(await credentials({ apiKey: 'own' }, env)).toEqual({ authorization: 'Bearer own' })
    expect(await credentials({ authToken: 'own' }, env)).toEqual({ authorization: 'Bearer own' })
    expect(await credentials({}, env)).toEqual({ authorization: 'Bearer k' })
    expect(await credentials({}, { ANTHROPIC_API_KEY: ' ', ANTHROPIC_AUTH_TOKEN: 't' })).toEqual({ authorization: 'Bearer t' })
  })

  it('asks a function for each request', async () => {
    let n = 0
    const origin = originOf({ apiKey: async () => `k${++n}` }, {})
    expect(await origin.credentials()).toEqual({ authorization: 'Bearer k1' })
    expect(await origin.credentials()).toEqual({ authorization: 'Bearer k2' })
  })

  it.each([
    ['', 'an empty one'],
    [undefined, 'undefined'],
  ])('refuses what such a function gives: %j', async (value, text) => {
    await expect(credentials({ apiKey: () => value as string }, {})).rejects.toThrow(text)
  })

  it('hides what such a function throws', async () => {
    const throws = () => {
      throw new TypeError('the key is sk-1')
    }
    await expect(credentials({ apiKey: throws }, {})).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: 'claude.apiKey() failed with TypeError',
    })
  })

  it('adds the headers of the environment, and those of the options over them', async () => {
    const env = { ANTHROPIC_API_KEY: 'k', ANTHROPIC_CUSTOM_HEADERS: 'X-One: 1\nnonsense\nX-Two: a: b\n' }
    expect(await credentials({ headers: { 'x-one': 'own' } }, env)).toEqual({ authorization: 'Bearer k', 'x-one': 'own', 'x-two': 'a: b' })
  })

  it('says what to do without a credential', () => {
    expect(() => originOf({}, {}).credentials()).toThrow('set ANTHROPIC_API_KEY')
    expect(originOf({ headers: { 'X-Api-Key': 'k' } }, {}).credentials()).toEqual({ 'x-api-key': 'k' })
  })
})

describe('a wrong value of claude', () => {
  it.each<[string, unknown]>([
    ['claude', null],
    ['claude', []],
    ['claude.upstream', { upstream: 5 }],
    ['claude.baseURL', { baseURL: null }],
    ['claude.headers', { headers: 'x: y' }],
    ['claude.headers', { headers: null }],
    ['claude.headers', { headers: { a: 1 } }],
    ['claude.headers', { headers: { 'a b': 'x' } }],
    ['claude.headers', { headers: { a: 'sk-secret\nx' } }],
    ['claude.apiKey', { apiKey: 'sk-secret\n' }],
    ['claude.authToken', { authToken: 'sk-secret…' }],
  ])('is a TypeError that begins with %s and shows no secret: %j', (begin, options) => {
    const error = failureOf(() => checkClaudeOptions(options as never))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message.startsWith(begin)).toBe(true)
    expect(error.message).not.toContain('sk-secret')
  })

  it('shows no password of a base URL', () => {
    const error = failureOf(() => originOf({ baseURL: 'https://user:sk-secret@host:99999/' }, {}))
    expect(error.message).toContain('//…@host')
    expect(error.message).not.toContain('sk-secret')
  })
})

function failureOf(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
