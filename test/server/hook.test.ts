import type { LayerInput } from 'outrigger'
import { withHealth, withMetrics, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { bash, type Fields, offered, type Outside, outside, question, result, turn } from './outside.js'

let agent: Outside

afterEach(() => agent.close())

const fence = () => withViolations({ rules: [rules.commands({ deny: ['rm'] }), rules.tools({ quota: { Bash: 2 } })] })

const start = async (...use: LayerInput[]) => {
  agent = await outside([withMetrics(), withHealth(), ...use])
}

/** As Claude Code 2.1.197 writes it. */
const pre = (id: string, command = 'ls', more: Fields = {}) => ({
  session_id: 's',
  transcript_path: '/t.jsonl',
  cwd: '/w',
  permission_mode: 'default',
  hook_event_name: 'PreToolUse',
  tool_name: 'Bash',
  tool_input: { command },
  tool_use_id: id,
  ...more,
})

const post = (id: string, more: Fields = {}) => ({
  ...pre(id),
  hook_event_name: 'PostToolUse',
  tool_response: { stdout: 'ok' },
  duration_ms: 3,
  ...more,
})

const denied = (why: string) => ({
  hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason: expect.stringContaining(why) },
})

async function asked(id: string) {
  agent.model.reply({ toolUse: bash(id) })
  return agent.ask([question], offered)
}

describe('POST /v1/hook before a call', () => {
  it('does not judge or count again what was released', async () => {
    await start(fence())
    for (const id of ['toolu_1', 'toolu_2']) {
      await asked(id)
      expect(await agent.hook(pre(id))).toEqual({ status: 200, body: {} })
      await agent.ask([question, ...turn([bash(id)], [result(id)])], offered)
    }
    expect(agent.tools).toMatchObject([{ status: 'done' }, { status: 'done' }])
    expect(agent.sidecar.violations).toEqual([])
  })

  it('takes the same input in another order of its fields for the same call', async () => {
    await start(fence())
    agent.model.reply({ toolUse: { id: 'toolu_1', name: 'Bash', input: { command: 'ls', timeout: 1 } } })
    await agent.ask([question], offered)
    await agent.hook({ ...pre('toolu_1'), tool_input: { timeout: 1, command: 'ls' } })
    expect([agent.running, agent.tools]).toEqual([1, []])
  })

  it('judges anew what was edited, and what never came by the stream', async () => {
    await start(fence())
    await asked('toolu_1')
    expect((await agent.hook(pre('toolu_1', 'rm -rf /'))).body).toEqual(denied('rm'))
    expect((await agent.hook(pre('toolu_2', 'rm -rf /'))).body).toEqual(denied('rm'))
    expect(agent.sidecar.violations).toHaveLength(2)
    // The call that was released as it stood is still to be ended by its result.
    expect(agent.running).toBe(1)
    expect(await agent.hook(pre('toolu_1', 'ls -l'))).toEqual({ status: 200, body: {} })
    expect(agent.tools.at(-1)).toMatchObject({ status: 'aborted' })
    expect(agent.running).toBe(1)
  })

  it('counts a call that never came by the stream', async () => {
    await start(fence())
    const answers = []
    for (const id of ['toolu_1', 'toolu_2', 'toolu_3']) answers.push((await agent.hook(pre(id))).body)
    expect(answers).toEqual([{}, {}, denied('called 2 times, 2 allowed')])
    expect(agent.running).toBe(2)
  })

  it.each([
    ['paused', (a: Outside) => a.sidecar.pause('lunch'), 'lunch'],
    ['reaped', (a: Outside) => a.sidecar.reap('enough'), 'enough'],
  ])('denies all when the agent is %s, what was released too', async (_, stop, why) => {
    await start(fence())
    await asked('toolu_1')
    stop(agent)
    expect((await agent.hook(pre('toolu_1'))).body).toEqual(denied(why))
    expect((await agent.hook(pre('toolu_2'))).body).toEqual(denied(why))
  })

  it('never allows: a call without a rule against it is left to the permissions of the user', async () => {
    await start()
    const { body } = await agent.hook(pre('toolu_1'))
    expect(JSON.stringify(body)).toBe('{}')
  })

  it('gives up a call whose client does not wait for the answer', async () => {
    await start(async (ctx, next) => {
      if (ctx.kind === 'tool') await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
      await next()
    })
    const gone = new AbortController()
    const answer = fetch(`${agent.server.baseURL}/v1/hook`, {
      method: 'POST',
      signal: gone.signal,
      headers: { 'x-api-key': agent.served.token },
      body: JSON.stringify(pre('toolu_1')),
    })
    await agent.until(({ type }) => type === 'action.started')
    gone.abort()
    await expect(answer).rejects.toThrow()
    await agent.until(({ type }) => type === 'action.ended')
    expect(agent.tools).toMatchObject([{ status: 'aborted' }])
  })
})

describe('POST /v1/hook after a call', () => {
  it('ends it, and the request that brings its result does not end it again', async () => {
    await start(fence())
    await asked('toolu_1')
    await agent.clock.advance(2_000)
    expect(await agent.hook(post('toolu_1'))).toEqual({ status: 200, body: {} })
    await agent.clock.advance(2_000)
    await agent.ask([question, ...turn([bash('toolu_1')], [result('toolu_1')])], offered)
    expect(agent.tools).toEqual([{ name: 'Bash', status: 'done' }])
    expect(agent.sidecar.metrics.ms.tool).toBe(2_000)
  })

  it('ends one that failed as failed', async () => {
    await start()
    await asked('toolu_1')
    await agent.hook(post('toolu_1', { hook_event_name: 'PostToolUseFailure', tool_response: undefined, error: 'no such file' }))
    expect(agent.tools).toMatchObject([{ status: 'error' }])
  })

  it('finds a call without an id by what it asks', async () => {
    await start()
    await asked('toolu_1')
    await agent.hook(pre('', 'ls', { tool_use_id: undefined }))
    expect(agent.running).toBe(1)
    await agent.hook(post('', { tool_use_id: undefined }))
    expect(agent.tools).toEqual([{ name: 'Bash', status: 'done' }])
  })

  it('changes nothing for a call that is not known', async () => {
    await start()
    expect(await agent.hook(post('toolu_9'))).toEqual({ status: 200, body: {} })
    expect(agent.tools).toEqual([])
  })
})

describe('POST /v1/hook from whom it must not take anything', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another event', { ...pre('a'), hook_event_name: 'Stop' }],
    ['no tool', { ...pre('a'), tool_name: '' }],
    ['no input', { ...pre('a'), tool_input: undefined }],
    ['an id that is none', { ...pre('a'), tool_use_id: 7 }],
    ['too deep', JSON.stringify(pre('a')).replace('"ls"', `${'['.repeat(2_000)}${']'.repeat(2_000)}`)],
  ])('400: %s', async (_, body) => {
    await start(fence())
    expect(await agent.hook(body)).toMatchObject({ status: 400, body: { type: 'error', error: { type: 'invalid_request_error' } } })
    expect(agent.events).toEqual([])
  })

  it('401 without the token of an agent', async () => {
    await start(fence())
    expect(await agent.hook(pre('toolu_1'), 'outrigger-wrong')).toMatchObject({ status: 401 })
  })
})
