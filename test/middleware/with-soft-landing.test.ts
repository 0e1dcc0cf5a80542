import { BudgetExceededError, createSidecar, LandedError, StackOrderError } from 'outrigger'
import type { Agent } from 'outrigger'
import { memoryLog } from 'outrigger/ctx'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import { withBudget, withRetry, withSigning, withSoftLanding, type WithSoftLandingOptions } from 'outrigger/middleware'
import { type MockModel, mockModel } from 'outrigger/testing'
import { fixed } from './stack.js'

const prices = { ...fixed, 'claude-cheap': { input: 0, output: 10_000_000 } }
const tools = [{ name: 'look', input_schema: { type: 'object' } }]
const body = { model: 'claude-fixed', max_tokens: 1_000, tools, messages: [{ role: 'user', content: 'hello' }] }

/** Asks what it is told to, as a request or as a stream. */
const asking = (streamed = false): Agent<object, string> => ({
  name: 'asking',
  send: async (more, { claude }) => {
    const request = { ...body, ...more } as never
    const message = streamed ? await claude.messages.stream(request).finalMessage() : await claude.messages.create(request)
    return (message as { content: { text: string }[] }).content[0]!.text
  },
})

/** $1 is 10,000 tokens of output: each answer uses so many. */
const answering = (...outputs: readonly number[]): MockModel =>
  outputs.reduce((mock, output, n) => mock.reply({ text: `answer ${n + 1}`, usage: { output_tokens: output } }), mockModel())

function mounted(mock: MockModel, options: WithSoftLandingOptions = {}, streamed = false) {
  const ledger = createLedger()
  const account = ledger.account({ id: 'task', nanoUsd: 1_000_000_000, tokens: 'unlimited' })
  const use = [withSoftLanding(options), withRetry({ attempts: 1 }), withBudget({ account, prices })] as const
  return { sidecar: createSidecar({ agent: asking(streamed), use, claude: { upstream: mock.upstream, apiKey: 'key' } }), account }
}

describe.each([
  ['create', false],
  ['stream', true],
])('withSoftLanding on messages.%s', (_name, streamed) => {
  it('changes nothing while there is plenty', async () => {
    const mock = answering(1_000, 1_000)
    const { sidecar } = mounted(mock, { model: 'claude-cheap', effort: 'low' }, streamed)
    await sidecar.send({})
    await sidecar.send({})
    for (const { request } of mock.requests) expect(request).toMatchObject(body)
    expect(sidecar.landing).toBe('none')
  })

  it('makes calls cheaper near the end, and bills what was sent', async () => {
    const mock = answering(9_000, 1_000)
    const { sidecar, account } = mounted(mock, { cheaperAt: 0.9, model: 'claude-cheap', effort: 'low' }, streamed)
    await sidecar.send({ max_tokens: 9_000 })
    expect(await sidecar.send({ output_config: { effort: 'high' } })).toBe('answer 2')
    expect(mock.requests[1]!.request).toMatchObject({
      model: 'claude-cheap',
      output_config: { effort: 'low' },
      messages: body.messages,
      tools,
    })
    expect(mock.requests[1]!.request).not.toHaveProperty('tool_choice')
    expect(sidecar.landing).toBe('cheaper')
    expect(account.amounts().nanoUsd).toMatchObject({ spent: 900_000_000 + 10_000_000, held: 0 })
  })

  it('takes one last turn without tools, then lands', async () => {
    const mock = answering(9_800, 100)
    const { sidecar } = mounted(mock, { maxTokens: 150, say: 'Answer now.' }, streamed)
    await sidecar.send({ max_tokens: 9_800 })
    expect(await sidecar.send({})).toBe('answer 2')
    expect(mock.requests[1]!.request).toMatchObject({
      max_tokens: 150,
      tools,
      tool_choice: { type: 'none' },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'hello' },
            { type: 'text', text: 'Answer now.' },
          ],
        },
      ],
    })
    expect(sidecar.landing).toBe('landed')
    const error = await sidecar.send({}).catch((reason: unknown) => reason)
    expect(JSON.stringify(error)).not.toContain('hello')
    expect(mock.requests).toHaveLength(2)
  })

  it('asks as the last turn for what does not fit any more', async () => {
    const mock = answering(8_000, 200)
    const { sidecar } = mounted(mock, { maxTokens: 500 }, streamed)
    await sidecar.send({ max_tokens: 8_000 })
    expect(await sidecar.send({ max_tokens: 5_000 })).toBe('answer 2')
    expect(mock.requests[1]!.request).toMatchObject({ max_tokens: 500, tool_choice: { type: 'none' } })
    expect(sidecar.landing).toBe('landed')
  })
})

describe('withSoftLanding', () => {
  it('lets no call through after the last turn, and says so', async () => {
    const { sidecar } = mounted(answering(9_900, 10))
    await sidecar.send({ max_tokens: 9_900 })
    await sidecar.send({ max_tokens: 50 })
    const error = await sidecar.send({}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LandedError)
    expect(error).toMatchObject({ code: 'ERR_LANDED', account: 'task', http: { status: 402, type: 'billing_error' } })
  })

  it('is refused by the budget where not even the last turn fits', async () => {
    const mock = answering(9_990)
    const { sidecar } = mounted(mock, { maxTokens: 100 })
    await sidecar.send({ max_tokens: 9_990 })
    await expect(sidecar.send({})).rejects.toBeInstanceOf(BudgetExceededError)
    expect([mock.requests.length, sidecar.landing]).toEqual([1, 'none'])
  })

  it('takes the last turn once, whatever is asked at the same time', async () => {
    const mock = answering(9_800, 10)
    const { sidecar } = mounted(mock, { maxTokens: 50 })
    await sidecar.send({ max_tokens: 9_800 })
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => sidecar.send({})))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(LandedError)
    expect(mock.requests).toHaveLength(2)
  })

  it('takes the last turn again where it has failed', async () => {
    const mock = mockModel()
      .reply({ text: 'first', usage: { output_tokens: 9_800 } })
      .fail({ status: 529 })
      .reply({ text: 'last', usage: { output_tokens: 5 } })
    const { sidecar } = mounted(mock, { maxTokens: 50 })
    await sidecar.send({ max_tokens: 9_800 })
    await expect(sidecar.send({})).rejects.toThrow()
    expect(await sidecar.send({})).toBe('last')
  })

  it('flies again when the budget is raised', async () => {
    const store = new MemoryLedgerStore()
    const account = createLedger({ store }).account({ id: 'task', nanoUsd: 1_000_000_000, tokens: 'unlimited' })
    const mock = answering(9_800, 10, 100)
    const use = [withSoftLanding({ maxTokens: 50 }), withBudget({ account, prices })] as const
    const sidecar = createSidecar({ agent: asking(), use, claude: { upstream: mock.upstream, apiKey: 'key' } })
    await sidecar.send({ max_tokens: 9_800 })
    await sidecar.send({})
    await expect(sidecar.send({})).rejects.toBeInstanceOf(LandedError)
    store.adjust('task', { id: 'more', nanoUsd: 10_000_000_000 })
    await account.read()
    expect(await sidecar.send({})).toBe('answer 3')
    expect([mock.requests[2]!.request.max_tokens, sidecar.landing]).toEqual([1_000, 'none'])
  })

  it('tells a model behind the system prompt where the last message is not the user’s, and nothing where it has nothing to say', async () => {
    const messages = [
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'Well,' },
    ]
    const told = answering(9_800, 1)
    const first = mounted(told, { maxTokens: 50, say: 'Now.' })
    await first.sidecar.send({ max_tokens: 9_800 })
    await first.sidecar.send({ messages, system: 'Be brief.' })
    expect(told.requests[1]!.request).toMatchObject({ messages, system: [{ text: 'Be brief.' }, { text: 'Now.' }] })
    const silent = answering(9_800, 1)
    const second = mounted(silent, { maxTokens: 50, say: '' })
    await second.sidecar.send({ max_tokens: 9_800 })
    await second.sidecar.send({})
    expect(silent.requests[1]!.request.messages).toEqual(body.messages)
  })

  it('keeps max_tokens above a thinking budget', async () => {
    const mock = answering(8_000, 1)
    const { sidecar } = mounted(mock, { lastTurnAt: 0.8, cheaperAt: 0.5, maxTokens: 50 })
    await sidecar.send({ max_tokens: 8_000 })
    await sidecar.send({ max_tokens: 1_900, thinking: { type: 'enabled', budget_tokens: 1_024 } })
    expect(mock.requests[1]!.request).toMatchObject({ max_tokens: 1_025, thinking: { budget_tokens: 1_024 } })
  })

  it('does nothing without a budget', async () => {
    const mock = answering(5)
    const sidecar = createSidecar({
      agent: asking(),
      use: [withSoftLanding({ model: 'claude-cheap' })],
      claude: { upstream: mock.upstream, apiKey: 'key' },
    })
    await sidecar.send({})
    expect(mock.requests[0]!.request.model).toBe('claude-fixed')
  })

  it('is recorded as it was sent: it stands outside what signs and judges', async () => {
    const log = memoryLog()
    const mock = answering(9_500, 1)
    const use = [withSoftLanding({ model: 'claude-cheap' }), withSigning({ log }), withBudget({ usd: 1, prices })] as const
    const sidecar = createSidecar({ agent: asking(), use, claude: { upstream: mock.upstream, apiKey: 'key' } })
    await sidecar.send({ max_tokens: 9_500 })
    await sidecar.send({})
    await sidecar.close()
    let text = ''
    for (const id of await log.list()) for await (const bytes of log.read(id)) text += Buffer.from(bytes).toString()
    expect(text.match(/>l:complete \\"claude-cheap\\"/g)).toHaveLength(2)
    const inside = [withSigning({ log: memoryLog() }), withSoftLanding()] as const
    expect(() => createSidecar({ agent: asking(), use: inside })).toThrow(StackOrderError)
  })

  it.each<[string, unknown, ErrorConstructor]>([
    ['no object', null, TypeError],
    ['an unknown option', { at: 0.5 }, TypeError],
    ['a share of nothing', { cheaperAt: 0 }, RangeError],
    ['a share above the whole', { lastTurnAt: 1.1 }, RangeError],
    ['a share that is a text', { lastTurnAt: '0.9' }, RangeError],
    ['cheaper behind the last turn', { cheaperAt: 0.9, lastTurnAt: 0.8 }, RangeError],
    ['half a token', { maxTokens: 0.5 }, RangeError],
    ['an empty model', { model: '' }, TypeError],
    ['an effort that is a figure', { effort: 3 }, TypeError],
    ['words that are none', { say: null }, TypeError],
  ])('refuses %s at once', (_, options, error) => {
    expect(() => withSoftLanding(options as never)).toThrow(error)
  })
})
