import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createSidecar } from 'outrigger'
import { withBudget, withMetrics } from 'outrigger/middleware'
import { type AgentJournal, type AgentSpec, type CompanionServer, createServer, outsideAgent, type ServerOptions } from 'outrigger/server'
import { mockModel } from 'outrigger/testing'

const adminToken = 'the-admin-token-of-this-test'
const watchToken = 'the-watch-token-of-this-test'

let model: ReturnType<typeof mockModel>
let server: CompanionServer
let opened: AgentSpec[]
beforeEach(() => {
  model = mockModel({ otherwise: () => ({ text: 'hello' }) })
  opened = []
})
afterEach(() => server.close({ drainMs: 0 }))

const open = async (spec: AgentSpec) => {
  opened.push(spec)
  const { name, token } = spec
  const sidecar = createSidecar({
    agent: outsideAgent(name),
    use: [withMetrics(), withBudget({ usd: 1 })],
    claude: { upstream: model.upstream },
  })
  return { sidecar, ...(token === undefined ? {} : { token }) }
}

async function serve(options: ServerOptions = {}) {
  server = await createServer({ adminToken, watchToken, open, ...options })
}

interface Answer {
  readonly status: number
  readonly body: any
}

async function ask(method: string, path: string, body?: unknown, token: string = adminToken): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(`${server.baseURL}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: text }),
  })
  return { status: response.status, body: await response.json() }
}

const call = (token: string) =>
  ask('POST', '/v1/messages', { model: 'claude-opus-4-8', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }, token)

const refusedWith = (status: number, type: string, message: RegExp | string = /./) => ({
  status,
  body: { type: 'error', error: { type, message: typeof message === 'string' ? message : expect.stringMatching(message) } },
})

describe('POST /v1/agents', () => {
  it('adds an agent, and says its token once', async () => {
    await serve()
    const added = await ask('POST', '/v1/agents', { name: 'scribe', budget: { usd: '0.50' } })
    expect(added).toMatchObject({ status: 201, body: { agent: { name: 'scribe', state: 'summoned', calls: 0 } } })
    expect(opened).toEqual([{ name: 'scribe', budget: { usd: '0.50' } }])
    expect(await call(added.body.token)).toMatchObject({ status: 200 })
    const { body } = await ask('GET', '/v1/agents')
    expect(body.agents).toMatchObject([{ name: 'scribe', calls: 1 }])
    expect(JSON.stringify(body)).not.toContain(added.body.token)
  })

  it('does not repeat a token that it was given', async () => {
    await serve()
    const token = 'a-token-of-the-callers-own'
    const added = await ask('POST', '/v1/agents', { name: 'scribe', token })
    expect(added.status).toBe(201)
    expect(JSON.stringify(added.body)).not.toContain(token)
    expect(await call(token)).toMatchObject({ status: 200 })
  })

  it('refuses a name that is served, and one that is being added', async () => {
    let go = (): void => {}
    let begin = (): void => {}
    const begun = new Promise<void>(resolve => {
      begin = resolve
    })
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const slowly = async (spec: AgentSpec) => {
      begin()
      await gate
      return open(spec)
    }
    await serve({ open: slowly })
    const taken = refusedWith(409, 'invalid_request_error', 'an agent "scribe" is served already; choose another name, or remove it first')
    const first = ask('POST', '/v1/agents', { name: 'scribe' })
    await begun
    expect(server.agents).toEqual([])
    const second = ask('POST', '/v1/agents', { name: 'scribe' })
    expect(await second).toMatchObject(taken)
    go()
    expect(await first).toMatchObject({ status: 201 })
    expect(await ask('POST', '/v1/agents', { name: 'scribe' })).toMatchObject(taken)
    expect(opened).toHaveLength(1)
  })

  it('refuses a token that is another agent’s, without naming it, and closes what it made', async () => {
    await serve()
    const token = 'a-token-of-the-callers-own'
    await ask('POST', '/v1/agents', { name: 'one', token })
    const refused = await ask('POST', '/v1/agents', { name: 'two', token })
    expect(refused).toMatchObject(refusedWith(400, 'invalid_request_error', /token/))
    expect(JSON.stringify(refused.body)).not.toContain(token)
    expect(server.agents.map(({ name }) => name)).toEqual(['one'])
    expect(await ask('POST', '/v1/agents', { name: 'two' })).toMatchObject({ status: 201 })
  })

  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{"name":', /the body is not valid JSON; send an object/],
    ['nothing', 'null', /^the body must be an object like/],
    ['a list', [], /^the body must be an object like .*, not a list/],
    ['no name', {}, /^"name" is missing; give the agent one/],
    ['a name that is a path', { name: '../etc' }, /^"name" must be a name: up to 64 letters.*, not "..\/etc"/],
    ['a name that is empty', { name: '' }, /^"name" must be/],
    ['a name that is too long', { name: 'a'.repeat(65) }, /^"name" must be/],
    ['an unknown field', { name: 'a', bugdet: {} }, /^unknown field "bugdet" in the body; known are name, type, token/],
    ['an unknown field further down', { name: 'a', budget: { eur: 1 } }, /^unknown field "eur" in "budget"; known are usd/],
    ['an amount below 0', { name: 'a', budget: { usd: -1 } }, /^"budget.usd" must be US dollars, 0 or more, .*, not -1/],
    ['an amount of another kind', { name: 'a', budget: { usd: { of: 1 } } }, /^"budget.usd" must be .*, not an object/],
    ['rules elsewhere', { name: 'a', rules: 'x/../../y.json' }, /^"rules" must be the path of a file of rules below the folder/],
    ['rules at an absolute path', { name: 'a', rules: '/etc/passwd' }, /^"rules" must be/],
    ['a preset that is a path', { name: 'a', preset: '../preset' }, /^"preset" must be the name of a preset/],
    ['two faults', { name: 1, type: 2 }, /^"name" must be .*; "type" must be/],
  ])('refuses %s, and says the field and the fix', async (_, body, message) => {
    await serve()
    expect(await ask('POST', '/v1/agents', body)).toMatchObject(refusedWith(400, 'invalid_request_error', message))
    expect(opened).toEqual([])
  })

  it.each(['short', 'with a space in the middle of it', 'x'.repeat(257)])('refuses the token %s and does not show it', async token => {
    await serve()
    const refused = await ask('POST', '/v1/agents', { name: 'a', token })
    expect(refused).toMatchObject(refusedWith(400, 'invalid_request_error', /^"token" must be 24 to 256 printable ASCII characters/))
    expect(JSON.stringify(refused.body)).not.toContain(token)
  })

  it('refuses a body of more than 65,536 bytes', async () => {
    await serve()
    expect(await ask('POST', '/v1/agents', { name: 'x'.repeat(70_000) })).toMatchObject({ status: 413 })
    expect(opened).toEqual([])
  })

  it('is not there without `open`', async () => {
    await serve({ open: undefined })
    expect(await ask('POST', '/v1/agents', { name: 'a' })).toMatchObject(refusedWith(404, 'not_found_error', /adds no agents at run time/))
  })
})

describe('DELETE /v1/agents/:name', () => {
  it('lets nothing new in for it and waits for what runs', async () => {
    model = mockModel()
    await serve()
    const { body } = await ask('POST', '/v1/agents', { name: 'scribe' })
    const asked = model.next()
    const running = call(body.token)
    const request = await asked
    const removed = ask('DELETE', '/v1/agents/scribe?drainMs=600000')
    await until(async () => (await call(body.token)).status === 401)
    request.reply({ text: 'the last word' })
    expect(await running).toMatchObject({ status: 200 })
    expect(await removed).toEqual({ status: 200, body: { removed: 'scribe' } })
    expect(await ask('GET', '/v1/agents')).toEqual({ status: 200, body: { agents: [] } })
  })

  it('ends what runs when its time is over', async () => {
    model = mockModel()
    await serve()
    const { body } = await ask('POST', '/v1/agents', { name: 'scribe' })
    const asked = model.next()
    const running = call(body.token)
    await asked
    expect(await ask('DELETE', '/v1/agents/scribe?drainMs=0')).toMatchObject({ status: 200 })
    expect((await running).status).toBeGreaterThanOrEqual(400)
  })

  it.each(['-1', '1.5', 'soon', '3600001', ''])('refuses drainMs=%s', async drainMs => {
    await serve()
    await ask('POST', '/v1/agents', { name: 'scribe' })
    expect(await ask('DELETE', `/v1/agents/scribe?drainMs=${drainMs}`)).toMatchObject(
      refusedWith(400, 'invalid_request_error', 'drainMs must be milliseconds from 0 to 3600000, a whole number'),
    )
    expect(server.agents).toHaveLength(1)
  })

  it('knows nobody of another name', async () => {
    await serve()
    expect(await ask('DELETE', '/v1/agents/nobody')).toMatchObject(refusedWith(404, 'not_found_error', /there is no agent "nobody"/))
  })
})

describe('POST /v1/agents/:name/{pause,resume,reap}', () => {
  const steer = (verb: string, token: string, reason: unknown = 'too many deletions') =>
    ask('POST', `/v1/agents/scribe/${verb}`, { reason }, token)

  it.each([
    ['admin', adminToken],
    ['watch', watchToken],
  ])('pauses and reaps with the %s token', async (_, token) => {
    await serve()
    const { body } = await ask('POST', '/v1/agents', { name: 'scribe' })
    expect(await steer('pause', token)).toMatchObject({ status: 200, body: { agent: { name: 'scribe', paused: 'too many deletions' } } })
    expect(await call(body.token)).toMatchObject(refusedWith(409, 'invalid_request_error', /is paused: too many deletions/))
    expect(await steer('reap', token)).toMatchObject({ status: 200, body: { agent: { state: 'failedReaped' } } })
    expect(await call(body.token)).toMatchObject(refusedWith(409, 'invalid_request_error', /has ended: too many deletions/))
    expect(model.requests).toHaveLength(0)
  })

  it('resumes with the admin token alone', async () => {
    await serve()
    const { body } = await ask('POST', '/v1/agents', { name: 'scribe' })
    await steer('pause', watchToken)
    expect(await steer('resume', watchToken)).toMatchObject(refusedWith(403, 'permission_error', /needs the admin token/))
    expect(await call(body.token)).toMatchObject({ status: 409 })
    expect(await steer('resume', adminToken)).toMatchObject({ status: 200, body: { agent: { paused: null } } })
    expect(await call(body.token)).toMatchObject({ status: 200 })
  })

  it.each([undefined, '', 7, 'two\nlines', 'x'.repeat(201), '\u001b[2J'])('refuses the reason %j', async reason => {
    await serve()
    await ask('POST', '/v1/agents', { name: 'scribe' })
    for (const verb of ['pause', 'resume', 'reap'])
      expect(await ask('POST', `/v1/agents/scribe/${verb}`, { reason })).toMatchObject(
        refusedWith(400, 'invalid_request_error', /"reason" must be/),
      )
    expect(server.snapshot().agents).toMatchObject([{ paused: null, state: 'summoned' }])
  })

  it('means whoever has the name when the reason has come, in the record of the server too', async () => {
    const kept: string[] = []
    const journal: AgentJournal = {
      added: async () => {},
      removing: async () => {},
      steered: async (name, status) => void kept.push(`${name} ${JSON.stringify(status)}`),
    }
    await serve({ journal })
    await ask('POST', '/v1/agents', { name: 'scribe' })
    const slow = request(`${server.baseURL}/v1/agents/scribe/reap`, {
      method: 'POST',
      headers: { authorization: `Bearer ${watchToken}`, expect: '100-continue' },
    })
    slow.flushHeaders()
    // It has been taken, and its reason is waited for.
    await once(slow, 'continue')
    expect(await ask('DELETE', '/v1/agents/scribe?drainMs=0')).toMatchObject({ status: 200 })
    await ask('POST', '/v1/agents', { name: 'scribe' })
    slow.end('{"reason":"enough"}')
    const [answer] = (await once(slow, 'response')) as [IncomingMessage]
    expect(answer.resume().statusCode).toBe(200)
    expect(kept).toEqual(['scribe {"reaped":"enough"}'])
    expect(server.snapshot().agents).toMatchObject([{ name: 'scribe', state: 'failedReaped' }])
  })

  it('refuses another field, another verb, another agent', async () => {
    await serve()
    await ask('POST', '/v1/agents', { name: 'scribe' })
    expect(await ask('POST', '/v1/agents/scribe/pause', { reason: 'x', force: true })).toMatchObject({ status: 400 })
    expect(await steer('kill', adminToken)).toMatchObject(refusedWith(404, 'not_found_error', /known are pause, reap, resume/))
    expect(await steer('toString', adminToken)).toMatchObject({ status: 404 })
    expect(await ask('POST', '/v1/agents/other/pause', { reason: 'x' })).toMatchObject({ status: 404 })
    expect(await ask('PATCH', '/v1/agents/scribe', {})).toMatchObject(refusedWith(404, 'not_found_error', /there is no PATCH here/))
  })
})

describe('who may', () => {
  const routes: readonly (readonly [string, string])[] = [
    ['GET', '/v1/agents'],
    ['POST', '/v1/agents'],
    ['DELETE', '/v1/agents/scribe'],
    ['POST', '/v1/agents/scribe/pause'],
    ['POST', '/v1/agents/scribe/resume'],
    ['POST', '/v1/agents/scribe/reap'],
    ['PATCH', '/v1/agents/scribe'],
  ]
  const body = (method: string, path: string) =>
    method === 'GET' || method === 'DELETE' ? undefined : path === '/v1/agents' ? { name: 'new' } : { reason: 'x' }

  it.each(routes)('%s %s: a wrong token, and an agent’s own, are refused, and upstream sees nothing', async (method, path) => {
    await serve()
    const { body: added } = await ask('POST', '/v1/agents', { name: 'scribe' })
    for (const token of ['wrong', '', added.token, adminToken.toUpperCase(), `${adminToken} `.repeat(2)])
      expect(await ask(method, path, body(method, path), token)).toMatchObject(refusedWith(401, 'authentication_error'))
    expect(server.snapshot().agents).toMatchObject([{ name: 'scribe', paused: null, state: 'summoned' }])
    expect(model.requests).toHaveLength(0)
  })

  it.each(routes)('%s %s: not there without a token of the server', async (method, path) => {
    await serve({ adminToken: undefined, watchToken: undefined })
    for (const token of ['', 'undefined', adminToken])
      expect(await ask(method, path, body(method, path), token)).toMatchObject(refusedWith(404, 'not_found_error'))
    expect(model.requests).toHaveLength(0)
  })

  it('without an admin token the watch token reads, pauses and reaps, and the rest is not there', async () => {
    const { sidecar } = await open({ name: 'scribe' })
    await serve({ adminToken: undefined, agents: [{ sidecar }] })
    const statuses = await Promise.all(
      routes.slice(0, 5).map(async ([method, path]) => (await ask(method, path, body(method, path), watchToken)).status),
    )
    expect(statuses).toEqual([200, 404, 404, 200, 404])
    expect(server.snapshot().agents).toMatchObject([{ paused: 'x' }])
  })

  it('the admin token opens no agent', async () => {
    await serve()
    await ask('POST', '/v1/agents', { name: 'scribe' })
    expect(await call(adminToken)).toMatchObject({ status: 401 })
    expect(model.requests).toHaveLength(0)
  })
})

describe('the journal', () => {
  /** Notes what it is told; fails where it is told to. */
  function journalling(failing: keyof AgentJournal | undefined = undefined) {
    const notes: unknown[] = []
    const note = (step: keyof AgentJournal, ...facts: unknown[]) => {
      notes.push([step, ...facts])
      return step === failing ? Promise.reject(new Error('no room')) : Promise.resolve()
    }
    const journal: AgentJournal = {
      added: (spec, { name }) => note('added', spec, name),
      removing: name => note('removing', name),
      steered: (name, status) => note('steered', name, status),
    }
    return { journal, notes }
  }

  it('is told of everything before the answer', async () => {
    const { journal, notes } = journalling()
    await serve({ journal })
    await ask('POST', '/v1/agents', { name: 'scribe' })
    for (const verb of ['pause', 'resume', 'reap']) await ask('POST', `/v1/agents/scribe/${verb}`, { reason: verb })
    await ask('DELETE', '/v1/agents/scribe')
    expect(notes).toEqual([
      ['added', { name: 'scribe' }, 'scribe'],
      ['steered', 'scribe', { paused: 'pause' }],
      ['steered', 'scribe', { paused: null }],
      ['steered', 'scribe', { reaped: 'reap' }],
      ['removing', 'scribe'],
    ])
  })

  it('an agent that cannot be kept is not added', async () => {
    await serve({ journal: journalling('added').journal })
    const refused = await ask('POST', '/v1/agents', { name: 'scribe' })
    expect(refused).toMatchObject(refusedWith(500, 'api_error', 'the sidecar failed'))
    expect(server.agents).toEqual([])
  })

  it('an agent whose removal cannot be kept stays', async () => {
    await serve({ journal: journalling('removing').journal })
    const { body } = await ask('POST', '/v1/agents', { name: 'scribe' })
    expect(await ask('DELETE', '/v1/agents/scribe')).toMatchObject({ status: 500 })
    expect(await call(body.token)).toMatchObject({ status: 200 })
  })

  it('a pause that cannot be kept holds all the same, a resumption that cannot does not', async () => {
    await serve({ journal: journalling('steered').journal })
    const { body } = await ask('POST', '/v1/agents', { name: 'scribe' })
    expect(await ask('POST', '/v1/agents/scribe/pause', { reason: 'x' })).toMatchObject({ status: 500 })
    expect(await call(body.token)).toMatchObject({ status: 409 })
    expect(await ask('POST', '/v1/agents/scribe/resume', { reason: 'x' })).toMatchObject({ status: 500 })
    expect(await call(body.token)).toMatchObject({ status: 409 })
  })
})

/** Asks again, a turn of the loop later, until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate)
}
