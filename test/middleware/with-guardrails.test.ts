import type Anthropic from '@anthropic-ai/sdk'
import { createSidecar, isOutriggerError, StackOrderError, ViolationError } from 'outrigger'
import { memoryLog } from 'outrigger/ctx'
import {
  type GuardrailCheck,
  type GuardrailHold,
  withGuardrails,
  type WithGuardrailsOptions,
  withRetry,
  withSigning,
  withViolations,
} from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { ask as plain, bareClient, failure, type Mount, mounted, mounts } from '../seam/mounts.js'
import { rig } from '../core/rig.js'
import { bytesOf } from '../ctx/log-rig.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { actions, mountedWith } from './guarded.js'

/** With every tool that an answer here calls: what is not offered is refused by itself. */
const ask = { ...plain, tools: ['mail', 'Bash'].map(name => ({ name, input_schema: { type: 'object' as const } })) }
const key = `sk-ant-api03-${'aB3-'.repeat(12)}x`
const mail = 'ada@example.com'
const deny: GuardrailCheck = { find: 'secrets', response: 'deny' }
const redact: GuardrailCheck = { find: ['email', 'card'], id: 'private', response: 'redact' }
const warn: GuardrailCheck = { find: 'email', response: 'warn' }
const holds: readonly GuardrailHold[] = ['full', 'block', 'sentence', { window: 20 }]

let server: MessagesServer
const start = async (...answers: Scripted[]) => {
  server = await startServer(answers)
}
afterEach(() => server?.close())

const guarding = (mount: Mount, options: WithGuardrailsOptions) =>
  mounted(mount, server.url, { use: [withViolations({ rules: [] }), withGuardrails(options)], client: { maxRetries: 0 } })

/** What a client reads of a streamed answer, and how it ends. */
async function read(client: Anthropic): Promise<{ readonly seen: string; readonly error?: unknown }> {
  let seen = ''
  try {
    for await (const event of await client.messages.create({ ...ask, stream: true })) seen += JSON.stringify(event)
    return { seen }
  } catch (error) {
    return { seen, error }
  }
}

const final = (client: Anthropic, stream: boolean): Promise<Anthropic.Message> =>
  stream ? client.messages.stream(ask).finalMessage() : client.messages.create(ask)

const violations = (sidecar: unknown) => (sidecar as { violations: readonly any[] }).violations
const told = (sidecar: unknown) => violations(sidecar).map(({ ruleId, response, kind, details }) => [ruleId, response, kind, details])

describe.each(mounts)('an answer of the model (%s)', mount => {
  it.each(holds)('is withheld where it holds what is denied, however it is cut: hold %j', async hold => {
    const answer = script.reply({ text: ['All is well.', `The key is ${key}, keep it. Yes.`], chunkChars: 3 })
    await start(answer, answer)
    const { client, sidecar, close } = await guarding(mount, { checks: [deny], hold })
    const { seen, error } = await read(client)
    const whole = await failure(client.messages.create(ask))
    expect(seen).not.toContain('sk-')
    if (hold === 'full') expect(seen).toBe('')
    else expect(seen).toContain('All')
    expect(String(error)).toContain('guardrails.secrets: Anthropic key')
    expect(isOutriggerError(whole, 'ERR_VIOLATION')).toBe(true)
    for (const one of [error, whole]) expect(String(one)).not.toContain('sk-')
    const finding = ['guardrails.secrets', 'deny', 'model', 'Anthropic key']
    expect(told(sidecar)).toEqual([finding, finding])
    await close()
  })

  it.each(holds)('has what is redacted replaced, the same way streamed and whole: hold %j', async hold => {
    const text = `Write to ${mail}. Or pay with 4111 1111 1111 1111, if you like. ${mail}`
    const answer = script.reply({ text: ['Hello.', text], chunkChars: 4 })
    await start(answer, answer)
    const { client, sidecar, close } = await guarding(mount, { checks: [redact], hold })
    for (const stream of [true, false]) {
      const { content, stop_reason } = await final(client, stream)
      expect(content).toMatchObject([{ text: 'Hello.' }, { text: 'Write to [email]. Or pay with [card], if you like. [email]' }])
      expect(stop_reason).toBe('end_turn')
    }
    const finding = ['guardrails.private', 'warn', 'model', '2 × email, 1 × card: replaced']
    expect(told(sidecar)).toEqual([finding, finding])
    await close()
  })

  it('is left as it is, byte for byte, where nothing is found', async () => {
    const answer = script.reply({
      thinking: 'so',
      text: ['one.', 'two and a half'],
      toolUse: { name: 'Bash', input: { command: 'ls' }, id: 'toolu_1' },
      chunkChars: 2,
      ping: true,
    })
    await start(...Array.from({ length: 2 * 2 * holds.length }, () => answer))
    const bare = bareClient(server.url)
    const text = async (from: Anthropic, stream: boolean) =>
      (await (await from.messages.create({ ...ask, stream }).asResponse()).text()).replaceAll(/(msg|sig)_\w+/g, '$1')
    for (const hold of holds) {
      const { client, close } = await guarding(mount, { checks: [deny, redact, { find: /nothing/, response: 'redact' }], hold })
      for (const stream of [true, false]) expect(await text(client, stream)).toBe(await text(bare, stream))
      await close()
    }
  })

  it.each([
    ['deny', 'guardrails.email'],
    ['redact', 'guardrails.email'],
  ] as const)('never has its thoughts rewritten, and shows nothing of one: %s', async (response, ruleId) => {
    const answer = script.reply({ thinking: `they are ${mail}, so`, text: 'done', chunkChars: 2 })
    await start(answer, answer)
    const { client, sidecar, close } = await guarding(mount, { checks: [{ find: 'email', response }] })
    const { seen, error } = await read(client)
    expect(seen).not.toContain('thinking_delta')
    expect(String(error)).toContain(ruleId)
    expect(await failure(client.messages.create(ask))).toBeDefined()
    expect(told(sidecar)).toEqual(Array(2).fill([ruleId, 'deny', 'model', 'email']))
    await close()
  })

  it.each([true, false])('has a call refused, not rewritten, whose input holds what is redacted (streamed: %s)', async stream => {
    const bad = { name: 'mail', input: { to: mail, copies: [mail] }, id: 'toolu_bad' }
    const good = { name: 'mail', input: { to: 'ada' }, id: 'toolu_good' }
    await start(script.reply({ text: 'I will.', toolUse: [bad, good], chunkChars: 3 }))
    const { client, sidecar, close } = await guarding(mount, { checks: [redact] })
    const { content, stop_reason } = await final(client, stream)
    expect(content).toMatchObject([
      { type: 'text', text: 'I will.' },
      { type: 'text', text: 'The call of mail was refused: refused by rule guardrails.private: email' },
      { type: 'tool_use', id: 'toolu_good', input: { to: 'ada' } },
    ])
    expect(stop_reason).toBe('tool_use')
    expect(told(sidecar)).toEqual([['guardrails.private', 'deny', 'tool', 'email']])
    await close()
  })
})

describe('a streamed answer', () => {
  const gated = async (text: string, at: number) => {
    let finish!: () => void
    const rest = new Promise<void>(resolve => {
      finish = resolve
    })
    server = await startServer(asked => ({ ...script.text(text, { chunkChars: 4 })(asked), gates: { [at]: rest } }))
    return finish
  }

  it.each([['sentence', 'One two. Three four five six'] as const, [{ window: 5 }, 'One two three four five six'] as const])(
    'flows as far as it is decided: hold %j',
    async (hold, text) => {
      const finish = await gated(text, 7)
      const { client, close } = await guarding('claude', { checks: [deny], hold })
      const stream = (await client.messages.create({ ...ask, stream: true }))[Symbol.asyncIterator]()
      let seen = ''
      while (!seen.includes('One ')) seen += JSON.stringify((await stream.next()).value)
      finish()
      while (!(await stream.next()).done);
      await close()
    },
  )

  it('flows at once where nothing is denied or replaced', async () => {
    const finish = await gated(`to ${mail} now`, 4)
    const { client, sidecar, close } = await guarding('claude', { checks: [warn], hold: 'full' })
    const stream = (await client.messages.create({ ...ask, stream: true }))[Symbol.asyncIterator]()
    expect((await stream.next()).value).toMatchObject({ type: 'message_start' })
    finish()
    while (!(await stream.next()).done);
    await close()
    expect(told(sidecar)).toEqual([['guardrails.email', 'warn', 'model', '1 × email']])
  })

  it('that is held can still be tried again, and what the lost one held is not told', async () => {
    await start(script.cut(4, `lost ${mail} half`), script.text('all of it'))
    const use = [
      withViolations({ rules: [] }),
      withGuardrails({ checks: [redact], hold: 'full' }),
      withRetry({ baseDelayMs: 1, maxDelayMs: 1 }),
    ]
    const { client, sidecar, close } = await mounted('claude', server.url, { use })
    expect((await client.messages.stream(ask).finalMessage()).content).toMatchObject([{ text: 'all of it' }])
    expect(told(sidecar)).toEqual([])
    await close()
  })

  it('shows the outer layers what its client sees', async () => {
    const answer = script.reply({ text: `to ${mail}`, toolUse: { name: 'mail', input: { to: mail }, id: 'toolu_1' } })
    await start(answer, answer)
    const use = [
      withViolations({ rules: [rules.content({ deny: [mail], stages: ['result'], kinds: ['model'] })] }),
      withGuardrails({ checks: [redact] }),
    ]
    const { client, close } = await mounted('claude', server.url, { use })
    for (const stream of [true, false]) expect((await final(client, stream)).content[0]).toMatchObject({ text: 'to [email]' })
    await close()
  })
})

describe('what goes in', () => {
  it('is denied before it happens: a message, a request, the input of a tool', async () => {
    const { act, effects, of } = mountedWith(withGuardrails({ checks: [{ find: 'email', response: 'deny' }] }))
    for (const action of [
      { ...actions.send, message: `ask ${mail}` },
      { ...actions.model, request: { messages: [{ role: 'user', content: [{ type: 'text', text: mail }] }] } },
      { ...actions.tool, input: { args: new Map([['to', mail]]) } },
    ])
      expect(await failure(act(action as never))).toMatchObject({ ruleId: 'guardrails.email', stage: 'action', details: 'email' })
    expect(effects).toEqual([])
    expect(of('violation').map(({ kind }) => kind)).toEqual(['send', 'model', 'tool'])
    await act('tool')
    expect(effects).toHaveLength(1)
  })

  it('is never rewritten', () => {
    expect(() => withGuardrails({ checks: [{ find: 'email', response: 'redact', stages: ['action', 'result'] }] })).toThrow(
      /what goes in is never rewritten/,
    )
  })

  it('is looked at where the check says so', async () => {
    const { act } = mountedWith(withGuardrails({ checks: [{ find: 'email', response: 'deny', kinds: ['tool'], stages: ['action'] }] }))
    await act({ kind: 'send', message: mail })
    expect(await act('tool', mail)).toBe(mail)
    expect(await failure(act({ kind: 'tool', name: 'x', input: mail }))).toBeInstanceOf(ViolationError)
  })

  it('nested deeper than anyone looks is not let through', async () => {
    let deep: unknown = 'x'
    for (let i = 0; i < 300; i++) deep = [deep]
    const { act } = mountedWith(withGuardrails({ checks: [deny] }))
    expect(await failure(act({ kind: 'tool', name: 'x', input: deep }))).toMatchObject({ details: expect.stringContaining('too deep') })
  })
})

describe('what a tool returned', () => {
  const of = (checks: readonly GuardrailCheck[]) => mountedWith(withGuardrails({ checks }))

  it('has its texts replaced, in plain data, and is not written to', async () => {
    const shared = { mail }
    const result = Object.freeze({ rows: [shared, shared, { n: 4111 }], text: `a ${mail} b ${mail}`, none: null, at: new Date(0) })
    const { act, of: events } = of([redact])
    expect(await act('tool', result)).toEqual({
      rows: [{ mail: '[email]' }, { mail: '[email]' }, { n: 4111 }],
      text: 'a [email] b [email]',
      none: null,
      at: new Date(0),
    })
    expect(shared.mail).toBe(mail)
    expect(await act('tool', mail)).toBe('[email]')
    const same = { nothing: 'here' }
    expect(await act('tool', same)).toBe(same)
    expect(events('violation')).toMatchObject([
      { details: '3 × email: replaced', response: 'warn', kind: 'tool' },
      { details: '1 × email: replaced' },
    ])
  })

  it.each<[string, unknown]>([
    ['a key', { [mail]: 1 }],
    ['a call', { content: [{ type: 'tool_use', id: 't', name: 'mail', input: { to: mail } }] }],
    ['a thought', [{ type: 'thinking', thinking: mail, signature: 's' }]],
    ['a map', new Map([['to', mail]])],
    [
      'an object of a class',
      new (class {
        to = mail
      })(),
    ],
    ['an error', new Error(mail)],
  ])('is withheld where nothing may be replaced: %s', async (_, result) => {
    const { act } = of([redact])
    expect(await failure(act('tool', result))).toMatchObject({ ruleId: 'guardrails.private', stage: 'result' })
  })

  it('leaves images as they are', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: key } }
    const { act } = of([deny])
    expect(await act('tool', [image])).toEqual([image])
  })

  it('goes round in itself', async () => {
    const ring: { text: string; self?: unknown } = { text: mail }
    ring.self = ring
    const seen = (await of([redact]).act('tool', ring)) as typeof ring
    expect(seen.text).toBe('[email]')
    expect(seen.self).toBe(seen)
  })
})

describe('a send', () => {
  const texts = (...parts: readonly string[]) => ({
    name: 'talker',
    async *stream(message: string) {
      for (const part of parts) yield part
      return `${message}: ${parts.join('')}`
    },
  })

  const events = async (stream: AsyncIterable<unknown>) => {
    const seen: unknown[] = []
    try {
      for await (const event of stream) seen.push(event)
    } catch (error) {
      return { seen, error }
    }
    return { seen }
  }

  it.each(holds)('has the texts of its stream and its reply replaced, split or not: hold %j', async hold => {
    const { sidecar } = rig([withGuardrails({ checks: [redact], hold })], undefined, {
      agent: texts('to ada@exa', 'mple.com', ', then. ', 'so'),
    } as never)
    const stream = sidecar.stream('now')
    const { seen } = await events(stream)
    expect(seen.join('')).toBe('to [email], then. so')
    expect(await stream.reply).toBe('now: to [email], then. so')
    expect(await sidecar.send('now')).toBe('now: to [email], then. so')
  })

  it.each(holds)('shows nothing of what is denied, also before the error: hold %j', async hold => {
    const agent = texts('fine. ', 'the key is ', key.slice(0, 9), key.slice(9), ' so')
    const { sidecar } = rig([withGuardrails({ checks: [deny], hold })], undefined, { agent } as never)
    const stream = sidecar.stream('now')
    const { seen, error } = await events(stream)
    expect(error).toBeInstanceOf(ViolationError)
    expect(seen.join('')).not.toContain('sk-')
    expect(await failure(stream.reply)).toBe(error)
    expect(await failure(sidecar.send('now'))).toMatchObject({ ruleId: 'guardrails.secrets', kind: 'send', stage: 'result' })
  })

  it('shows what model calls within it said, guarded where they are not', async () => {
    const answer = script.reply({ text: `write to ${mail} today`, chunkChars: 3 })
    await start(answer, answer, answer, answer)
    for (const stream of [true, false])
      for (const hold of ['block', 'full'] as const) {
        const agent = {
          name: 'asks',
          send: async (_: string, { claude }: any) => {
            const given = stream ? await claude.messages.stream(ask).finalMessage() : await claude.messages.create(ask)
            return given.content[0].text as string
          },
        }
        const sidecar = createSidecar({
          agent,
          use: [withGuardrails({ checks: [{ ...redact, kinds: ['send'] }], hold })],
          claude: { apiKey: 'k', baseURL: server.url },
        })
        const sent = sidecar.stream('now')
        const { seen } = await events(sent)
        expect(JSON.stringify(seen)).not.toContain('example.com')
        expect(JSON.stringify(seen)).toContain('[email]')
        expect(await sent.reply).toBe('write to [email] today')
        await sidecar.close()
      }
  })

  it('keeps the order of its events', async () => {
    const agent = {
      name: 'mixed',
      async *stream() {
        yield 'one. '
        yield { type: 'note', text: mail }
        yield 'two '
        yield { type: 'end' }
        return 'ok'
      },
    }
    for (const hold of holds) {
      const { sidecar } = rig([withGuardrails({ checks: [redact], hold })], undefined, { agent } as never)
      const { seen } = await events(sidecar.stream('x'))
      expect(seen).toEqual(['one. ', { type: 'note', text: '[email]' }, 'two ', { type: 'end' }])
    }
  })
})

describe('a check of your own', () => {
  it('sees whole texts and what they are', async () => {
    const seen: unknown[] = []
    const check = (text: string, about: object) => void seen.push([text, about])
    const { act } = mountedWith(withGuardrails({ checks: [{ check, response: 'deny' }] }))
    await act({ kind: 'tool', name: 'x', input: { a: 'in' } }, 'out')
    expect(seen).toEqual([
      ['a', { kind: 'tool', stage: 'action' }],
      ['in', { kind: 'tool', stage: 'action' }],
      ['out', { kind: 'tool', stage: 'result' }],
    ])
  })

  it.each<[string, NonNullable<GuardrailCheck['check']>, string]>([
    ['says true', () => true, 'what the check looks for'],
    ['says what it is', async () => ({ details: 'a tone' }), 'a tone'],
    [
      'fails',
      () => {
        throw new Error('broken')
      },
      'the check failed',
    ],
    ['answers what is no answer', () => 'yes' as never, 'an answer of the check that is none'],
  ])('forbids where it %s', async (_, check, details) => {
    const { act } = mountedWith(withGuardrails({ checks: [{ check, response: 'deny', id: 'own', stages: ['result'] }] }))
    expect(await failure(act('tool', 'text'))).toMatchObject({ ruleId: 'guardrails.own', details })
  })

  it('has the whole text replaced that it finds something in', async () => {
    const check = (text: string) => text.includes('bad')
    const { act } = mountedWith(withGuardrails({ checks: [{ check, response: 'redact', replaceWith: '…' }], hold: 'sentence' }))
    expect(await act('tool', { a: 'Fine. So bad. Fine.', b: 'bad' })).toEqual({ a: 'Fine. …Fine.', b: '…' })
  })

  it('is not waited for after an abort', async () => {
    const { runtime } = mountedWith(withGuardrails({ checks: [{ check: () => new Promise<never>(() => {}), response: 'deny' }] }))
    const abort = new AbortController()
    const run = runtime.run(runtime.context(actions.send), async () => {}, abort.signal)
    await new Promise(resolve => setImmediate(resolve))
    abort.abort(new Error('enough'))
    expect((await failure(run)).message).toBe('enough')
  })
})

describe('the longest text', () => {
  it('that expressions look at is a million characters, or what is said; a longer one counts as found', async () => {
    const { act, of } = mountedWith(
      withGuardrails({
        checks: [
          { find: /x$/, response: 'warn', id: 'w' },
          { find: /x$/, response: 'deny', id: 'd', stages: ['result'] },
        ],
        maxChars: 10,
      }),
    )
    await act({ kind: 'tool', name: 'n', input: 'a'.repeat(11) }, 'a'.repeat(10))
    expect(of('violation')).toMatchObject([{ ruleId: 'guardrails.w', details: '1 × a text of more than 10 characters' }])
    expect(await failure(act('tool', 'a'.repeat(11)))).toMatchObject({ ruleId: 'guardrails.d' })
  })

  it('does not hold for detectors, which take a time in proportion', async () => {
    const { act } = mountedWith(withGuardrails({ checks: [redact], maxChars: 10 }))
    expect(await act('tool', `${'a '.repeat(20)}${mail}`)).toBe(`${'a '.repeat(20)}[email]`)
  })
})

describe('findings', () => {
  it('are events of the sidecar where no layer keeps violations', async () => {
    const { act, of } = mountedWith(withGuardrails({ checks: [warn] }))
    await act({ kind: 'send', message: mail }, mail)
    expect(of('violation')).toMatchObject([
      { ruleId: 'guardrails.email', severity: 'warning', response: 'warn', kind: 'send', details: '1 × email', shadow: false },
      { ruleId: 'guardrails.email' },
    ])
  })

  it('are kept, counted and told by withViolations where it is there', async () => {
    const heard: unknown[] = []
    const { act, layer } = mountedWith(withGuardrails({ checks: [warn, deny] }), {
      outside: [withViolations({ rules: [], onViolation: ({ ruleId }) => void heard.push(ruleId) })],
    })
    await act('tool', mail)
    await failure(act('tool', key))
    expect(heard).toEqual(['guardrails.email', 'guardrails.secrets'])
    expect(layer.meta.snapshot!()).toEqual({ denied: 1, replaced: 0, warned: 1 })
  })

  it('stand in the record, without what was found', async () => {
    const log = memoryLog()
    const agent = { name: 'echo', send: async (text: string) => text }
    const sidecar = createSidecar({
      agent,
      use: [withSigning({ log }), withViolations({ rules: [] }), withGuardrails({ checks: [redact] })],
    })
    expect(await sidecar.send(`to ${mail}`)).toBe('to [email]')
    await sidecar.close()
    const text = (await Promise.all((await log.list()).map(id => bytesOf(log, id)))).join('')
    expect(text).toContain('guardrails.private')
    expect(text).not.toContain(mail)
  })
})

describe('a child', () => {
  it('is checked by its parent, whatever it brings, and holds at least as much', async () => {
    const parent = mountedWith(withGuardrails({ checks: [deny], hold: 'full' }))
    const child = mountedWith(withGuardrails({ checks: [redact], hold: { window: 5 } }), { parent, name: 'child' })
    expect(await failure(child.act('tool', key))).toMatchObject({ ruleId: 'guardrails.secrets' })
    expect(await child.act('tool', mail)).toBe('[email]')
    expect(await parent.act('tool', mail)).toBe(mail)
    expect(parent.of('violation')).toMatchObject([{ child: 'child-1' }, { child: 'child-1' }])
    const inherited = parent.layer.meta.inherit!(parent.layer)!
    const grandchild = mountedWith(inherited, { parent: child, name: 'grandchild' })
    expect(await failure(grandchild.act('tool', key))).toBeInstanceOf(ViolationError)
    expect(await grandchild.act('tool', mail)).toBe('[email]')
  })

  it('with another layer of this name is not started', async () => {
    const { defineMiddleware } = await import('outrigger')
    const agent = {
      name: 'parent',
      send: async (_: string, { spawn }: any) => {
        await spawn({
          agent: { name: 'kid', send: async () => 'x' },
          use: [defineMiddleware({ name: 'withGuardrails' }, (_c, next) => next())],
        })
      },
    }
    const sidecar = createSidecar({ agent, use: [withGuardrails({ checks: [deny] })] })
    expect((await failure(sidecar.send('go'))).message).toContain('would not be bound by the guardrails of its parent')
    await sidecar.close()
  })
})

describe('options', () => {
  it.each<[unknown, RegExp]>([
    [undefined, /must be an object like \{ checks/],
    [{ checks: 'secrets' }, /checks must be a list/],
    [{ checks: [], hold: 'word' }, /hold must be 'full', 'block', 'sentence' or \{ window: characters \}, got "word"/],
    [{ checks: [], hold: { window: 0 } }, /hold.window must be a whole number from 1, got 0/],
    [{ checks: [], hold: { window: 5, more: 1 } }, /hold must be/],
    [{ checks: [], maxChars: '1' }, /maxChars must be a whole number of characters, got "1"/],
    [{ checks: [], more: 1 }, /unknown option "more"; known are checks, hold, maxChars/],
    [{ checks: [{ response: 'deny' }] }, /checks\[0\] must have exactly one of find, words and check/],
    [{ checks: [{ find: 'email', words: ['a'], response: 'deny' }] }, /exactly one/],
    [{ checks: [{ find: 'email' }] }, /checks\[0\].response must be one of deny, redact, warn; got undefined/],
    [{ checks: [{ find: 'mail', response: 'deny' }] }, /checks\[0\].find must list secrets, personal, .*; other texts go to words/],
    [{ checks: [{ find: [], response: 'deny' }] }, /find is empty/],
    [{ checks: [{ words: [''], response: 'deny' }] }, /words must be a list of non-empty strings/],
    [{ checks: [{ check: 'x', response: 'deny' }] }, /check must be a function/],
    [{ checks: [{ find: 'email', response: 'deny', id: ' ' }] }, /id must be a non-empty string/],
    [{ checks: [{ find: 'email', response: 'deny', kinds: ['spawn'] }] }, /kinds must be a list of send, model, tool/],
    [{ checks: [{ find: 'email', response: 'deny', stages: [] }] }, /stages must be a list of action, result/],
    [{ checks: [{ find: 'email', response: 'deny', severity: 'bad' }] }, /severity must be one of/],
    [{ checks: [{ find: 'email', response: 'redact', replaceWith: 1 }] }, /replaceWith must be a string/],
    [{ checks: [{ find: /a/, response: 'deny', longest: 0 }] }, /longest must be a whole number from 1/],
    [{ checks: [{ find: 'email', response: 'deny', why: 1 }] }, /checks\[0\]: unknown option "why"/],
    [
      {
        checks: [
          { find: 'email', response: 'deny' },
          { find: 'email', response: 'warn' },
        ],
      },
      /two checks have the id "email"/,
    ],
    [
      { checks: [{ words: ['abcdef'], response: 'deny' }], hold: { window: 5 } },
      /word 1 can match 6 characters, and hold.window is 5; raise it to 6/,
    ],
    [
      { checks: [{ find: /a+/, response: 'deny' }], hold: { window: 5 } },
      /pattern 1 can match a text of any length; give longest, or set hold/,
    ],
    [{ checks: [{ find: /a+/, response: 'deny' }], hold: 'sentence' }, /any length/],
    [{ checks: [{ check: () => true, response: 'deny' }], hold: { window: 5 } }, /a check of your own needs whole texts/],
  ])('are refused with the fix: %j', (options, message) => {
    expect(() => withGuardrails(options as never)).toThrow(message)
  })

  it('may be no checks at all, and an expression without a bound with one that is said', () => {
    withGuardrails({ checks: [] })
    withGuardrails({ checks: [{ find: /a+/, longest: 5, response: 'deny' }], hold: { window: 5 } })
    withGuardrails({ checks: [{ find: /a+/, response: 'deny' }] })
  })

  it('are not changed by what the caller does to them later', async () => {
    const find = /secret/g
    const words = ['one']
    const { act } = mountedWith(
      withGuardrails({
        checks: [
          { find, response: 'deny' },
          { words, response: 'deny' },
        ],
      }),
    )
    find.lastIndex = 5
    words[0] = 'two'
    expect(await failure(act('tool', 'secret'))).toBeInstanceOf(ViolationError)
    expect(await failure(act('tool', 'one'))).toBeInstanceOf(ViolationError)
    expect(await act('tool', 'two')).toBe('two')
  })
})

describe('its place', () => {
  const sidecarOf = (use: readonly any[]) => () =>
    createSidecar({ agent: { name: 'a', send: async (text: string) => text }, use: use as [] })

  it('is inside withViolations and outside withRetry', () => {
    const guardrails = () => withGuardrails({ checks: [] })
    sidecarOf([withViolations({ rules: [] }), guardrails(), withRetry()])()
    expect(sidecarOf([guardrails(), withViolations({ rules: [] })])).toThrow(/put withViolations before withGuardrails/)
    expect(sidecarOf([withRetry(), guardrails()])).toThrow(/put withGuardrails before withRetry/)
    expect(sidecarOf([withRetry(), guardrails()])).toThrow(StackOrderError)
  })
})
