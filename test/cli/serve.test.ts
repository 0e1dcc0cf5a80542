import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync as symlink, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCompanions } from '../../lib/server/companion-file.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { quietPort } from './quiet-port.js'
import { folderWith, runMain } from './run-main.js'
import { asked, called, type Serving, serving } from './serving.js'

const key = 'sk-ant-the-real-key-of-this-test'

let folder: string
let upstream: MessagesServer
let running: Serving[]
beforeEach(async () => {
  folder = folderWith({})
  upstream = await startServer(script.text('hello'))
  running = []
})
afterEach(async () => {
  for (const companion of running) await companion.stop()
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

const env = () => ({ ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: upstream.url })

async function start(argv: readonly string[] = []): Promise<Serving> {
  const isFirst = !existsSync(join(folder, '.context/serve/port'))
  const port = isFirst ? ['--port', `${await quietPort(18_000)}`] : []
  return begun([...port, ...argv])
}

async function begun(argv: readonly string[]): Promise<Serving> {
  const companion = await serving(folder, argv, { env: env() })
  running.push(companion)
  return companion
}

async function restart(companion: Serving, argv: readonly string[] = []): Promise<Serving> {
  expect(await companion.stop()).toBe(0)
  running.splice(running.indexOf(companion), 1)
  return start(argv)
}

const tokenIn = (file: string): string => readFileSync(file, 'utf8').trim()
const admin = ({ ready }: Serving, method: string, path: string, body?: unknown) =>
  asked(ready.baseURL, tokenIn(ready.adminTokenFile), method, path, body)
const add = async (companion: Serving, spec: object): Promise<string> => {
  const added = await admin(companion, 'POST', '/v1/agents', spec)
  expect(added).toMatchObject({ status: 201 })
  return added.body.token
}
const agentOf = async (companion: Serving, name: string) =>
  (await admin(companion, 'GET', '/v1/agents')).body.agents.find((agent: { name: string }) => agent.name === name)

describe('outrigger serve', () => {
  it('says where it listens and where the tokens are, and serves an agent that is added', async () => {
    const companion = await begun([])
    const { ready } = companion
    expect(ready).toEqual({
      baseURL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      agents: [],
      adminTokenFile: join(folder, '.context/serve/admin.token'),
      state: join(folder, '.context/serve'),
      ledger: join(folder, '.context/serve/ledger.sqlite'),
    })
    const token = await add(companion, { name: 'scribe', budget: { usd: 1 } })
    expect(await called(ready.baseURL, token)).toMatchObject({ status: 200, body: { content: [{ text: 'hello' }] } })
    expect([...upstream.credentials()]).toEqual([`Bearer ${key}`])
    expect(await agentOf(companion, 'scribe')).toMatchObject({ calls: 1, record: join(folder, '.context') })
    expect(companion.stderr()).toMatch(
      /listening on http.*\n.*no agent yet: add one with POST \/v1\/agents\n.*the admin token is in .*admin\.token\n/,
    )
  })

  it('shows no key, token, prompt or reply: not in what it prints, and no other file than the token’s own', async () => {
    const companion = await start()
    const token = await add(companion, { name: 'scribe' })
    await called(companion.ready.baseURL, token)
    const adminToken = tokenIn(companion.ready.adminTokenFile)
    const watchToken = tokenIn(join(folder, '.context/serve/watch.token'))
    await companion.stop()
    const said = companion.stdout() + companion.stderr()
    const secrets = { key, token, adminToken, watchToken, prompt: 'a secret question' }
    for (const secret of Object.values(secrets)) expect(said).not.toContain(secret)
    const holding = (secret: string) => filesIn(folder).filter(file => readFileSync(file).includes(secret))
    expect(Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, holding(secret)]))).toEqual({
      key: [],
      token: [join(folder, '.context/serve/tokens/scribe.token')],
      adminToken: [companion.ready.adminTokenFile],
      watchToken: [join(folder, '.context/serve/watch.token')],
      prompt: [],
    })
  })

  it('keeps every file of its state to its user', async () => {
    const companion = await start()
    await add(companion, { name: 'scribe' })
    const { state } = companion.ready
    expect(['', 'agents', 'tokens'].map(name => statSync(join(state, name)).mode & 0o777)).toEqual([0o700, 0o700, 0o700])
    const files = ['admin.token', 'watch.token', 'agents/scribe.json', 'tokens/scribe.token']
    expect(files.map(name => statSync(join(state, name)).mode & 0o777)).toEqual(files.map(() => 0o600))
  })

  it('tells what watches how it is reached: with the watch token, not the admin token', async () => {
    const companion = await start()
    const [found] = findCompanions(join(folder, '.context'))
    expect(found).toEqual({
      pid: process.pid,
      baseURL: companion.ready.baseURL,
      watchToken: tokenIn(join(companion.ready.state, 'watch.token')),
      command: 'serve',
      startedAt: expect.any(Number),
    })
    expect(await asked(found!.baseURL, found!.watchToken, 'GET', '/v1/agents')).toMatchObject({ status: 200 })
    await companion.stop()
    expect(findCompanions(join(folder, '.context'))).toEqual([])
  })

  it('takes an admin token that is there, and makes one where there is none', async () => {
    const given = 'the-admin-token-of-an-operator'
    writeFileSync(join(folder, 'mine.token'), `${given}\n`, { mode: 0o600 })
    const companion = await start(['--admin-token-file', 'mine.token'])
    expect(await asked(companion.ready.baseURL, given, 'GET', '/v1/agents')).toMatchObject({ status: 200 })
    const other = await restart(companion, ['--admin-token-file', 'made.token'])
    expect(statSync(join(folder, 'made.token')).mode & 0o777).toBe(0o600)
    expect(await asked(other.ready.baseURL, given, 'GET', '/v1/agents')).toMatchObject({ status: 401 })
    expect(await admin(other, 'GET', '/v1/agents')).toMatchObject({ status: 200 })
  })

  it.each<[string, () => readonly string[], RegExp]>([
    ['a port that is none', () => ['--port', '65536'], /--port must be a whole number from 0 to 65535, not "65536"/],
    ['a time that is none', () => ['--drain-ms', '1s'], /--drain-ms must be a whole number from 0 to 3600000, not "1s"/],
    ['a port that is taken', () => ['--port', `${upstream.port}`], /port \d+ of 127\.0\.0\.1 cannot be had \(EADDRINUSE\); .*--port/],
    ['an admin token that others may read', () => open('open.token', 0o644), /open\.token is open to other users \(mode 644\); close it/],
    ['an admin token that is none', () => open('two words.token', 0o600, 'two words'), /must hold one word of printable ASCII characters/],
    ['a state folder that others may look into', () => openState(), /is open to other users \(mode 755\)/],
  ])('refuses %s with 2 or 1, and leaves nothing open', async (_, argv, message) => {
    const { code, stderr } = await runMain(['serve', ...argv()], { cwd: folder, env: env() })
    expect(stderr).toMatch(message)
    expect([1, 2]).toContain(code)
    rmSync(join(folder, '.context'), { recursive: true, force: true })
    await start()
  })

  function open(name: string, mode: number, text = 'a-token-that-is-long-enough'): readonly string[] {
    writeFileSync(join(folder, name), text, { mode })
    return ['--admin-token-file', name]
  }

  function openState(): readonly string[] {
    mkdirSync(join(folder, 'state'), { mode: 0o755 })
    return ['--state', 'state']
  }

  it('says what it lacks where there is no key', async () => {
    const { code, stderr } = await runMain(['serve'], { cwd: folder })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/no key for Claude/) })
  })

  it('refuses a state folder that another has', async () => {
    const companion = await start()
    const { code, stderr } = await runMain(['serve'], { cwd: folder, env: env() })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/another companion has the state folder/) })
    expect(await admin(companion, 'GET', '/v1/agents')).toMatchObject({ status: 200 })
  })
})

describe('the agents of the configuration', () => {
  const configured = (config: object): void => writeFileSync(join(folder, 'outrigger.config.json'), JSON.stringify(config))
  const namesOf = ({ ready }: Serving) => ready.agents.map(({ name }) => name)

  it('are served with tokens of their own, each on its account, by its rules', async () => {
    writeFileSync(join(folder, 'b.token'), 'the-token-of-the-second-agent\n', { mode: 0o600 })
    configured({
      budget: { usd: 3 },
      agents: [{ name: 'a' }, { name: 'b', type: 'guest', tokenFile: 'b.token', budget: { usd: '0.50' }, account: 'guests' }],
    })
    const companion = await start()
    expect(companion.ready.agents).toEqual([
      { name: 'a', tokenFile: join(companion.ready.state, 'tokens/a.token') },
      { name: 'b', tokenFile: join(folder, 'b.token') },
    ])
    for (const { tokenFile } of companion.ready.agents)
      expect(await called(companion.ready.baseURL, tokenIn(tokenFile))).toMatchObject({ status: 200 })
    expect(await agentOf(companion, 'a')).toMatchObject({ calls: 1, nanoUsd: { allocated: 3_000_000_000 } })
    expect(await agentOf(companion, 'b')).toMatchObject({ calls: 1, type: 'guest', nanoUsd: { allocated: 500_000_000 } })
    await companion.stop()
    const { stdout } = await runMain(['ledger', 'show', '--json', '--store', companion.ready.ledger!], { cwd: folder })
    expect(stdout).toContain('guests')
  })

  it('are found again with token, spend and what stops them; a budget that was changed takes effect', async () => {
    configured({ agents: [{ name: 'a', budget: { usd: 1 } }] })
    const first = await start()
    const token = tokenIn(first.ready.agents[0]!.tokenFile)
    await called(first.ready.baseURL, token)
    const { id, nanoUsd } = await agentOf(first, 'a')
    await admin(first, 'POST', '/v1/agents/a/pause', { reason: 'a look at it' })
    configured({ agents: [{ name: 'a', budget: { usd: 2 } }] })
    const second = await restart(first)
    expect(await agentOf(second, 'a')).toMatchObject({
      id,
      paused: 'a look at it',
      nanoUsd: { allocated: 2_000_000_000, spent: nanoUsd.spent },
    })
    await admin(second, 'POST', '/v1/agents/a/resume', { reason: 'looked at' })
    expect(await called(second.ready.baseURL, token)).toMatchObject({ status: 200 })
  })

  it('are not removed over HTTP: they would come back', async () => {
    configured({ agents: [{ name: 'a' }] })
    const companion = await start()
    expect(await admin(companion, 'DELETE', '/v1/agents/a')).toMatchObject({
      status: 409,
      body: { error: { message: '"a" stands in the configuration: take it out there and restart, or reap it' } },
    })
    expect(namesOf(companion)).toEqual(['a'])
  })

  it('are gone when they are taken out, and nobody gets what is kept of them by their name', async () => {
    configured({ agents: [{ name: 'a' }, { name: 'b' }] })
    const first = await start()
    const token = tokenIn(first.ready.agents[0]!.tokenFile)
    configured({ agents: [{ name: 'b' }] })
    const second = await restart(first)
    expect(namesOf(second)).toEqual(['b'])
    expect(await called(second.ready.baseURL, token)).toMatchObject({ status: 401 })
    expect(await admin(second, 'POST', '/v1/agents', { name: 'a' })).toMatchObject({ status: 409 })
    configured({ agents: [{ name: 'a' }, { name: 'b' }] })
    expect(await called((await restart(second)).ready.baseURL, token)).toMatchObject({ status: 200 })
  })

  it('what the configuration says for all, it says for those that are added too', async () => {
    configured({ budget: { usd: 7 }, agents: [] })
    const companion = await start()
    await add(companion, { name: 'a' })
    await add(companion, { name: 'b', budget: { usd: 1 } })
    expect((await agentOf(companion, 'a')).nanoUsd.allocated).toBe(7_000_000_000)
    expect((await agentOf(companion, 'b')).nanoUsd.allocated).toBe(1_000_000_000)
  })

  it('may do without a layer', async () => {
    configured({
      agents: [
        { name: 'a', layers: { withBudget: false } },
        { name: 'b', signing: false },
      ],
    })
    const companion = await start()
    for (const { tokenFile } of companion.ready.agents)
      expect(await called(companion.ready.baseURL, tokenIn(tokenFile))).toMatchObject({ status: 200 })
    expect(await agentOf(companion, 'a')).toMatchObject({ nanoUsd: null, record: join(folder, '.context') })
    expect(await agentOf(companion, 'b')).toMatchObject({ nanoUsd: expect.anything(), record: null })
  })

  it('what a rule has stopped is stopped after a restart too', async () => {
    writeFileSync(join(folder, 'outrigger.policy.json'), JSON.stringify({ rules: [{ maxTokens: { n: 50, response: 'pause' } }] }), {
      mode: 0o600,
    })
    configured({ agents: [{ name: 'a' }] })
    const first = await start()
    const token = tokenIn(first.ready.agents[0]!.tokenFile)
    expect(await called(first.ready.baseURL, token)).toMatchObject({ status: 400 })
    const { paused } = await agentOf(first, 'a')
    expect(paused).toEqual(expect.any(String))
    const second = await restart(first)
    expect(await agentOf(second, 'a')).toMatchObject({ paused })
    expect(await called(second.ready.baseURL, token)).toMatchObject({ status: 409 })
  })

  it('refuses one that was added over HTTP too', async () => {
    const first = await start()
    await add(first, { name: 'a' })
    await first.stop()
    configured({ agents: [{ name: 'a' }] })
    const { code, stderr } = await runMain(['serve'], { cwd: folder, env: env() })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/agent "a" stands in the configuration, and was added by the admin API/),
    })
  })

  it('takes host, port, limits and the admin token of the section server', async () => {
    writeFileSync(join(folder, 'mine.token'), 'the-admin-token-of-an-operator\n', { mode: 0o600 })
    configured({ server: { adminTokenFile: 'mine.token', limits: { maxBodyBytes: 50 } }, agents: [{ name: 'a' }] })
    const companion = await start()
    expect(companion.ready.adminTokenFile).toBe(join(folder, 'mine.token'))
    expect(await called(companion.ready.baseURL, tokenIn(companion.ready.agents[0]!.tokenFile))).toMatchObject({ status: 413 })
  })
})

describe('after a restart', () => {
  it('listens where it did, with the same tokens', async () => {
    const first = await start()
    const own = await add(first, { name: 'scribe' })
    const given = 'a-token-of-the-clients-own'
    await admin(first, 'POST', '/v1/agents', { name: 'Painter', type: 'artist', token: given })
    const second = await restart(first)
    expect(second.ready.baseURL).toBe(first.ready.baseURL)
    expect(second.ready.agents).toEqual([
      { name: 'Painter', tokenFile: join(second.ready.state, 'tokens/+painter.token') },
      { name: 'scribe', tokenFile: join(second.ready.state, 'tokens/scribe.token') },
    ])
    expect(await called(second.ready.baseURL, own)).toMatchObject({ status: 200 })
    expect(await called(second.ready.baseURL, given)).toMatchObject({ status: 200 })
    expect(await agentOf(second, 'Painter')).toMatchObject({ type: 'artist', calls: 1 })
  })

  it('what was spent is spent', async () => {
    const first = await start()
    const token = await add(first, { name: 'scribe', budget: { usd: '0.02' } })
    expect(await called(first.ready.baseURL, token)).toMatchObject({ status: 200 })
    const before = (await agentOf(first, 'scribe')).nanoUsd
    expect(before.spent).toBeGreaterThan(0)
    const second = await restart(first)
    expect((await agentOf(second, 'scribe')).nanoUsd).toEqual(before)
    await called(second.ready.baseURL, token)
    expect((await agentOf(second, 'scribe')).nanoUsd.spent).toBe(2 * before.spent)
  })

  it('an agent that is removed and added anew under its name has spent what it had', async () => {
    const first = await start()
    const token = await add(first, { name: 'scribe', budget: { usd: 1 } })
    await called(first.ready.baseURL, token)
    const { id, nanoUsd } = await agentOf(first, 'scribe')
    expect(await admin(first, 'DELETE', '/v1/agents/scribe')).toMatchObject({ status: 200 })
    expect(readdirSync(join(first.ready.state, 'tokens'))).toEqual([])
    await add(first, { name: 'scribe', budget: { usd: 1 } })
    const anew = await agentOf(first, 'scribe')
    expect(anew.nanoUsd.spent).toBe(nanoUsd.spent)
    expect(anew.id).not.toBe(id)
    expect(await called(first.ready.baseURL, token)).toMatchObject({ status: 401 })
  })

  it('an agent that is added anew has the budget that it is given now', async () => {
    const first = await start()
    await called(first.ready.baseURL, await add(first, { name: 'scribe', budget: { usd: 1 } }))
    for (const [usd, allocated] of [
      ['2.50', 2_500_000_000],
      ['0.01', 10_000_000],
      ['unlimited', 'unlimited'],
    ]) {
      await admin(first, 'DELETE', '/v1/agents/scribe')
      await add(first, { name: 'scribe', budget: { usd } })
      const { nanoUsd } = await agentOf(first, 'scribe')
      expect(nanoUsd.allocated ?? nanoUsd).toBe(allocated)
    }
    await admin(first, 'DELETE', '/v1/agents/scribe')
    await add(first, { name: 'scribe', budget: { usd: 3 } })
    const { nanoUsd } = await agentOf(first, 'scribe')
    expect(nanoUsd).toMatchObject({ allocated: 3_000_000_000, remaining: 3_000_000_000 - nanoUsd.spent })
    expect(nanoUsd.spent).toBeGreaterThan(0)
    expect((await agentOf(await restart(first), 'scribe')).nanoUsd).toEqual(nanoUsd)
  })

  it('two agents may share an account, under one budget', async () => {
    const first = await start()
    const one = await add(first, { name: 'one', account: 'team', budget: { usd: 1 } })
    await add(first, { name: 'two', account: 'team', budget: { usd: 1 } })
    await called(first.ready.baseURL, one)
    const refused = await admin(first, 'POST', '/v1/agents', { name: 'three', account: 'team', budget: { usd: 2 } })
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { message: 'the account "team" is that of "one" too, with another budget; give both the same, or another account' } },
    })
    expect(await agentOf(first, 'three')).toBeUndefined()
    expect((await agentOf(first, 'one')).nanoUsd.spent).toBeGreaterThan(0)
    expect((await agentOf(await restart(first), 'two')).nanoUsd.spent).toBeGreaterThan(0)
  })

  it('what was paused is paused, what was reaped is reaped, what was resumed goes on', async () => {
    const first = await start()
    const tokens = {
      paused: await add(first, { name: 'paused' }),
      reaped: await add(first, { name: 'reaped' }),
      free: await add(first, { name: 'free' }),
    }
    for (const [name, verb] of [
      ['paused', 'pause'],
      ['reaped', 'reap'],
      ['free', 'pause'],
      ['free', 'resume'],
    ])
      expect(await admin(first, 'POST', `/v1/agents/${name}/${verb}`, { reason: `by ${verb}` })).toMatchObject({ status: 200 })
    const second = await restart(first)
    expect(await agentOf(second, 'paused')).toMatchObject({ paused: 'by pause' })
    expect(await called(second.ready.baseURL, tokens.paused)).toMatchObject({ status: 409 })
    expect(await agentOf(second, 'reaped')).toMatchObject({ state: 'failedReaped' })
    expect(await called(second.ready.baseURL, tokens.reaped)).toMatchObject({
      status: 409,
      body: { error: { message: expect.stringMatching(/has ended: by reap/) } },
    })
    expect(await called(second.ready.baseURL, tokens.free)).toMatchObject({ status: 200 })
    await admin(second, 'POST', '/v1/agents/paused/resume', { reason: 'looked at' })
    expect(await called((await restart(second)).ready.baseURL, tokens.paused)).toMatchObject({ status: 200 })
  })

  it('what was removed is gone', async () => {
    const first = await start()
    const token = await add(first, { name: 'scribe' })
    expect(await admin(first, 'DELETE', '/v1/agents/scribe')).toMatchObject({ status: 200, body: { removed: 'scribe' } })
    const second = await restart(first)
    expect(second.ready.agents).toEqual([])
    expect(await called(second.ready.baseURL, token)).toMatchObject({ status: 401 })
  })

  it.each<[string, string, (path: string) => void, RegExp]>([
    ['an agent that somebody has changed', 'agents/scribe.json', path => writeFileSync(path, '{"version":1}'), /is not as it was written/],
    [
      'an agent under another name',
      'agents/scribe.json',
      path => writeFileSync(path, readFileSync(path, 'utf8').replace('"scribe"', '"other"')),
      /is not as it was written/,
    ],
    ['a token that is gone', 'tokens/scribe.token', path => rmSync(path), /scribe\.token is gone; put the token of "scribe" back/],
    ['a link in the place of a token', 'tokens/scribe.token', path => linked(path), /is a symbolic link; take it away/],
  ])('refuses %s, and lets nobody in', async (_, name, damage, message) => {
    const first = await start()
    await add(first, { name: 'scribe' })
    await first.stop()
    damage(join(first.ready.state, name))
    const { code, stderr } = await runMain(['serve'], { cwd: folder, env: env() })
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  function linked(path: string): void {
    writeFileSync(join(folder, 'elsewhere'), readFileSync(path), { mode: 0o600 })
    rmSync(path)
    symlink(join(folder, 'elsewhere'), path)
  }

  it('takes away what a crash has left half written', async () => {
    const first = await start()
    const token = await add(first, { name: 'scribe' })
    const { state } = first.ready
    await first.stop()
    writeFileSync(join(state, 'agents/.scribe.json-0011'), '{"ver', { mode: 0o600 })
    writeFileSync(join(state, 'tokens/half.token'), 'a-token-without-an-agent\n', { mode: 0o600 })
    const second = await start()
    expect(await called(second.ready.baseURL, token)).toMatchObject({ status: 200 })
    expect(readdirSync(join(state, 'agents'))).toEqual(['scribe.json'])
    expect(readdirSync(join(state, 'tokens'))).toEqual(['scribe.token'])
  })
})

describe('at the end', () => {
  it('lets nothing new in and waits for what runs', async () => {
    const slow = await startServer(script.text('hello'))
    const companion = await start()
    const token = await add(companion, { name: 'scribe' })
    await called(companion.ready.baseURL, token)
    expect(await companion.stop()).toBe(0)
    await expect(called(companion.ready.baseURL, token)).rejects.toThrow()
    expect(existsSync(join(companion.ready.state, 'agents/scribe.json'))).toBe(true)
    await slow.close()
  })
})

const filesIn = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
