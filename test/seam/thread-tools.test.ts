import type Anthropic from '@anthropic-ai/sdk'
import { createSidecar, type ModelAction } from 'outrigger'
import { withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { mockModel, type ReplySpec } from 'outrigger/testing'
import { ThreadTools } from '../../lib/claude/thread-tools.js'

const ask = { model: 'claude-opus-4-8', max_tokens: 9, messages: [{ role: 'user' as const, content: 'go' }] }
const tool = (name: string) => ({ name, input_schema: { type: 'object' as const } })
const call = (name: string): ReplySpec => ({ toolUse: { name, input: {} } })

describe('the tools of a server thread', () => {
  const start = (...use: Parameters<typeof withViolations>[0]['rules']) => {
    const model = mockModel()
    const agent = { name: 'probe', send: async () => 'unused' }
    const sidecar = createSidecar({ agent, use: [withViolations({ rules: use })], claude: { upstream: model.upstream } })
    return { model, sidecar, claude: sidecar.io.claude.withOptions({ maxRetries: 0 }).beta.messages }
  }
  const create = { thread: { type: 'create' as const } }
  const goOn = (id: string) => ({ thread: { type: 'continue' as const, previous_message_id: id } })

  it('are those that it was begun with: another name was not offered', async () => {
    const { model, claude } = start()
    model.reply(call('Read')).reply(call('Read')).reply(call('Bash'))
    const first = await claude.create({ ...ask, ...create, tools: [tool('Read')] })
    const second = await claude.create({ ...ask, ...goOn(first.id) })
    const third = await claude.stream({ ...ask, ...goOn(second.id) }).finalMessage()
    expect(second.content).toMatchObject([{ type: 'tool_use', name: 'Read' }])
    expect(third.content).toMatchObject([{ type: 'text', text: expect.stringContaining('"Bash" was not offered') }])
    for (const { request } of model.requests.slice(1)) expect(request).not.toHaveProperty('tools')
  })

  it('are judged again on every turn, by rules.tools', async () => {
    const { model, claude } = start(rules.tools({ quota: { web_search: 1 } }))
    model.reply({ content: [{ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }], stopReason: 'end_turn' })
    const search = { type: 'web_search_20250305' as const, name: 'web_search' as const, max_uses: 1 }
    const first = await claude.create({ ...ask, ...create, tools: [search] })
    await expect(claude.create({ ...ask, ...goOn(first.id) })).rejects.toThrow('has been called 1 times, 1 allowed')
    expect(model.requests).toHaveLength(1)
  })

  it('are all names where others have begun it', async () => {
    const { model, claude } = start()
    model.reply(call('Bash'))
    const { content } = await claude.create({ ...ask, ...goOn('msg_of_others') })
    expect(content).toMatchObject([{ type: 'tool_use', name: 'Bash' }])
  })

  it('are the same for the SDK as without us: a thread of its own', async () => {
    const { model, sidecar } = start()
    model.reply('one').reply('two')
    const client = sidecar.io.claude as unknown as Anthropic
    const thread = client.beta.messages.thread({ model: ask.model, max_tokens: 9, tools: [tool('Read')] })
    await thread.send({ role: 'user', content: 'Hello' })
    const { content } = await thread.send({ role: 'user', content: 'And?' })
    expect(content).toMatchObject([{ type: 'text', text: 'two' }])
    expect(model.requests[1]!.request).toMatchObject({ thread: { type: 'continue' } })
  })
})

describe('ThreadTools', () => {
  const action = (request: object, thread?: ModelAction['thread']) => ({ request, ...(thread && { thread }) }) as unknown as ModelAction
  const goOn = (id: string) => ({ thread: { type: 'continue', previous_message_id: id } })
  const create = (...tools: object[]) => action({ thread: { type: 'create' }, tools })

  it('takes up what messages and answers add', () => {
    const threads = new ThreadTools()
    threads.note(create(tool('Read')), { id: 'a', content: [] })
    const thread = threads.of(goOn('a'))!
    const added = { type: 'tool_addition', tool: { type: 'tool_definition', definition: tool('Bash') } }
    threads.note(action({ ...goOn('a'), messages: [{ role: 'user', content: [added] }] }, thread), { id: 'b', content: [] })
    expect(threads.of(goOn('b'))!.tools).toMatchObject([{ name: 'Read' }, { name: 'Bash' }])
    expect(threads.of(goOn('a'))!.tools).toMatchObject([{ name: 'Read' }])
  })

  it('remembers nothing of requests without a thread', () => {
    const threads = new ThreadTools()
    threads.note(action({ tools: [tool('Read')] }), { id: 'a', content: [] })
    expect(threads.of(goOn('a'))).toBeUndefined()
  })

  it('forgets the oldest beyond 1,024 answers, and beyond 16 MB', () => {
    const many = new ThreadTools()
    for (let n = 0; n < 1_025; n++) many.note(create(tool('Read')), { id: `m${n}`, content: [] })
    expect([many.of(goOn('m0')), many.of(goOn('m1'))]).toEqual([undefined, expect.anything()])
    const large = new ThreadTools()
    for (let n = 0; n < 5; n++) large.note(create({ ...tool('Read'), description: 'x'.repeat(4 * 2 ** 20) }), { id: `m${n}`, content: [] })
    expect([large.of(goOn('m1')), large.of(goOn('m4'))]).toEqual([undefined, expect.anything()])
  })
})
