import { checkConfig } from '../../lib/cli/check-config.js'

const valid = {
  claude: { baseURL: 'https://example.com', timeout: 1000, headers: { 'x-a': 'b' } },
  budget: { usd: '0.25', tokens: 'unlimited', mode: 'hard', whenShort: 'clamp' },
  retry: { attempts: 1, deadlineMs: 1, baseDelayMs: 0.5, maxDelayMs: 2 },
  agent: { name: 'a', type: 'b', model: 'c', system: 'd' },
}

describe('checkConfig', () => {
  it.each([[valid], [{}], [{ budget: { usd: 0, tokens: 0 } }], [{ budget: { usd: 'unlimited' } }]])('accepts %j', async config => {
    expect(await checkConfig(config)).toEqual([])
  })

  it.each([
    [{ budgte: {} }, '/budgte', 'unknown key "budgte"; did you mean "budget"?'],
    [
      { retry: { wait: 1 } },
      '/retry/wait',
      'unknown key "retry.wait"; remove it, or use one of attempts, deadlineMs, baseDelayMs, maxDelayMs',
    ],
    [
      { budget: { usd: -1 } },
      '/budget/usd',
      '"budget.usd" must be US dollars, 0 or more, as a number or a decimal string, or "unlimited", not -1',
    ],
    [
      { budget: { usd: '' } },
      '/budget/usd',
      '"budget.usd" must be US dollars, 0 or more, as a number or a decimal string, or "unlimited", not ""',
    ],
    [
      { budget: { usd: null } },
      '/budget/usd',
      '"budget.usd" must be US dollars, 0 or more, as a number or a decimal string, or "unlimited", not null',
    ],
    [{ budget: { tokens: 1.5 } }, '/budget/tokens', '"budget.tokens" must be a whole number of tokens, 0 or more, or "unlimited", not 1.5'],
    [{ budget: { mode: 'strict' } }, '/budget/mode', '"budget.mode" must be one of "hard", "soft", "warn", not "strict"'],
    [{ retry: { attempts: 0 } }, '/retry/attempts', '"retry.attempts" must be a whole number, 1 or more, not 0'],
    [{ agent: 'jake' }, '/agent', '"agent" must be an object: the agent, not "jake"'],
    [{ budget: {} }, '/budget', "withBudget: give usd or tokens; no budget is the word 'unlimited': withBudget({ usd: 'unlimited' })"],
    [{ budget: { usd: Number.NaN } }, '/budget/usd', expect.stringMatching(/not NaN$/)],
    [{ budget: { usd: 1e300 } }, '/budget', expect.stringContaining('1e+300')],
    [{ claude: { apiKey: 'x' } }, '/claude/apiKey', 'unknown key "claude.apiKey"; keys do not belong in a file: set ANTHROPIC_API_KEY'],
    [[], '', 'the configuration must be an object of sections, not []'],
    [{ __proto__x: 1 }, '/__proto__x', 'unknown key "__proto__x"; remove it, or use one of $schema, claude, budget, retry, agent'],
  ])('refuses %j', async (config, pointer, message) => {
    expect(await checkConfig(config)).toEqual([{ pointer, message }])
  })

  it('refuses a __proto__ key like any other', async () => {
    expect((await checkConfig(JSON.parse('{"__proto__": {}}')))[0]?.message).toContain('unknown key "__proto__"')
  })

  it('lists every fault', async () => {
    expect(await checkConfig({ budget: { usd: -1, tokens: -1 }, x: 1 })).toHaveLength(3)
  })

  it('never repeats a value of the claude section', async () => {
    const problems = await checkConfig({
      claude: { baseURL: 'secret-url', timeout: 'secret-timeout', headers: { authorization: ['secret-key'] } },
    })
    expect(problems).toHaveLength(3)
    expect(JSON.stringify(problems)).not.toContain('secret')
  })
})
