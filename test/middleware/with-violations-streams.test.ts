import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Anthropic from '@anthropic-ai/sdk'
import { createSidecar, isOutriggerError, ViolationError } from 'outrigger'
import { withMetrics, withRetry, withViolations } from 'outrigger/middleware'
import { type Checker, type Rule, rules } from 'outrigger/policy'
import { mockModel } from 'outrigger/testing'
import { conversation, numbers, transparent } from '../seam/conversations.js'
import { ask as plainAsk, bareClient, failure, mounted, mounts, runnable } from '../seam/mounts.js'
import { rig } from '../core/rig.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'

const offered = ['Bash', 'Write', 'note'].map(name => ({ name, input_schema: { type: 'object' as const } }))
const ask = { ...plainAsk, tools: offered }

const secret = 'sk-ant-of-another'
const hasSecret: Checker = ({ result }) => (JSON.stringify(result)?.includes(secret) ? { details: 'a key' } : undefined)

const content = (more: object = {}): Rule =>
  rules.rule({ id: 'content', onResult: 'withhold', stages: ['result'], check: hasSecret, ...more })

const noRm = (more: object = {}): Rule =>
  rules.rule({
    id: 'no-rm',
    kinds: ['tool'],
    check: ({ action }) => (JSON.stringify(action).includes('rm -rf') ? { details: 'it removes' } : undefined),
    ...more,
  })

const bad = { name: 'Bash', input: { command: 'rm -rf /' }, id: 'toolu_bad' }
const good = { name: 'Bash', input: { command: 'ls', flags: ['-l'] }, id: 'toolu_good' }

let server: MessagesServer
const start = async (...answers: Scripted[]) => {
  server = await startServer(answers)
}
afterEach(() => server?.close())

async function eventsOf(stream: AsyncIterable<unknown>): Promise<{ readonly events: unknown[]; readonly error?: unknown }> {
  const events: unknown[] = []
  try {
    for await (const event of stream) events.push(event)
    return { events }
  } catch (error) {
    return { events, error }
  }
}

describe.each(mounts)('an answer that a rule withholds (%s)', mount => {
  it.each([
    ['its text', { text: ['all is well', `the key is ${secret}`], chunkChars: 3 }],
    ['its thoughts', { thinking: `the key is ${secret}`, text: 'all is well', chunkChars: 3 }],
    ['the input of a call', { text: 'all is well', toolUse: { name: 'note', input: { text: secret } } }],
  ])('shows nothing of it, and is paid for: %s', async (_, spec) => {
    await start(script.reply(spec), script.reply(spec))
    const { client, sidecar, close } = await mounted(mount, server.url, {
      use: [withViolations({ rules: [content()] })],
      client: { maxRetries: 0 },
    })
    const streamed = await failure(
      client.messages
        .create({ ...ask, stream: true })
        .then(stream => eventsOf(stream))
        .then(({ events, error }) => {
          if (events.length > 0) throw new Error(`released ${JSON.stringify(events)}`)
          throw error
        }),
    )
    const whole = await failure(client.messages.create(ask))
    for (const error of [streamed, whole]) {
      expect(isOutriggerError(error, 'ERR_VIOLATION')).toBe(true)
      expect(String(error.message)).not.toContain(secret)
    }
    expect(sidecar.tokenUsage.output).toBeGreaterThan(0)
    expect(server.requests).toHaveLength(2)
    expect((sidecar as any).violations).toEqual([
      expect.objectContaining({ ruleId: 'content', kind: 'model', details: 'a key' }),
      expect.objectContaining({ ruleId: 'content', kind: 'model' }),
    ])
    await close()
  })

  it('leaves a clean answer as it is, byte for byte', async () => {
    const answer = script.reply({ thinking: 'so', text: ['one.', 'two'], toolUse: good, chunkChars: 2, ping: true })
    await start(answer, answer, answer, answer)
    const { client, close } = await mounted(mount, server.url, { use: [withViolations({ rules: [content()] })] })
    const bare = bareClient(server.url)
    const text = async (from: Anthropic, stream: boolean) => {
      const body = await (await from.messages.create({ ...ask, stream }).asResponse()).text()
      return body.replaceAll(/(msg|sig)_\w+/g, '$1')
    }
    for (const stream of [true, false]) expect(await text(client, stream)).toBe(await text(bare, stream))
    await close()
  })
})

describe('a streamed answer', () => {
  it('flows where no rule may withhold it, and is judged when it has ended', async () => {
    await start(script.text(`the key is ${secret}`, { chunkChars: 4 }))
    const { client, sidecar, close } = await mounted('claude', server.url, {
      use: [withViolations({ rules: [content({ onResult: 'release' })] })],
    })
    const { events, error } = await eventsOf(await client.messages.create({ ...ask, stream: true }))
    expect(error).toBeUndefined()
    expect(events.length).toBeGreaterThan(4)
    expect((sidecar as any).violations).toEqual([expect.objectContaining({ ruleId: 'content' })])
    await close()
  })

  it('flows before it has ended where the withholding rule is in shadow, or only warns', async () => {
    for (const more of [{ shadow: true }, { response: 'warn' }]) {
      let finish!: () => void
      const rest = new Promise<void>(resolve => {
        finish = resolve
      })
      server = await startServer(asked => ({ ...script.text('one two three', { chunkChars: 4 })(asked), gates: { 4: rest } }))
      const { client, close } = await mounted('claude', server.url, { use: [withViolations({ rules: [content(more)] })] })
      const stream = (await client.messages.create({ ...ask, stream: true }))[Symbol.asyncIterator]()
      expect((await stream.next()).value).toMatchObject({ type: 'message_start' })
      finish()
      while (!(await stream.next()).done);
      await close()
      await server.close()
    }
  })

  it('is judged once, held or not, as the message that it makes', async () => {
    const answer = script.reply({ text: ['one', 'two'], toolUse: good, chunkChars: 2 })
    await start(answer, answer)
    for (const onResult of ['withhold', 'release'] as const) {
      const results: unknown[] = []
      const look = content({
        onResult,
        kinds: ['model'],
        check: ({ result }: { result?: unknown }) => void results.push(structuredClone(result)),
      })
      const { client, close } = await mounted('claude', server.url, { use: [withViolations({ rules: [look] })] })
      const { parsed: _, ...message } = (await client.messages.stream(ask).finalMessage()) as any
      expect(results).toEqual([expect.objectContaining({ id: message.id, stop_reason: 'tool_use' })])
      expect((results[0] as typeof message).content).toMatchObject([{ text: 'one' }, { text: 'two' }, { input: good.input }])
      await close()
    }
  })

  it('that is held can still be tried again: nothing was released', async () => {
    await start(script.cut(4, 'lost half'), script.text('all of it'))
    const use = [withViolations({ rules: [content()] }), withRetry({ baseDelayMs: 1, maxDelayMs: 1 }), withMetrics()]
    const { client, close } = await mounted('claude', server.url, { use })
    const message = await client.messages.stream(ask).finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: 'all of it' }])
    await close()
  })

  it('of an agent of its own is held until its reply has been judged', async () => {
    const told: string[] = []
    const agent = {
      name: 'talker',
      async *stream(message: string) {
        yield 'one'
        told.push('one')
        yield 'two'
        return message
      },
    }
    const { sidecar } = rig([withViolations({ rules: [content({ kinds: ['send'] })] })], undefined, { agent } as never)
    const fine = sidecar.stream('fine')
    expect(await eventsOf(fine)).toEqual({ events: ['one', 'two'] })
    expect(await fine.reply).toBe('fine')
    const withheld = sidecar.stream(secret)
    const { events, error } = await eventsOf(withheld)
    expect(events).toEqual([])
    expect(error).toBeInstanceOf(ViolationError)
    expect(await failure(withheld.reply)).toBe(error)
    expect((sidecar as any).violations).toHaveLength(1)
  })
})

describe.each(mounts)('a call that the model asks for (%s)', mount => {
  const bash = (runs: unknown[]) => runnable('Bash', 'ran', runs)

  it.each([true, false])('is refused before its client sees it (streamed: %s)', async stream => {
    await start(script.reply({ text: 'Let me.', toolUse: [bad, good] }), script.text('done'))
    const { client, sidecar, close } = await mounted(mount, server.url, { use: [withViolations({ rules: [noRm()] })] })
    const runs: unknown[] = []
    await client.beta.messages.toolRunner({ ...ask, stream, tools: [bash(runs)] } as never)
    expect(runs).toEqual([good.input])
    expect((sidecar as any).violations).toEqual([expect.objectContaining({ ruleId: 'no-rm', kind: 'tool' })])
    await close()
  })

  it.each([
    ['pause', 'ERR_PAUSED'],
    ['reap', 'ERR_REAPED'],
  ] as const)('flags the sidecar: %s', async (response, code) => {
    await start(script.reply({ toolUse: bad }), script.text('more'))
    const { client, close } = await mounted(mount, server.url, {
      use: [withViolations({ rules: [noRm({ response })] })],
      client: { maxRetries: 0 },
    })
    const first = await client.messages
      .stream(ask)
      .finalMessage()
      .then(
        message => message.content,
        error => error,
      )
    expect(JSON.stringify(first)).not.toContain('rm -rf')
    expect(isOutriggerError(await failure(client.messages.create(ask)), code)).toBe(true)
    expect(server.requests).toHaveLength(1)
    await close()
  })
})

describe('a call that is asked for and then run', () => {
  /** Allows `most` calls, and warns of each. */
  const quota = (most: number, check?: Checker): Rule[] => {
    let n = 0
    return [
      rules.rule({ id: 'quota', kinds: ['tool'], check: check ?? (() => (++n > most ? { details: `${n} calls` } : undefined)) }),
      rules.rule({ id: 'seen', response: 'warn', kinds: ['tool'], check: () => ({ details: 'a call' }) }),
    ]
  }

  async function talking(own: readonly Rule[], spec: object = { toolUse: good }) {
    await start(script.reply(spec), script.text('done'))
    const { client, sidecar, close } = await mounted('claude', server.url, { use: [withViolations({ rules: own })] })
    const runs: unknown[] = []
    const tool = sidecar.tool({ name: 'Bash', run: (input: unknown) => void runs.push(input) })
    await client.messages.stream(ask).finalMessage()
    const violations = () => (sidecar as any).violations.map(({ ruleId }: { ruleId: string }) => ruleId)
    return { run: async (input: unknown, toolUseId?: string) => (tool.run as any)(input, { toolUseId }), violations, runs, close, sidecar }
  }

  it('is judged once', async () => {
    const { run, violations, runs, close } = await talking(quota(1))
    await run({ flags: ['-l'], command: 'ls' }, 'toolu_good')
    expect(violations()).toEqual(['seen'])
    expect(runs).toHaveLength(1)
    await close()
  })

  it('is judged once by rules that wait, too', async () => {
    let n = 0
    const { run, violations, close } = await talking(quota(1, async () => (++n > 1 ? { details: `${n} calls` } : undefined)))
    await run(good.input, 'toolu_good')
    expect(violations()).toEqual(['seen'])
    await close()
  })

  it.each([
    ['another input', { command: 'ls', flags: ['-a'] }, 'toolu_good'],
    ['another id', good.input, 'toolu_other'],
    ['no id', good.input, undefined],
  ])('is judged anew with %s', async (_, input, id) => {
    const { run, violations, close } = await talking(quota(1))
    expect(await failure(run(input, id))).toMatchObject({ ruleId: 'quota' })
    expect(violations()).toEqual(['seen', 'quota', 'seen'])
    await close()
  })

  it('is judged again when another tool has run since it was asked for, and counted and told once', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-stale-')))
    const outside = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-outside-')))
    const own = [
      rules.files({ write: [folder] }),
      rules.tools({ quota: { Write: 1 } }),
      rules.rule({ id: 'seen', response: 'warn', kinds: ['tool'], check: () => ({ details: 'a call' }) }),
    ]
    const writes = { id: 'toolu_write', name: 'Write', input: { file_path: join(folder, 'way', 'x') } }
    for (const link of [true, false]) {
      const { sidecar, violations, close } = await talking(own, { toolUse: writes })
      const other = sidecar.tool({ name: 'Link', run: () => link && symlinkSync(outside, join(folder, 'way')) })
      const write = sidecar.tool({ name: 'Write', run: () => 'written' })
      await (other.run as any)({})
      const ran = (write.run as any)(writes.input, { toolUseId: 'toolu_write' })
      if (link) expect(await failure(ran)).toMatchObject({ ruleId: 'files' })
      else expect(await ran).toBe('written')
      expect(violations()).toEqual(link ? ['seen', 'seen', 'files'] : ['seen', 'seen'])
      await close()
      rmSync(join(folder, 'way'), { force: true })
    }
  })

  it('is judged anew when it is run a second time', async () => {
    const { run, close, runs } = await talking(quota(1))
    await run(good.input, 'toolu_good')
    expect(await failure(run(good.input, 'toolu_good'))).toMatchObject({ ruleId: 'quota' })
    expect(runs).toHaveLength(1)
    await close()
  })

  it('is judged anew under another name', async () => {
    const { sidecar, close } = await talking(quota(1))
    const other = sidecar.tool({ name: 'Other', run: () => 'ran' })
    expect(await failure((async () => (other.run as any)(good.input, { toolUseId: 'toolu_good' }))())).toMatchObject({ ruleId: 'quota' })
    await close()
  })

  it('that was refused is refused again, and reported once', async () => {
    const { run, violations, runs, close, sidecar } = await talking([noRm()], { toolUse: bad })
    const error = await failure(run(bad.input, 'toolu_bad'))
    expect(error).toBeInstanceOf(ViolationError)
    expect(error).toMatchObject({ ruleId: 'no-rm', kind: 'tool', action: expect.stringContaining(sidecar.id) })
    expect(violations()).toEqual(['no-rm'])
    expect(runs).toEqual([])
    // Who tries once more has tried once more.
    expect(await failure(run(bad.input, 'toolu_bad'))).toBeInstanceOf(ViolationError)
    expect(violations()).toEqual(['no-rm', 'no-rm'])
    await close()
  })

  it('reaches the model as an error that it can read', async () => {
    await start(script.reply({ toolUse: { ...good, name: 'bash' } }), script.text('I see.'))
    const { claudeAgent } = await import('outrigger/claude')
    const { createSidecar } = await import('outrigger')
    const tools = [{ name: 'bash', description: 'runs', input_schema: { type: 'object' as const }, run: () => `the key is ${secret}` }]
    const sidecar = createSidecar({
      agent: claudeAgent({ model: ask.model, tools } as never),
      use: [withViolations({ rules: [content({ kinds: ['tool'] })] })],
      claude: { apiKey: 'k', baseURL: server.url },
    })
    expect(await sidecar.send('go')).toBe('I see.')
    const told = server.requests[1]!.bodyText
    expect(told).toContain('the result was withheld by rule content: a key')
    expect(told).toContain('"is_error":true')
    expect(told).not.toContain(secret)
    expect(sidecar.violations).toHaveLength(1)
    await sidecar.close()
  })
})

describe.each(mounts)('a call of what was not offered (%s, P32)', mount => {
  it.each([true, false])('is refused and reported, and what was offered passes: streamed %s', async stream => {
    await start(script.reply({ toolUse: [{ name: 'Deploy', input: {}, id: 'toolu_d' }, { name: 'bash', input: {}, id: 'toolu_b' }, good] }))
    const { client, sidecar, close } = await mounted(mount, server.url, { use: [withViolations({ rules: [] })] })
    const message = stream ? await client.messages.stream(ask).finalMessage() : await client.messages.create(ask)
    expect(message.content.map(block => (block.type === 'tool_use' ? block.name : (block as { readonly text: string }).text))).toEqual([
      expect.stringContaining('tool "Deploy" was not offered by the request'),
      expect.stringContaining('tool "bash" was not offered by the request'),
      'Bash',
    ])
    expect((sidecar as any).violations).toEqual([
      expect.objectContaining({ ruleId: 'offeredTools', response: 'deny', kind: 'tool' }),
      expect.objectContaining({ ruleId: 'offeredTools' }),
    ])
    await close()
  })
})

describe('rules that nothing breaks', () => {
  it('change nothing of what an agent says and asks, sent or streamed', async () => {
    for (let seed = 0; seed < 25; seed++)
      expect([seed, await transparent({ ...conversation(numbers(seed)), layers: 'rules' })]).toEqual([seed, true])
  })
})

describe('a streamed send of an agent without a stream of its own', () => {
  const asking = {
    name: 'asking',
    async send(message: string, { claude }: { readonly claude: Anthropic }) {
      const { content: blocks } = await claude.messages
        .stream({ model: 'claude-haiku-4-5', max_tokens: 64, messages: [{ role: 'user', content: message }] })
        .finalMessage()
      return blocks.map(block => (block.type === 'text' ? block.text : '')).join('')
    },
  }
  const streamed = (text: string, rule: Rule) =>
    eventsOf(
      createSidecar({
        agent: asking,
        use: [withViolations({ rules: [rule] })],
        claude: { upstream: mockModel({ otherwise: () => ({ text }) }).upstream },
      }).stream('hi'),
    )

  it('shows nothing of what made a reply that is withheld', async () => {
    const { events, error } = await streamed(`the key is ${secret}`, content({ kinds: ['send'] }))
    expect(isOutriggerError(error, 'ERR_VIOLATION')).toBe(true)
    expect(events).toEqual([])
  })

  it('shows all of it, in the same order, where the reply is clean, and as it comes where nothing may be withheld', async () => {
    const typesOf = ({ events }: { readonly events: readonly unknown[] }) =>
      events.map(event => [(event as { type: string }).type, (event as { event?: { type: string } }).event?.type])
    const held = await streamed('all is well', content({ kinds: ['send'] }))
    const free = await streamed('all is well', content({ kinds: ['send'], onResult: 'release' }))
    expect(typesOf(held)).toEqual(typesOf(free))
    expect(held.events.at(-1)).toEqual({ type: 'reply', reply: 'all is well' })
    expect(held.events.length).toBeGreaterThan(4)
  })
})
