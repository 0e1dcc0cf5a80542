import { defineMiddleware, type LayerInput } from 'outrigger'
import { memoryLog, type Verification } from 'outrigger/ctx'
import { withApproval, withBudget, withHealth, withMetrics, withRetry, withSigning, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { bash, offered, type Outside, outside, question, result, turn } from './outside.js'

let agent: Outside

afterEach(() => agent.close())

const start = async (...use: LayerInput[]) => {
  agent = await outside(use)
}

/** Asks, and is asked to run these calls. */
async function asked(calls: readonly ReturnType<typeof bash>[], more = {}) {
  agent.model.reply({ toolUse: calls })
  return agent.ask([question], { ...offered, ...more })
}

const told = (calls: readonly ReturnType<typeof bash>[], results: Parameters<typeof turn>[1], more = {}) =>
  agent.ask([question, ...turn(calls, results)], { ...offered, ...more })

describe('a tool call seen from outside', () => {
  describe.each([
    ['streamed', true, [] as LayerInput[]],
    ['plain', false, []],
    ['streamed, held for rules', true, [withViolations({ rules: [rules.commands({ deny: ['rm'] })] })]],
    ['plain, held for rules', false, [withViolations({ rules: [rules.commands({ deny: ['rm'] })] })]],
  ])('%s', (_, stream, use) => {
    it('is an action from its release to its result, and tool time', async () => {
      await start(withMetrics(), ...use)
      await asked([bash('toolu_1')], { stream })
      await agent.clock.advance(5_000)
      expect([agent.tools, agent.running, agent.sidecar.metrics.ms.tool]).toEqual([[], 1, 5_000])
      await told([bash('toolu_1')], [result('toolu_1')], { stream })
      expect([agent.tools, agent.running]).toEqual([[{ name: 'Bash', status: 'done' }], 0])
      await agent.clock.advance(5_000)
      expect(agent.sidecar.metrics.ms).toMatchObject({ tool: 5_000, wall: 5_000 })
      expect(agent.sidecar.saturation).toBe(1)
    })
  })

  it('overlaps with others: their time counts once', async () => {
    await start(withMetrics())
    const calls = [bash('toolu_1'), bash('toolu_2')]
    await asked(calls)
    await agent.clock.advance(3_000)
    expect(agent.running).toBe(2)
    await told(calls, [result('toolu_1'), result('toolu_2')])
    expect([agent.tools.length, agent.sidecar.metrics.ms.tool]).toEqual([2, 3_000])
  })

  it('fails where its result says so, and keeps what the tool said out of the error', async () => {
    await start(withMetrics())
    await asked([bash('toolu_1')])
    await told([bash('toolu_1')], [result('toolu_1', 'the hull is open', { is_error: true })])
    expect(agent.tools).toMatchObject([{ status: 'error', error: { name: 'OutsideToolError' } }])
    expect(String(agent.tools[0]!.error)).not.toContain('hull')
    expect(agent.sidecar.metrics.errors.tool).toBe(1)
  })

  it('ends once, whatever a replayed history says', async () => {
    await start(withMetrics())
    await asked([bash('toolu_1')])
    for (const _ of [1, 2, 3]) await told([bash('toolu_1')], [result('toolu_1')])
    expect(agent.tools).toEqual([{ name: 'Bash', status: 'done' }])
  })

  it('is not ended by an id that is unknown, nor by another agent', async () => {
    await start(withMetrics())
    const other = await outside([withMetrics()], {}, 'other')
    await asked([bash('toolu_1')])
    await agent.ask([question, ...turn([bash('toolu_9')], [result('toolu_9')])])
    await other.ask([question, ...turn([bash('toolu_1')], [result('toolu_1')])])
    expect([agent.running, agent.tools, other.tools]).toEqual([1, [], []])
    await other.close()
  })

  it('ends aborted when the conversation goes on without it', async () => {
    await start(withMetrics(), withHealth())
    const calls = [bash('toolu_1'), bash('toolu_2')]
    await asked(calls)
    await told(calls, [result('toolu_1')])
    expect(agent.tools.map(({ status }) => status).sort()).toEqual(['aborted', 'done'])
    expect(agent.sidecar.health()).toMatchObject({ status: 'healthy' })
  })

  it('ends aborted when its thread goes on without it', async () => {
    await start(withMetrics())
    const calls = [bash('toolu_1'), bash('toolu_2')]
    const { body } = await asked(calls, { thread: { type: 'create' } })
    const thread = { type: 'continue', previous_message_id: body.id }
    await agent.ask([{ role: 'user', content: [result('toolu_1')] }], { thread })
    expect(agent.tools.map(({ status }) => status).sort()).toEqual(['aborted', 'done'])
  })

  it('goes on while another conversation of the agent does', async () => {
    await start(withMetrics())
    await asked([bash('toolu_1')])
    await agent.ask([{ role: 'user', content: 'a title for this?' }])
    expect([agent.running, agent.tools]).toEqual([1, []])
  })

  it.each(['close', 'reap'] as const)('ends aborted on %s', async way => {
    await start(withMetrics())
    await asked([bash('toolu_1')])
    // Closing drains: without an end of the call it would take ten seconds of a clock that stands still.
    if (way === 'close') await agent.sidecar.close()
    else agent.sidecar.reap('enough')
    await agent.until(event => event.type === 'action.ended' && event.kind === 'tool')
    expect(agent.tools).toMatchObject([{ status: 'aborted' }])
  })

  it('ends aborted after half an hour without a sign of the agent, and not before', async () => {
    await start(withMetrics())
    await asked([bash('toolu_1')])
    await agent.clock.advance(29 * 60_000)
    await agent.ask([{ role: 'user', content: 'still here' }])
    await agent.clock.advance(29 * 60_000)
    expect([agent.running, agent.sidecar.state]).toEqual([1, 'working'])
    await agent.clock.advance(60_000)
    expect([agent.tools, agent.sidecar.state]).toMatchObject([[{ status: 'aborted' }], 'waitingForInput'])
    expect(agent.clock.pending).toBe(0)
  })

  it('ends aborted when its client goes away before the answer is whole', async () => {
    await start(withMetrics())
    const gone = new AbortController()
    const arrived = agent.model.next()
    const response = fetch(`${agent.server.baseURL}/v1/messages`, {
      method: 'POST',
      signal: gone.signal,
      headers: { 'x-api-key': agent.served.token },
      body: JSON.stringify({ model: 'claude-opus-4-8', max_tokens: 9, stream: true, messages: [question] }),
    })
    const pending = await arrived
    pending.hang({ after: 5, reply: { toolUse: bash('toolu_1'), chunkChars: 1_000, ping: false } })
    const reader = (await response).body!.getReader()
    await agent.until(event => event.type === 'action.started' && event.kind === 'tool')
    gone.abort()
    await reader.closed.catch(() => {})
    await agent.until(event => event.type === 'action.ended' && event.kind === 'tool')
    expect(agent.tools).toMatchObject([{ status: 'aborted' }])
  })

  it('takes the place of one of the same id', async () => {
    await start(withMetrics())
    await asked([bash('toolu_1')])
    await asked([bash('toolu_1', 'pwd')])
    expect([agent.running, agent.tools]).toMatchObject([1, [{ status: 'aborted' }]])
  })

  it('is one of 1,024 at the most: the oldest gives way', async () => {
    await start(withMetrics())
    await asked(Array.from({ length: 1_030 }, (_, n) => bash(`toolu_${n}`)))
    expect([agent.running, agent.tools.length]).toEqual([1_024, 6])
  })
})

describe('the chain of a call', () => {
  it('judges and counts it once', async () => {
    await start(withViolations({ rules: [rules.tools({ quota: { Bash: 2 } })] }))
    for (const id of ['toolu_1', 'toolu_2']) {
      await asked([bash(id)])
      await told([bash(id)], [result(id)])
    }
    const { body } = await asked([bash('toolu_3')])
    expect(agent.tools).toMatchObject([{ status: 'done' }, { status: 'done' }])
    expect(body).toMatchObject({
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: expect.stringContaining('called 2 times, 2 allowed') }],
    })
    expect(agent.sidecar.violations).toHaveLength(1)
  })

  it.each([true, false])("refuses what is beyond a budget's quota before it is released (streamed: %s)", async stream => {
    await start(withBudget({ usd: 1, tools: { Bash: { calls: 1 } } }))
    await asked([bash('toolu_1')], { stream })
    await told([bash('toolu_1')], [result('toolu_1')], { stream })
    const { text } = await asked([bash('toolu_2')], { stream })
    expect(text).toContain('The call of Bash was refused')
    expect(text).not.toContain('toolu_2')
    expect(agent.tools).toMatchObject([{ status: 'done' }, { status: 'refused', error: { code: 'ERR_BUDGET' } }])
  })

  it('holds it until somebody has approved it', async () => {
    await start(withApproval({ api: true, deadlineMs: 60_000 }))
    const answer = asked([bash('toolu_1')])
    await agent.until(({ type }) => type === 'approval')
    expect(agent.tools).toEqual([])
    agent.sidecar.approvals.approve(agent.sidecar.approvals.list()[0].id)
    expect((await answer).body.content).toMatchObject([{ type: 'tool_use', id: 'toolu_1' }])
    const denied = asked([bash('toolu_2')])
    await agent.until(event => event.type === 'approval' && event.phase === 'requested' && agent.sidecar.approvals.list().length === 1)
    agent.sidecar.approvals.deny(agent.sidecar.approvals.list()[0].id, 'not now')
    expect((await denied).text).toContain('not now')
  })

  it('writes it down before it is released', async () => {
    const log = memoryLog()
    await start(withSigning({ log }))
    await asked([bash('toolu_1')])
    const before = (await agent.sidecar.verify()) as Verification
    await told([bash('toolu_1')], [result('toolu_1')])
    const after = (await agent.sidecar.verify()) as Verification
    expect([before.problems, after.problems]).toEqual([[], []])
    // That the log begins, the request and its end, and that the call began; then that it ended, and the second request with its end.
    expect([before.records, after.records]).toEqual([4, 7])
  })

  it('shows it to health: the same call with the same result, over and over', async () => {
    await start(withHealth({ spinningAfter: 3 }))
    for (const id of ['toolu_1', 'toolu_2', 'toolu_3']) {
      await asked([bash(id)])
      await told([bash(id)], [result(id, 'nothing')])
    }
    expect(agent.sidecar.health()).toMatchObject({ status: 'spinning' })
  })

  it('shows health the same failure, over and over', async () => {
    await start(withHealth({ spinningAfter: 3, maxConsecutiveErrors: 99 }))
    for (const id of ['toolu_1', 'toolu_2', 'toolu_3']) {
      await asked([bash(id)])
      await told([bash(id)], [result(id, `line ${id}: broken`, { is_error: true })])
    }
    expect(agent.sidecar.health()).toMatchObject({ status: 'spinning' })
  })

  it('does not release a call that a layer passes on to nobody', async () => {
    await start(defineMiddleware({ name: 'withCache', on: ['tool'] }, async () => {}))
    const { body } = await asked([bash('toolu_1')])
    expect(body.content).toMatchObject([{ type: 'text', text: 'The call of Bash was refused: it could not be judged' }])
    expect(agent.running).toBe(0)
  })

  it('gives up a call of an attempt that failed before anything of it was released', async () => {
    const holds = defineMiddleware({ name: 'withHold', on: ['model'] }, async (ctx, next) => {
      const held: unknown[] = []
      ctx.tap({ event: event => void held.push(event), end: push => held.forEach(event => void push(event)) })
      await next()
    })
    await start(withRetry({ baseDelayMs: 0 }), withMetrics(), holds, withViolations({ rules: [rules.commands({ deny: ['rm'] })] }))
    agent.model.disconnect({ after: 6, reply: { toolUse: bash('toolu_1') } })
    const answer = asked([bash('toolu_2')], { stream: true })
    await agent.until(({ type }) => type === 'attempt.ended')
    while (agent.model.requests.length < 2) await agent.clock.advance(1_000)
    expect((await answer).text).toContain('toolu_2')
    expect(agent.running).toBe(1)
  })
})

describe('the state of an agent outside', () => {
  it('is working while a model or a tool is busy, and waits for input after an answer without calls', async () => {
    await start(withMetrics())
    expect(agent.sidecar.state).toBe('summoned')
    const arrived = agent.model.next()
    const answer = agent.ask([question])
    const pending = await arrived
    expect(agent.sidecar.state).toBe('working')
    pending.reply({ toolUse: bash('toolu_1') })
    await answer
    expect(agent.sidecar.state).toBe('working')
    await told([bash('toolu_1')], [result('toolu_1')])
    expect(agent.sidecar.state).toBe('waitingForInput')
  })

  it('stays working between a result and the request that brings it, beside other requests', async () => {
    await start(withMetrics())
    await asked([bash('toolu_1')])
    await agent.hook({
      hook_event_name: 'PostToolUse',
      tool_name: 'Bash',
      tool_input: { command: 'ls' },
      tool_use_id: 'toolu_1',
      tool_response: {},
    })
    await agent.ask([{ role: 'user', content: 'a title for this?' }])
    expect([agent.running, agent.sidecar.state]).toEqual([0, 'working'])
    await told([bash('toolu_1')], [result('toolu_1')])
    expect(agent.sidecar.state).toBe('waitingForInput')
  })

  it('is not brought back by a request that comes after a reap', async () => {
    await start(withMetrics())
    agent.sidecar.reap('enough')
    await agent.ask([question])
    expect(agent.sidecar.state).toBe('failedReaped')
  })
})
