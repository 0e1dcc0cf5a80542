import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError'
import { claudeAgent, type ClaudeTool } from '../../lib/claude/agent.js'
import { BudgetExceededError, ViolationError } from '../../lib/core/errors.js'
import { createSidecar } from '../../lib/sidecar.js'
import { mockModel } from '../../lib/testing/index.js'
import { withBudget } from '../../middleware/index.js'

const model = 'claude-haiku-4-5'

function adder(run: ClaudeTool['run'] = ({ a, b }: { a: number; b: number }) => a + b): ClaudeTool {
  return { name: 'add', description: 'Adds.', input_schema: { type: 'object', properties: {} }, run }
}

function governed(tools: readonly ClaudeTool[] = [], options: { maxTurns?: number } = {}) {
  const api = mockModel()
  const sidecar = createSidecar({
    agent: claudeAgent({ model, system: 'Be brief.', tools, ...options }),
    use: [],
    claude: { upstream: api.upstream },
  })
  const sent = (n: number) => JSON.parse(api.requests[n]!.bodyText)
  return { api, sidecar, sent }
}

describe('claudeAgent', () => {
  it('replies with the text, and keeps the conversation', async () => {
    const { api, sidecar, sent } = governed()
    api.reply('Hello.').reply('Again.')
    expect(await sidecar.send('Hi')).toBe('Hello.')
    expect(await sidecar.send('And now?')).toBe('Again.')
    expect(sent(0)).toEqual({ model, max_tokens: 4096, system: 'Be brief.', stream: true, messages: [{ role: 'user', content: 'Hi' }] })
    expect(sent(1).messages.map((message: { role: string }) => message.role)).toEqual(['user', 'assistant', 'user'])
  })

  it('runs the tools that the model asks for, behind the chain', async () => {
    const { api, sidecar, sent } = governed([adder()])
    const kinds: string[] = []
    sidecar.subscribe(event => event.type === 'action.ended' && kinds.push(event.kind))
    api.reply({ toolUse: [{ name: 'add', input: { a: 1, b: 2 } }] }).reply('3')
    expect(await sidecar.send('1 + 2?')).toBe('3')
    expect(kinds).toEqual(['model', 'tool', 'model', 'send'])
    expect(sent(1).messages.at(-1).content).toEqual([{ type: 'tool_result', tool_use_id: expect.any(String), content: '3' }])
  })

  it('gives the model what went wrong in a tool, an unknown tool included', async () => {
    const failing = adder(() => {
      throw new ViolationError({ ruleId: 'numbers' })
    })
    const { api, sidecar, sent } = governed([failing])
    api.reply({ toolUse: [{ name: 'add' }, { name: 'subtract' }] }).reply('Sorry.')
    expect(await sidecar.send('?')).toBe('Sorry.')
    const results = sent(1).messages.at(-1).content
    expect(results.map((result: { is_error: boolean }) => result.is_error)).toEqual([true, true])
    expect(results[0].content).toContain('refused by rule numbers')
    expect(results[1].content).toContain('no tool "subtract"')
  })

  it('leaves the conversation as it was when a send fails', async () => {
    const { api, sidecar, sent } = governed()
    api.fail({ status: 400 }).reply('Fine.')
    await expect(sidecar.send('broken')).rejects.toMatchObject({ status: 400 })
    expect(await sidecar.send('whole')).toBe('Fine.')
    expect(sent(1).messages).toEqual([{ role: 'user', content: 'whole' }])
  })

  it.each(['max_tokens', 'model_context_window_exceeded', 'stop_sequence'])(
    'keeps no call without a result when an answer ends with %s',
    async stopReason => {
      const { api, sidecar, sent } = governed([adder()])
      api.reply({ text: 'Let me', toolUse: { name: 'add', input: { a: 1 } }, stopReason }).reply('second')
      expect(await sidecar.send('one')).toBe('Let me')
      await sidecar.send('two')
      expect(sent(1).messages[1].content).toEqual([expect.objectContaining({ type: 'text', text: 'Let me' })])
    },
  )

  it('keeps no message without content, and nothing of a turn that the model refused', async () => {
    const { api, sidecar, sent } = governed()
    api.reply({ text: [], stopReason: 'end_turn' }).reply({ text: 'No.', stopReason: 'refusal' }).reply('third')
    expect(await sidecar.send('one')).toBe('')
    expect(await sidecar.send('two')).toBe('No.')
    await sidecar.send('three')
    expect(sent(2).messages).toEqual([
      { role: 'user', content: 'one' },
      { role: 'user', content: 'three' },
    ])
  })

  it('runs the tools of a turn that the server paused', async () => {
    const { api, sidecar, sent } = governed([adder()])
    api.reply({ toolUse: { name: 'add', input: { a: 1, b: 2 } }, stopReason: 'pause_turn' }).reply('3')
    expect(await sidecar.send('?')).toBe('3')
    expect(sent(1).messages.at(-1)).toMatchObject({ role: 'user', content: [{ type: 'tool_result', content: '3' }] })
  })

  it("takes the SDK's own tools, and offers all that they say of themselves", async () => {
    const asked: unknown[] = []
    const add = betaTool({
      name: 'add',
      description: 'Adds.',
      strict: true,
      inputSchema: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] },
      run: ({ a }, context) => {
        asked.push(context?.toolUse.id)
        if (a > 1) throw new ToolError([{ type: 'text', text: 'too large' }])
        return String(a)
      },
    })
    const bash = { type: 'bash_20250124', name: 'bash', run: () => '' }
    const { api, sidecar, sent } = governed([add, bash])
    api
      .reply({
        toolUse: [
          { name: 'add', input: { a: 1 }, id: 'toolu_1' },
          { name: 'add', input: { a: 2 } },
        ],
      })
      .reply('1')
    expect(await sidecar.send('?')).toBe('1')
    expect(sent(0).tools).toEqual([
      { type: 'custom', name: 'add', description: 'Adds.', strict: true, input_schema: expect.objectContaining({ required: ['a'] }) },
      { type: 'bash_20250124', name: 'bash' },
    ])
    expect(sent(1).messages.at(-1).content).toMatchObject([
      { content: '1' },
      { content: [{ type: 'text', text: 'too large' }], is_error: true },
    ])
    expect(asked[0]).toBe('toolu_1')
  })

  it('offers no state of a tool, and its inherited fields', async () => {
    class Adder {
      secret = 'of the tool'
      get name() {
        return 'add'
      }
      get input_schema() {
        return { type: 'object' as const }
      }
      run() {
        return [{ type: 'user', name: 'Ann' }]
      }
    }
    const { api, sidecar, sent } = governed([new Adder()])
    api.reply({ toolUse: { name: 'add' } }).reply('Ann.')
    await sidecar.send('?')
    expect(sent(0).tools).toEqual([{ name: 'add', input_schema: { type: 'object' } }])
    expect(sent(1).messages.at(-1).content).toMatchObject([{ content: '[{"type":"user","name":"Ann"}]' }])
  })

  it('hands content blocks of a tool on as they are', async () => {
    const blocks = [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }]
    const { api, sidecar, sent } = governed([adder(() => blocks)])
    api.reply({ toolUse: { name: 'add' } }).reply('A dot.')
    await sidecar.send('?')
    expect(sent(1).messages.at(-1).content).toMatchObject([{ content: blocks }])
  })

  it('takes sends one after the other', async () => {
    const { api, sidecar, sent } = governed()
    api.reply('one').reply('two')
    expect(await Promise.all([sidecar.send('first'), sidecar.send('second')])).toEqual(['one', 'two'])
    expect(sent(1).messages).toHaveLength(3)
  })

  it('stops after maxTurns requests', async () => {
    const { api, sidecar } = governed([adder()], { maxTurns: 2 })
    for (let n = 0; n < 3; n++) api.reply({ toolUse: [{ name: 'add', input: { a: n, b: n } }] })
    await expect(sidecar.send('for ever')).rejects.toThrow('2 requests without an answer')
    expect(api.requests).toHaveLength(2)
  })

  it('rejects with our own error, not with the SDK stream helper’s wrapping', async () => {
    const sidecar = createSidecar({
      agent: claudeAgent({ model }),
      use: [withBudget({ usd: '0.000001' })],
      claude: { upstream: mockModel().upstream },
    })
    await expect(sidecar.send('Hi')).rejects.toBeInstanceOf(BudgetExceededError)
  })

  it('ends its tools and calls when the send is aborted', async () => {
    const abort = new AbortController()
    let told: AbortSignal | undefined
    const hanging = adder((_input, { signal }: { signal: AbortSignal }) => {
      told = signal
      abort.abort(new Error('enough'))
      return new Promise(() => {})
    })
    const { api, sidecar } = governed([hanging])
    api.reply({ toolUse: [{ name: 'add', input: {} }] })
    await expect(sidecar.send('?', { signal: abort.signal })).rejects.toThrow('enough')
    expect(told!.aborted).toBe(true)
    expect(api.requests).toHaveLength(1)
  })

  it.each([
    ['no model', {}, 'model must be a model id'],
    ['an unknown option', { model, modle: 'x' }, 'unknown option "modle"'],
    ['no whole maxTokens', { model, maxTokens: 1.5 }, 'maxTokens must be a whole number'],
    ['two tools of one name', { model, tools: [adder(), adder()] }, 'two tools are named "add"'],
    ['a tool without run', { model, tools: [{ name: 'x', input_schema: {} }] }, 'needs name, input_schema and run'],
  ])('refuses %s at creation', (_what, options, message) => {
    expect(() => claudeAgent(options as never)).toThrow(message)
  })
})
