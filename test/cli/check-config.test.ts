import { checkConfig } from '../../lib/cli/check-config.js'

const stack = {
  preset: 'claude-code',
  budget: { usd: 1 },
  retry: { attempts: 2 },
  signing: { batchMs: 0, checkpointEvery: 1, files: 'none', content: 'digest' },
  policy: 'strict.json',
  record: '.context',
  account: 'team',
  layers: { withDeadline: { idleMs: 1 }, withHealth: false },
}

const valid = {
  claude: { baseURL: 'https://example.com', timeout: 1000, headers: { 'x-a': 'b' } },
  budget: { usd: '0.25', tokens: 'unlimited', mode: 'hard', whenShort: 'clamp' },
  retry: { attempts: 1, deadlineMs: 1, baseDelayMs: 0.5, maxDelayMs: 2 },
  agent: { name: 'a', type: 'b', model: 'c', system: 'd' },
}

const limits = {
  maxBodyBytes: 1,
  maxHeaderBytes: 1,
  maxOpenRequests: 1,
  headersTimeoutMs: 1,
  requestTimeoutMs: 1,
  keepAliveMs: 1,
}

const served = {
  ...stack,
  ledger: 'sqlite:books.db',
  agents: [{ name: 'a-1', type: 'b', tokenFile: 'a.token', ...stack }, { name: 'c' }],
  server: { host: '127.0.0.1', port: 0, hosts: ['companion.local:8787'], adminTokenFile: 'admin.token', limits },
  run: { stopAfter: 0, graceMs: 0 },
}

describe('checkConfig', () => {
  it.each([
    [valid],
    [served],
    [{ signing: false, policy: true }],
    [{ ledger: 'postgres://team@db/books', account: 'a' }],
    [{ ledger: 'books.db', agent: { name: 'a' } }],
    [{ use: () => [] }],
    [{ agents: [{ name: 'a', use: () => [] }] }],
    [{}],
    [{ budget: { usd: 0, tokens: 0 } }],
    [{ budget: { usd: 'unlimited' } }],
  ])('accepts %j', async config => {
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
    [
      { __proto__x: 1 },
      '/__proto__x',
      'unknown key "__proto__x"; remove it, or use one of $schema, claude, preset, budget, retry, signing, policy, record, account, layers, ledger, agent, agents, server, run',
    ],
    [{ agents: {} }, '/agents', '"agents" must be a list of agents, not an object'],
    [{ agents: [{ type: 'x' }] }, '/agents/0', '"agents.0" needs "name"; give it one'],
    [{ agents: [{ name: 'a b' }] }, '/agents/0/name', expect.stringMatching(/^"agents\.0\.name" must be up to 64 letters.*, not "a b"$/)],
    [
      { agents: [{ name: 'a', token: 'x' }] },
      '/agents/0/token',
      'unknown key "agents.0.token"; a token does not belong in a configuration: name a file that holds it, by "tokenFile"',
    ],
    [{ server: { adminToken: 'x' } }, '/server/adminToken', expect.stringContaining('by "adminTokenFile"')],
    [
      { agents: [{ name: 'a' }, { name: 'a' }] },
      '/agents/1/name',
      '"agents.1.name" is "a" as that of another agent; a name is of one agent',
    ],
    [{ agents: [{ name: 'a', budget: {} }] }, '/agents/0/budget', expect.stringMatching(/^withBudget: give usd or tokens/)],
    [
      { agents: [{ name: 'a', signing: { batchMs: -1 } }] },
      '/agents/0/signing/batchMs',
      expect.stringContaining('milliseconds, 0 or more'),
    ],
    [{ signing: true }, '/signing', '"signing" must be an object: how the record is written, or false, not true'],
    [{ layers: { withHealth: true } }, '/layers/withHealth', '"layers.withHealth" must be an object of options, or false, not true'],
    [{ layers: { withHealth: 'on' } }, '/layers/withHealth', '"layers.withHealth" must be an object of options, or false, not "on"'],
    [{ policy: '' }, '/policy', expect.stringMatching(/^"policy" must be the path of a file of rules/)],
    [{ server: { port: 65_536 } }, '/server/port', '"server.port" must be a whole number from 0 to 65535; 0 is any free port, not 65536'],
    [{ server: { limits: { maxBodyByte: 1 } } }, '/server/limits/maxBodyByte', expect.stringContaining('did you mean "maxBodyBytes"?')],
    [{ run: { graceMs: -1 } }, '/run/graceMs', '"run.graceMs" must be a whole number, 0 or more, not -1'],
    [{ ledger: 'books.db' }, '/ledger', '"ledger" needs an account: say "account", or "agent.name"'],
    [{ ledger: 'mysql://db', account: 'a' }, '/ledger', expect.stringMatching(/^"ledger" must be sqlite:FILE.*, not this value$/)],
    [{ use: [] }, '/use', 'unknown key "use"; it is a function, which only a module can hold: outrigger.config.mjs'],
  ])('refuses %j', async (config, pointer, message) => {
    expect(await checkConfig(config)).toEqual([{ pointer, message }])
  })

  it('refuses a __proto__ key like any other', async () => {
    expect((await checkConfig(JSON.parse('{"__proto__": {}}')))[0]?.message).toContain('unknown key "__proto__"')
  })

  it('lists every fault', async () => {
    expect(await checkConfig({ budget: { usd: -1, tokens: -1 }, x: 1 })).toHaveLength(3)
  })

  it('refuses a password in the address of a ledger, and never repeats it', async () => {
    const [problem] = await checkConfig({ ledger: 'postgres://root:hunter2@db/books', account: 'a' })
    expect(problem).toMatchObject({ pointer: '/ledger', message: expect.stringContaining('without a password, which PGPASSWORD says') })
    expect(problem!.message).not.toContain('hunter2')
  })

  it('never repeats a value of the claude section', async () => {
    const problems = await checkConfig({
      claude: { baseURL: 'secret-url', timeout: 'secret-timeout', headers: { authorization: ['secret-key'] } },
    })
    expect(problems).toHaveLength(3)
    expect(JSON.stringify(problems)).not.toContain('secret')
  })
})
