import { type Call, createSidecar, defineMiddleware, type SidecarEvent, type Tool } from 'outrigger'
import { claudeAgent } from 'outrigger/claude'
import { createLedger } from 'outrigger/ledger'
import { type Health, withBudget, withHealth, type WithHealthOptions, withRetry } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { fixed, turns } from './stack.js'

const model = 'claude-haiku-4-5'
const minute = 60_000

type Work = (call: Call) => Promise<unknown>

/** A sidecar whose sends run what they are given, on a clock that only the test moves. */
function watched(options: WithHealthOptions = {}, around: { outside?: readonly any[]; inside?: readonly any[]; opaque?: boolean } = {}) {
  const clock = new VirtualClock()
  const mock = mockModel({ clock })
  const works: Work[] = []
  const sidecar = createSidecar({
    agent: {
      name: 'worker',
      ...(around.opaque ? { opaque: { model, maxTokens: 10 } } : {}),
      send: (_message: string, call: Call) => works.shift()!(call),
    },
    use: [...(around.outside ?? []), withHealth(options), ...(around.inside ?? [])] as any,
    claude: { upstream: mock.upstream },
    clock,
  }) as any
  const told: string[] = []
  sidecar.subscribe((event: SidecarEvent) => {
    if (event.type === 'health') told.push(`${event.from} > ${event.to}`)
  })
  const run = (work: Work, message = 'go', signal?: AbortSignal): Promise<unknown> => {
    works.push(work)
    const ended = sidecar.send(message, signal ? { signal } : {})
    ended.catch(() => {})
    return ended
  }
  const health = (): Health => sidecar.health()
  const signals = () => health().reasons.map(reason => reason.split(':')[0])
  return { clock, mock, sidecar, run, health, signals, told }
}

const ask = (call: Call, content = 'hello', stream = false): Promise<unknown> => {
  const request = { model, max_tokens: 64, messages: [{ role: 'user' as const, content }] }
  return stream ? call.claude.messages.stream(request).finalMessage() : call.claude.messages.create(request)
}

const tool = (name: string, run: (input: any) => unknown): Tool => ({ name, run: async input => run(input) })

/** Calls a tool with each of these inputs, one after the other; the model is asked once. */
const calling =
  (name: string, inputs: readonly unknown[], run: (input: any, at: number) => unknown): Work =>
  async call => {
    let at = 0
    const guarded = call.tool(tool(name, input => run(input, at++)))
    for (const input of inputs) await Promise.resolve(guarded.run(input)).catch(() => {})
  }

const times = <T>(n: number, make: (at: number) => T): T[] => Array.from({ length: n }, (_, at) => make(at))

describe('withHealth', () => {
  it('says that an agent that does nothing wrong is healthy, with no reasons', async () => {
    const { run, mock, health, told } = watched()
    mock.reply('one').reply('two')
    await run(call => ask(call))
    await run(call => ask(call, 'more', true))
    expect(health()).toEqual({ status: 'healthy', reasons: [] })
    expect(told).toEqual([])
  })

  it('is healthy before it is mounted, and lets everything pass', async () => {
    expect(withHealth().meta.expose!.health()).toEqual({ status: 'healthy', reasons: [] })
  })

  it('shows its health in the snapshot', async () => {
    const { sidecar } = watched()
    expect(sidecar.snapshot().layers.withHealth).toMatchObject({ status: 'healthy', reasons: [] })
  })

  describe('started again with what the process before had seen', () => {
    const again = ({ sidecar }: { sidecar: any }, wait = 0) => {
      const past = JSON.parse(JSON.stringify(sidecar.snapshot().layers.withHealth))
      past.kept.at -= wait
      return watched({ past })
    }
    const same = (n: number) =>
      calling(
        'read',
        times(n, () => ({ path: 'a' })),
        () => 'nothing',
      )

    it('finds a loop, a row of errors and wrong answers as they were: each goes on where it stood', async () => {
      let at = watched()
      await at.run(same(2))
      expect(at.health().status).toBe('healthy')
      at = again(at)
      await at.run(same(1))
      expect(at.health().status).toBe('healthy')
      at = again(at)
      await at.run(same(1))
      expect(at.signals()[0]).toBe('repeated-calls')
      at = again(at)
      expect(at.signals()).toEqual(['repeated-calls', 'unmetered'])
      expect(at.health().reasons[1]).toMatch(/^unmetered: 3 of 3 sends/)

      for (const _ of times(3, n => n)) {
        at = again(at)
        await at.run(() => Promise.reject(new Error('no'))).catch(() => {})
      }
      expect(at.health().reasons[0]).toMatch(/^errors-in-a-row: 3 /)
      at = again(at)
      expect(at.health().status).toBe('errorSpiral')
      await at.run(async call => {
        await call.tool(tool('write', () => 'new')).run({})
      })
      expect(at.signals()).toEqual(['unmetered'])
    })

    it('goes on from a budget that was refused, until two answers are good', async () => {
      const first = watched({}, { inside: [withBudget({ usd: 0.000001 })] })
      await first.run(call => ask(call)).catch(() => {})
      expect(first.health().status).toBe('budgetExceeded')
      const second = again(first)
      expect(second.health().status).toBe('budgetExceeded')
      second.mock.reply('one')
      await second.run(call => ask(call, 'one'))
      const third = again(second)
      expect(third.health().status).toBe('budgetExceeded')
      third.mock.reply('two')
      await third.run(call => ask(call, 'two'))
      expect(third.health().status).toBe('healthy')
    })

    it('counts what was paid for without anything new, and not the time in between', async () => {
      const progressMs = 30 * minute
      const round = async (at: ReturnType<typeof watched>) => {
        await at.run(call => ask(call))
        await at.clock.advance(10 * minute)
      }
      const made = (past?: any) => {
        const at = watched({ progressMs, spinningAfter: 2, polling: ['wait'], ...(past && { past }) })
        for (const _ of times(4, n => n)) at.mock.reply({ toolUse: { id: 'x', name: 'wait', input: {} } })
        return at
      }
      const first = made()
      for (const _ of times(3, n => n)) await round(first)
      expect(first.signals()).toEqual([])
      const second = made(first.sidecar.snapshot().layers.withHealth)
      await second.run(call => ask(call))
      expect(second.signals()).toEqual([])
      await second.clock.advance(10 * minute)
      await second.run(call => ask(call))
      expect(second.signals()).toEqual(['no-progress'])
    })

    it('takes answers for questions from outside, when more than a minute lies in between', async () => {
      const say = (at: ReturnType<typeof watched>) => {
        at.mock.reply('the same')
        return at.run(call => ask(call))
      }
      let at = watched({ spinningAfter: 2 })
      await say(at)
      const past = at.sidecar.snapshot().layers.withHealth as any
      at = watched({ spinningAfter: 2, past })
      await say(at)
      expect(at.signals()).toEqual(['repeated-answers'])
      at = watched({ spinningAfter: 2, past: { kept: { ...past.kept, at: past.kept.at - 2 * minute } } })
      await say(at)
      expect(at.signals()).toEqual([])
    })

    it('refuses what no snapshot says, and takes nothing from one that was never mounted', () => {
      const { kept } = watched().sidecar.snapshot().layers.withHealth
      const bad = [
        null,
        5,
        {},
        { kept: {} },
        { kept: { ...kept, errors: -1 } },
        { kept: { ...kept, at: 'now' } },
        { kept: { ...kept, none: {} } },
      ]
      const worse = [
        { kept: { ...kept, calls: { ...kept.calls, ids: [1] } } },
        { kept: { ...kept, calls: { ...kept.calls, polled: [['a']] } } },
      ]
      for (const past of [...bad, ...worse, { kept: { ...kept, calls: { ...kept.calls, seen: { keys: [], turning: {} } } } }])
        expect(() => withHealth({ past: past as any })).toThrow('past must be what snapshot() said')
      expect(withHealth({ past: { kept: null } }).meta.expose!.health().status).toBe('healthy')
    })
  })

  it('asks no model, and does not depend on one: health is answered while the upstream hangs', async () => {
    const { run, mock, health, sidecar } = watched()
    mock.hang()
    void run(call => ask(call))
    await turns()
    for (const _ of times(10, n => n)) expect(health().status).toBe('healthy')
    expect(mock.requests).toHaveLength(1)
    sidecar.reap('over')
  })

  describe('options', () => {
    it.each([
      [{ spinningAfter: 1 }, RangeError, 'spinningAfter must be a whole number from 2 to 1,000, got 1'],
      [{ spinningAfter: 2.5 }, RangeError, 'got 2.5'],
      [{ spinningAfter: '4' }, TypeError, 'spinningAfter must be a number, got string'],
      [{ maxConsecutiveErrors: 0 }, RangeError, 'maxConsecutiveErrors must be a whole number from 1'],
      [{ phases: { idleMs: 0 } }, RangeError, 'idleMs must be milliseconds above 0, got 0'],
      [{ phases: { firstByteMs: Number.NaN } }, RangeError, 'got NaN'],
      [{ phases: { toolMs: '1' } }, TypeError, 'toolMs must be milliseconds, got string'],
      [{ phases: { connectMs: 1 } }, TypeError, 'unknown phase "connectMs"; known are firstByteMs, idleMs, toolMs'],
      [{ phases: null }, TypeError, 'phases must be an object'],
      [{ polling: 'job_status' }, TypeError, 'polling must be a list of tool names'],
      [{ polling: [''] }, TypeError, 'polling must be a list of tool names'],
      [{ progressMs: -1 }, RangeError, 'progressMs must be milliseconds above 0, got -1'],
      [{ holdMs: 0 }, RangeError, 'holdMs must be milliseconds above 0, got 0'],
      [{ spinning: 4 }, TypeError, 'unknown option "spinning"; known are spinningAfter'],
    ] as const)('%j is refused with the value and the fix', (options, type, text) => {
      const make = () => withHealth(options as never)
      expect(make).toThrow(type)
      expect(make).toThrow(text)
    })

    it('takes Infinity for never', () => {
      expect(() => withHealth({ phases: { firstByteMs: Number.POSITIVE_INFINITY } })).not.toThrow()
    })
  })

  describe('spinning', () => {
    const same = { path: 'a.txt' }

    it('is found at the fourth call of the same tool with the same arguments and the same result, and not before', async () => {
      const { run, health, told } = watched()
      await run(
        calling(
          'read',
          times(3, () => same),
          () => 'text',
        ),
      )
      expect(health().status).toBe('healthy')
      await run(calling('read', [same], () => 'text'))
      expect(health()).toEqual({
        status: 'spinning',
        reasons: [expect.stringMatching(/^repeated-calls: the same tool call came 4 times/), expect.stringMatching(/^unmetered: /)],
      })
      expect(told).toEqual(['healthy > spinning'])
    })

    it('takes the number from spinningAfter', async () => {
      const { run, health } = watched({ spinningAfter: 2 })
      await run(
        calling(
          'read',
          times(2, () => same),
          () => 'text',
        ),
      )
      expect(health().status).toBe('spinning')
    })

    it('ends with the first call that is new', async () => {
      const { run, health, told } = watched()
      await run(calling('read', [...times(4, () => same), { path: 'b.txt' }], () => 'text'))
      expect(health().status).toBe('healthy')
      expect(told).toEqual(['healthy > spinning', 'spinning > healthy'])
    })

    it.each([2, 3, 4, 5, 6, 7, 8])('is found in a cycle of %i calls, at the fourth time round', async period => {
      const { run, health } = watched()
      const cycle = times(period, n => ({ path: `${n}.txt` }))
      await run(
        calling(
          'read',
          times(4 * period - 1, at => cycle[at % period]),
          ({ path }) => path,
        ),
      )
      expect(health().status).toBe('healthy')
      await run(calling('read', [cycle[period - 1]], ({ path }) => path))
      expect(health().status).toBe('spinning')
      expect(health().reasons[0]).toMatch(`repeated-calls: ${period} tool calls, over and over, came 4 times`)
    })

    it('is found where the calls of a cycle run side by side and end in any order', async () => {
      const { run, health, clock } = watched()
      await Promise.all([
        run(async call => {
          for (const round of times(4, n => n)) {
            const slow = (ms: number) => new Promise<string>(resolve => clock.after(ms, () => resolve('same')))
            const reading = times(3, n => call.tool(tool(`read${n}`, () => slow(((n + round) % 3) + 1))).run(same))
            await Promise.all(reading)
          }
        }),
        clock.advance(1000),
      ])
      expect(health().status).toBe('spinning')
    })

    it.each<[string, (at: number, now: number) => unknown]>([
      ['a nonce', at => ({ ...same, nonce: `n${at}`, request_id: at, traceId: `t${at}`, 'idempotency-key': `k${at}` })],
      [
        'the time of the call',
        (at, now) => ({ ...same, at: new Date(now + at).toISOString(), since: now + at, seconds: Math.floor(now / 1000) + at }),
      ],
      ['white space', at => ({ path: ` a.txt${' '.repeat(at)}`, command: `ls ${'\n'.repeat(at)} -l` })],
      ['the order of fields', at => (at % 2 ? { a: 1, b: { c: 2, d: [3] } } : { b: { d: [3], c: 2 }, a: 1 })],
      ['JSON and text of it', at => (at % 2 ? { filter: { a: 1, b: 2 } } : { filter: `{ "b": 2,${' '.repeat(at)} "a": 1 }` })],
      ['nothing, being empty', () => ({})],
    ])('is found where arguments differ only in %s', async (_what, input) => {
      const { run, health, clock } = watched()
      await run(
        calling(
          'look',
          times(4, at => input(at, clock.now())),
          () => ({ found: 0 }),
        ),
      )
      expect(health().status).toBe('spinning')
    })

    it('is found where a tool fails with arguments that are broken JSON, in another place each time', async () => {
      const { run, health } = watched({ maxConsecutiveErrors: 100 })
      const inputs = ['{"path": "a', '{"path"', '{"path": "ab", ', '{']
      await run(calling('read', inputs, input => JSON.parse(input)))
      expect(health().status).toBe('spinning')
    })

    it('is found where a tool is refused by a rule every time', async () => {
      const refuse = defineMiddleware({ name: 'refuse', on: ['tool'] }, async () => {
        const { ViolationError } = await import('outrigger')
        throw new ViolationError({ ruleId: 'no-shell' })
      })
      const { run, health } = watched({}, { inside: [refuse] })
      await run(
        calling(
          'Bash',
          times(4, () => ({ command: 'rm -rf /' })),
          () => '',
        ),
      )
      expect(health().reasons).toEqual([expect.stringMatching(/^repeated-calls/), expect.stringMatching(/^unmetered/)])
    })

    it('goes on over the sends of a sidecar', async () => {
      const { run, health } = watched()
      for (const _ of times(4, n => n)) await run(calling('read', [same], () => 'text'))
      expect(health().status).toBe('spinning')
    })

    it.each<[string, readonly unknown[], (input: any, at: number) => unknown]>([
      ['a batch of 50 edits that all answer ok', times(50, n => ({ file_path: `src/${n}.ts`, old: 'a', new: 'b' })), () => 'ok'],
      ['100 pages', times(100, n => ({ page: n })), ({ page }) => ({ rows: [page] })],
      ['100 pages by a cursor', times(100, n => ({ cursor: n === 0 ? null : `c${n}` })), () => []],
      [
        '50 deletions by UUID',
        times(50, n => ({ id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` })),
        () => ({ deleted: true }),
      ],
      ['a job asked 200 times whose answer changes', times(200, () => ({ job: 7 })), (_input, at) => ({ done: at })],
      [
        'windows of a log, by past times',
        times(50, n => ({ from: Date.UTC(2025, 0, 1, 0, n), to: new Date(Date.UTC(2025, 0, 1, 0, n + 1)).toISOString() })),
        () => [],
      ],
      ['indentation in results', times(8, () => ({ path: 'a' })), (_input, at) => ' '.repeat(at)],
      ['texts that begin like JSON', times(8, n => ({ path: 'a.md', content: `[link ${n}](b.md)` })), () => 'ok'],
      ['responses that nobody has read', times(8, () => ({ url: 'https://example.com/' })), () => new Response('text')],
    ])('is not %s', async (_what, inputs, run) => {
      const { run: send, health, told } = watched()
      await send(calling('work', inputs, run))
      expect(health().status).toBe('healthy')
      expect(told).toEqual([])
    })

    it('is not the same call between edits: the tests fail in the same way until they do not', async () => {
      const { run, health, told } = watched()
      await run(async call => {
        const edit = call.tool(tool('edit', () => 'ok'))
        const check = call.tool(tool('test', () => '3 failed'))
        for (const at of times(40, n => n)) {
          await edit.run({ text: `version ${at}` })
          await check.run({})
        }
      })
      expect(health().status).toBe('healthy')
      expect(told).toEqual([])
    })

    it('is not the same call that fails in another way each time, or that comes after something without a text', async () => {
      const { run, told } = watched({ maxConsecutiveErrors: 100 })
      const ways = ['no such table', 'no such column', 'a syntax error', 'no rows', 'a lost connection', 'no rights']
      await run(
        calling(
          'query',
          times(6, () => same),
          (_input, at) => Promise.reject(new Error(ways[at])),
        ),
      )
      await run(
        calling(
          'look',
          times(8, () => same),
          (_input, at) => (at % 3 === 2 ? new Response('') : 'text'),
        ),
      )
      expect(told).toEqual([])
    })

    it('is not 16 calls side by side, equal ones among them', async () => {
      const { run, health } = watched()
      await run(async call => {
        const roll = call.tool(tool('roll', async () => turns(1).then(() => 'six')))
        await Promise.all(times(16, n => roll.run(n < 8 ? {} : { n })))
      })
      expect(health().status).toBe('healthy')
    })

    it('is not a tool that polls by declaration, however often it answers the same', async () => {
      const { run, health } = watched({ polling: ['job_status'] })
      await run(
        calling(
          'job_status',
          times(200, () => ({ job: 7 })),
          () => 'running',
        ),
      )
      expect(health().status).toBe('healthy')
    })
  })

  describe('spinning in words', () => {
    it('is found where the same question gets the same answer, with an independent signal', async () => {
      const { run, mock, signals, health } = watched()
      for (const n of times(4, n => n)) mock.reply({ text: "I'll continue.", thinking: `thought ${n}` })
      for (const n of times(4, n => n)) {
        if (n === 3) expect(health().status).toBe('healthy')
        await run(call => ask(call, 'continue', n % 2 === 1))
      }
      expect(health().status).toBe('spinning')
      expect(signals()).toEqual(['repeated-answers'])
    })

    it('is found in the conversation of an agent, by its calls and by its answers', async () => {
      const mock = mockModel({ otherwise: () => ({ text: 'Let me look.', toolUse: { name: 'look', input: { at: 'x' } } }) })
      const look = { ...tool('look', () => 'nothing there'), description: 'looks', input_schema: { type: 'object' as const } }
      const agent = claudeAgent({ model, tools: [look], maxTurns: 8 })
      const sidecar = createSidecar({ agent, use: [withHealth()], claude: { upstream: mock.upstream } })
      await expect(sidecar.send('find it')).rejects.toThrow('8 requests')
      expect(sidecar.health()).toEqual({
        status: 'spinning',
        reasons: [expect.stringMatching(/^repeated-calls/), expect.stringMatching(/^repeated-answers/)],
      })
    })

    it('is found where only the conversation shows the tools', async () => {
      const { run, mock, signals } = watched()
      const history: any[] = [{ role: 'user', content: 'find it' }]
      for (const at of times(5, n => n)) {
        mock.reply({ text: `Try ${at}.`, toolUse: { id: `toolu_${at}`, name: 'look', input: { at: 'x' } } })
        const answer: any = await new Promise(resolve =>
          run(async call => resolve(await call.claude.messages.create({ model, max_tokens: 64, messages: [...history] }))),
        )
        history.push({ role: 'assistant', content: answer.content })
        history.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: `toolu_${at}`, content: 'nothing' }] })
      }
      expect(signals()).toEqual(['repeated-calls'])
    })

    it('is not a conversation that goes on in several ways from one call', async () => {
      const { run, mock, told } = watched()
      const use = { type: 'tool_use' as const, id: 'toolu_1', name: 'look', input: { at: 'x' } }
      const result = { type: 'tool_result' as const, tool_use_id: 'toolu_1', content: 'nothing' }
      for (const at of times(8, n => n)) {
        mock.reply(`answer ${at}`)
        const messages = [
          { role: 'user' as const, content: 'find it' },
          { role: 'assistant' as const, content: [use] },
          { role: 'user' as const, content: [result, { type: 'text' as const, text: `try way ${at}` }] },
        ]
        await run(call => call.claude.messages.create({ model, max_tokens: 64, messages }))
      }
      expect(told).toEqual([])
    })

    it('is found where a tool that runs at the server is asked the same', async () => {
      const { run, mock, signals } = watched()
      for (const at of times(4, n => n)) {
        const content = [
          { type: 'text', text: `Search ${at}.` },
          { type: 'server_tool_use', id: `srvtoolu_${at}`, name: 'web_search', input: { query: 'x' } },
          { type: 'web_search_tool_result', tool_use_id: `srvtoolu_${at}`, content: [{ url: 'u', encrypted_content: `e${at}` }] },
        ]
        mock.reply({ content })
        await run(call => ask(call, `again ${at}`))
      }
      expect(signals()).toEqual(['repeated-calls'])
    })

    it.each<[string, (at: number) => { system?: string; content: string }, (at: number) => string]>([
      ['many questions with the same answer', at => ({ content: `Is ${at} even?` }), () => 'yes'],
      ['one question about many documents', at => ({ system: `Document ${at}`, content: 'Is it a letter?' }), () => 'yes'],
      ['one question with many answers', () => ({ content: 'Write a haiku.' }), at => `haiku ${at}`],
    ])('is not %s', async (_what, question, answer) => {
      const { run, mock, told } = watched()
      for (const at of times(30, n => n)) {
        mock.reply(answer(at))
        const { system, content } = question(at)
        const request = { model, max_tokens: 64, messages: [{ role: 'user' as const, content }], ...(system ? { system } : {}) }
        await run(call => call.claude.messages.create(request))
      }
      expect(told).toEqual([])
    })

    it('is not one question side by side, as for a vote', async () => {
      const { run, mock, told } = watched()
      times(8, () => mock.reply('yes'))
      await run(call => Promise.all(times(8, () => ask(call, 'Is it?'))))
      expect(told).toEqual([])
    })

    it('is not a question that comes again after the agent has rested', async () => {
      const { run, mock, told, clock } = watched()
      for (const _ of times(20, n => n)) {
        mock.reply('nothing new')
        await run(call => ask(call, 'anything new?'))
        await clock.advance(5 * minute)
      }
      expect(told).toEqual([])
    })

    it('is not equal words while the tools bring something new', async () => {
      const { run, mock, told } = watched()
      await run(async call => {
        const work = call.tool(tool('work', ({ n }) => n))
        for (const n of times(10, n => n)) {
          mock.reply('go on')
          await ask(call, 'what next?')
          await work.run({ n })
        }
      })
      expect(told).toEqual([])
    })

    it('is not a conversation that polls by declaration, in equal words', async () => {
      const mock = mockModel({ otherwise: () => ({ text: 'Not yet.', toolUse: { name: 'job_status', input: {} } }) })
      const status = { ...tool('job_status', () => 'running'), input_schema: { type: 'object' as const } }
      const agent = claudeAgent({ model, tools: [status], maxTurns: 12 })
      const sidecar = createSidecar({ agent, use: [withHealth({ polling: ['job_status'] })], claude: { upstream: mock.upstream } })
      await expect(sidecar.send('wait for it')).rejects.toThrow('12 requests')
      expect(sidecar.health().status).toBe('healthy')
    })

    it('is not lists, tables and code with equal lines within one answer', async () => {
      const { run, mock, told } = watched()
      mock.reply('| a | b |\n'.repeat(500))
      await run(call => ask(call, 'a table', true))
      expect(told).toEqual([])
    })

    it('is found in an agent with a client of its own that is told the same and replies the same', async () => {
      const { run, health } = watched({}, { opaque: true })
      for (const _ of times(4, n => n)) await run(async () => 'the same')
      expect(health()).toEqual({ status: 'spinning', reasons: [expect.stringMatching(/^repeated-answers/)] })
    })
  })

  describe('stalled', () => {
    it('is a model that sends nothing for the first-byte deadline, streamed or not; it is told when nobody asks', async () => {
      for (const stream of [false, true]) {
        const { run, mock, clock, told, health, sidecar } = watched()
        mock.hang()
        void run(call => ask(call, 'hello', stream))
        await clock.advance(10 * minute - 1)
        expect([health().status, told]).toEqual(['healthy', []])
        await clock.advance(1)
        expect(told).toEqual(['healthy > stalled'])
        expect(health()).toEqual({
          status: 'stalled',
          reasons: [`silent-model: ${model} has shown nothing for the first byte deadline of 600000 ms`],
        })
        sidecar.reap('enough')
        expect(told.at(-1)).toBe('stalled > reaped')
        await turns()
        expect(clock.pending).toBe(0)
      }
    })

    it('is a stream in which only pings come, at the idle deadline', async () => {
      const { run, mock, clock, told, sidecar } = watched()
      void run(call => ask(call, 'hello', true))
      const pending = await mock.next()
      for (const _ of times(30, n => n)) {
        pending.event({ type: 'ping' })
        await clock.advance(10_000)
      }
      expect(told).toEqual(['healthy > stalled'])
      sidecar.reap('enough')
    })

    it('is a stream that stops in the middle, and is over when it goes on', async () => {
      const { run, mock, clock, told, sidecar } = watched()
      void run(call => ask(call, 'hello', true))
      const pending = await mock.next()
      pending.event({ type: 'message_start', message: message() })
      pending.event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
      await clock.advance(5 * minute)
      expect(told).toEqual(['healthy > stalled'])
      pending.event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'more' } })
      await turns()
      expect(told).toEqual(['healthy > stalled', 'stalled > healthy'])
      await clock.advance(5 * minute)
      expect(told.at(-1)).toBe('healthy > stalled')
      sidecar.reap('enough')
    })

    it('is not 30 minutes of thinking', async () => {
      const { run, mock, clock, told } = watched()
      mock.reply({ thinking: 'a thought '.repeat(40), text: 'done', betweenMs: minute, chunkChars: 10 })
      const ended = run(call => ask(call, 'think', true))
      await clock.run()
      await ended
      expect(clock.monotonic()).toBeGreaterThan(30 * minute)
      expect(told).toEqual([])
    })

    it('is not a whole answer of 39 minutes with a deadline of 40', async () => {
      const { run, mock, clock, told } = watched({ phases: { firstByteMs: 40 * minute } })
      mock.reply({ text: 'done', delayMs: 39 * minute })
      const ended = run(call => ask(call))
      await clock.advance(39 * minute)
      await ended
      expect(told).toEqual([])
    })

    it('begins anew with each attempt, and does not count back-off', async () => {
      const { run, mock, clock, told } = watched({}, { inside: [withRetry({ attempts: 3, baseDelayMs: 0, random: () => 0 })] })
      mock.fail({ status: 529, headers: { 'retry-after': '1200' } }).fail({ status: 529, headers: { 'retry-after': '1200' } })
      mock.reply({ text: 'done', delayMs: 9 * minute })
      const ended = run(call => ask(call))
      await clock.advance(50 * minute)
      await ended
      expect(told).toEqual([])
    })

    it('gives each attempt the whole deadline', async () => {
      const { run, mock, clock, told } = watched({}, { inside: [withRetry({ attempts: 2, baseDelayMs: 0, random: () => 0 })] })
      const ended = run(call => ask(call))
      const pending = await mock.next()
      await clock.advance(9 * minute)
      pending.fail({ status: 529 })
      mock.reply({ text: 'done', delayMs: 9 * minute })
      await clock.advance(10 * minute)
      await ended
      expect(told).toEqual([])
    })

    it('is not a stream that its reader holds up', async () => {
      const { run, mock, clock, told, sidecar } = watched()
      mock.reply({ text: 'word '.repeat(4000), chunkChars: 5 })
      const ended = run(async call => {
        const stream = call.claude.messages.stream({ model, max_tokens: 64, messages: [{ role: 'user', content: 'hello' }] })
        for await (const event of stream)
          if (event.type === 'content_block_start') await new Promise<void>(resolve => clock.after(4 * minute, resolve))
        await new Promise<void>(resolve => clock.after(4 * minute, resolve))
      })
      await clock.advance(8 * minute)
      await ended
      expect(told).toEqual([])
      await sidecar.close()
    })

    it('is not an agent that streams, while its reader takes its time; with nobody to wait for but the agent, it is', async () => {
      const clock = new VirtualClock()
      const agent = {
        name: 'teller',
        async *stream(): AsyncGenerator<number, string> {
          for (let n = 0; n < 40; n++) yield n
          return await new Promise<string>(() => {})
        },
      }
      const claude = { upstream: mockModel().upstream, idleMs: 600 * minute }
      const sidecar = createSidecar({ agent, use: [withHealth()], claude, clock })
      const told: string[] = []
      sidecar.subscribe(event => event.type === 'health' && told.push(event.to))
      const events = sidecar.stream('go')[Symbol.asyncIterator]()
      await events.next()
      await clock.advance(30 * minute)
      expect([sidecar.health().status, told]).toEqual(['healthy', []])
      for (let n = 1; n < 40; n++) await events.next()
      await clock.advance(9 * minute)
      expect(told).toEqual([])
      await clock.advance(minute)
      expect(told).toEqual(['stalled'])
      sidecar.reap('enough')
    })

    it('is not a tool: it may wait for a person. With toolMs it is', async () => {
      for (const [toolMs, expected] of [
        [undefined, []],
        [60 * minute, ['healthy > stalled']],
      ] as const) {
        const { run, clock, told, sidecar } = watched({ phases: { toolMs } })
        void run(async call => call.tool(tool('ask_user', () => new Promise(() => {}))).run({}))
        await clock.advance(24 * 60 * minute)
        expect(told).toEqual(expected)
        sidecar.reap('enough')
      }
    })

    it('is not an action that is held for a person, or by a limiter, however long', async () => {
      for (const category of ['stopped', 'throttle'] as const) {
        const clock = new VirtualClock()
        const hold = defineMiddleware({ name: 'hold', on: ['send'] }, async (ctx, next) => {
          await ctx.during(category, () => new Promise<void>(resolve => clock.after(180 * minute, resolve)))
          await next()
        })
        const mock = mockModel({ otherwise: () => 'done' })
        const agent = { name: 'held', send: (_: string, call: Call) => ask(call) }
        const sidecar = createSidecar({ agent, use: [withHealth(), hold], claude: { upstream: mock.upstream }, clock })
        const told: string[] = []
        sidecar.subscribe(event => event.type === 'health' && told.push(event.to))
        const ended = sidecar.send('go')
        await clock.advance(180 * minute)
        await ended
        expect(told).toEqual([])
      }
    })

    it('is an agent that waits for nothing that is running', async () => {
      const { run, mock, clock, told, health, sidecar } = watched()
      mock.reply('done')
      void run(async call => {
        await ask(call)
        await new Promise(() => {})
      })
      await clock.advance(10 * minute - 1)
      expect(told).toEqual([])
      await clock.advance(1)
      expect(told).toEqual(['healthy > stalled'])
      expect(health().reasons).toEqual(['silent-agent: the agent has shown nothing for the first byte deadline of 600000 ms'])
      sidecar.reap('enough')
    })

    it('is not an agent whose own stream goes on', async () => {
      const clock = new VirtualClock()
      const agent = {
        name: 'streamer',
        async *stream(_: string) {
          for (const at of times(10, n => n)) {
            await new Promise<void>(resolve => clock.after(9 * minute, resolve))
            yield at
          }
          return 'done'
        },
      }
      const sidecar = createSidecar({ agent, use: [withHealth()], clock })
      const told: string[] = []
      sidecar.subscribe(event => event.type === 'health' && told.push(event.to))
      const ended = sidecar.stream('go').reply
      await clock.advance(91 * minute)
      expect(await ended).toBe('done')
      expect(told).toEqual([])
    })

    it('is not a parent whose child works; and it is one when the child does no more', async () => {
      const clock = new VirtualClock()
      const mock = mockModel({ clock })
      mock.reply({ text: 'word '.repeat(100), chunkChars: 20, betweenMs: minute })
      const child = { name: 'child', send: (_: string, call: Call) => ask(call, 'hello', true) }
      const parent = {
        name: 'parent',
        async send(_: string, call: Call) {
          const sidecar = await call.spawn({ agent: child, use: [withHealth()] })
          await sidecar.send('work')
          await new Promise(() => {})
        },
      }
      const sidecar = createSidecar({ agent: parent, use: [withHealth()], claude: { upstream: mock.upstream }, clock })
      const told: string[] = []
      sidecar.subscribe(event => event.type === 'health' && told.push(event.to))
      void sidecar.send('go').catch(() => {})
      await clock.advance(25 * minute)
      expect(told).toEqual([])
      await clock.advance(30 * minute)
      expect(told).toEqual(['stalled'])
      sidecar.reap('enough')
    })

    it('leaves no timer behind', async () => {
      const { run, mock, clock } = watched()
      mock.reply('done')
      await run(call => ask(call))
      expect(clock.pending).toBe(0)
    })
  })

  describe('errorSpiral', () => {
    const failing = () => {
      const it = watched({}, { inside: [withRetry({ attempts: 2, baseDelayMs: 0, random: () => 0 })] })
      const fail = async () => {
        it.mock.fail({ status: 400 })
        await it.run(call => ask(call)).catch(() => {})
      }
      return { ...it, fail }
    }

    it('is three failed actions, one after the other; the failure of a send is that of the call inside', async () => {
      const { fail, health, told } = failing()
      await fail()
      await fail()
      expect(health().status).toBe('healthy')
      await fail()
      expect(health()).toEqual({ status: 'errorSpiral', reasons: ['errors-in-a-row: 3 actions failed, one after the other'] })
      expect(told).toEqual(['healthy > errorSpiral'])
    })

    it('ends with a success', async () => {
      const { fail, run, mock, health } = failing()
      for (const _ of times(3, n => n)) await fail()
      mock.reply('good')
      await run(call => ask(call))
      expect(health().status).toBe('healthy')
    })

    it('does not begin, nor flap, where good and bad take turns', async () => {
      const { fail, run, mock, told } = failing()
      for (const at of times(10, n => n)) {
        await fail()
        await fail()
        mock.reply(`good ${at}`)
        await run(call => ask(call, `question ${at}`))
      }
      expect(told).toEqual([])
    })

    it('counts an action once, however often it is repeated', async () => {
      const { run, mock, clock, health } = failing()
      times(4, () => mock.fail({ status: 529 }))
      for (const _ of times(2, n => n)) {
        const ended = run(call => ask(call)).catch(() => {})
        await clock.run()
        await ended
      }
      expect(mock.requests).toHaveLength(4)
      expect(health().status).toBe('healthy')
    })

    it('counts failures side by side as one', async () => {
      const { run, mock, health } = failing()
      times(16, () => mock.fail({ status: 400 }))
      await run(call => Promise.allSettled(times(16, () => ask(call))))
      expect(health().status).toBe('healthy')
    })

    it('is not reset by a send that hides what failed inside it', async () => {
      const { run, mock, health } = failing()
      times(3, () => mock.fail({ status: 400 }))
      for (const _ of times(3, n => n)) await run(call => ask(call).catch(() => 'sorry'))
      expect(health().status).toBe('errorSpiral')
    })

    it("does not count the caller's aborts, refusals by rules, or the gate", async () => {
      const { run, mock, sidecar, told } = failing()
      for (const _ of times(5, n => n)) {
        mock.hang()
        const caller = new AbortController()
        const ended = run(call => ask(call), 'go', caller.signal).catch(() => {})
        await turns()
        caller.abort(new Error('changed my mind'))
        await ended
      }
      expect(told).toEqual([])
      await sidecar.close()
    })
  })

  describe('malfunction', () => {
    it('is an answer that is cut, or none, and is over after two good ones: one would make it flap', async () => {
      const { run, mock, health, told } = watched()
      for (const at of times(5, n => n)) {
        mock.cut({ after: 4 })
        await run(call => ask(call, `question ${at}`, true)).catch(() => {})
        mock.reply(`good ${at}`)
        await run(call => ask(call, `question ${at}`))
      }
      expect(told).toEqual(['healthy > malfunction'])
      expect(health().reasons).toEqual([`wrong-answer: ${model} gave an answer that is none, or not whole`])
      mock.reply('good')
      await run(call => ask(call, 'last'))
      expect(health().status).toBe('healthy')
    })

    it('is no answer in its time', async () => {
      const { run, mock, health, clock } = watched({}, { inside: [withRetry({ attempts: 1, deadlineMs: 1000 })] })
      mock.hang()
      const ended = run(call => ask(call)).catch(() => {})
      await clock.advance(1000)
      await ended
      expect(health()).toEqual({ status: 'malfunction', reasons: [`no-answer: ${model} gave no answer in its time`] })
    })
  })

  describe('budgetExceeded', () => {
    it('is a reservation that was refused', async () => {
      const { run, mock, health, told } = watched({}, { inside: [withBudget({ usd: '0.01', prices: fixed })] })
      const asking: Work = call =>
        call.claude.messages.create({ model: 'claude-fixed', max_tokens: 1000, messages: [{ role: 'user', content: 'hello' }] })
      await expect(run(asking)).rejects.toThrow('budget')
      expect(health()).toEqual({ status: 'budgetExceeded', reasons: ['budget-refused: a reservation was refused'] })
      expect(told).toEqual(['healthy > budgetExceeded'])
      expect(mock.requests).toHaveLength(0)
    })

    it('is also what a soft budget lets pass', async () => {
      const { run, mock, health, told } = watched({}, { inside: [withBudget({ usd: '0.01', prices: fixed, mode: 'soft' })] })
      for (const at of times(4, n => n)) {
        mock.reply(`answer ${at}`)
        const content = `question ${at}`
        await run(call => call.claude.messages.create({ model: 'claude-fixed', max_tokens: 1000, messages: [{ role: 'user', content }] }))
      }
      expect(health().status).toBe('budgetExceeded')
      expect(told).toEqual(['healthy > budgetExceeded'])
    })
  })

  describe('degraded', () => {
    it('is a layer that failed open', async () => {
      const broken = defineMiddleware({ name: 'broken', on: ['model'], fail: 'open' }, async () => {
        throw new Error('the text of the failure')
      })
      const { run, mock, health } = watched({}, { inside: [broken] })
      mock.reply('done')
      await run(call => ask(call))
      expect(health()).toEqual({ status: 'degraded', reasons: ['failed-open: broken: broken failed: Error'] })
    })

    it('is a hold that nothing runs for any more, and one whose outcome is lost', async () => {
      const clock = new VirtualClock()
      const ledger = createLedger({ clock })
      const mock = mockModel({ clock })
      const agent = { name: 'worker', send: (_: string, call: Call) => ask(call) }
      const use = [withHealth(), withBudget({ usd: 1, ledger })] as const
      const sidecar = createSidecar({ agent, use, claude: { upstream: mock.upstream }, clock, id: 'worker' })
      const account = ledger.account({ id: 'worker', nanoUsd: 1_000_000_000, tokens: 'unlimited' })
      await account.reserve({ id: 'left behind', nanoUsd: 5, tokens: 5 })
      await clock.advance(15 * minute)
      expect(sidecar.health().status).toBe('healthy')
      await clock.advance(1)
      expect(sidecar.health()).toEqual({
        status: 'degraded',
        reasons: ['old-hold: the oldest hold has been open for 15 minutes, and nothing runs for it'],
      })
      await account.unknown({ id: 'left behind' })
      expect(sidecar.health().reasons).toEqual([
        'old-hold: the oldest hold has been open for 15 minutes, and nothing runs for it',
        'unknown-hold: 1 holds count in full until reconcile() decides them',
      ])
      await ledger.reconcile({ id: 'left behind', as: 'release', reason: 'a test' } as never)
      expect(sidecar.health().status).toBe('healthy')
    })

    it('is not a hold that has ended since the books were read', async () => {
      const { run, mock, clock, told, health } = watched({}, { inside: [withBudget({ usd: 1 })] })
      mock.reply({ text: 'done', delayMs: 9 * minute })
      const ended = run(call => ask(call))
      await clock.advance(minute)
      health()
      await clock.advance(8 * minute)
      await ended
      await clock.advance(10 * minute)
      void run(() => new Promise(() => {}))
      expect(told).toEqual([])
    })

    it('is not the hold of a call that runs', async () => {
      const { run, mock, clock, told, health } = watched({}, { inside: [withBudget({ usd: 1 })] })
      mock.reply({ text: 'word '.repeat(100), chunkChars: 20, betweenMs: minute })
      const ended = run(call => ask(call, 'hello', true))
      for (const _ of times(20, n => n)) {
        await clock.advance(minute)
        health()
      }
      await clock.run()
      await ended
      expect(told).toEqual([])
    })

    it('is spend on answers that are cut, and not on those that their caller breaks off', async () => {
      for (const [breaksOff, expected] of [
        [true, []],
        [false, ['no-progress']],
      ] as const) {
        const { run, mock, clock, signals, sidecar } = watched({ maxConsecutiveErrors: 100 })
        for (const _ of times(8, n => n)) {
          const caller = new AbortController()
          if (breaksOff) mock.hang({ after: 4 })
          else mock.cut({ after: 4 })
          const ended = run(call => ask(call, 'hello', true), 'go', caller.signal).catch(() => {})
          await turns()
          if (breaksOff) caller.abort()
          await ended
          await clock.advance(10 * minute)
        }
        expect(signals().filter(signal => signal === 'no-progress')).toEqual(expected)
        await sidecar.close()
      }
    })

    it('is spend that goes on while a poll shows nothing new', async () => {
      const { run, mock, clock, health } = watched({ polling: ['job_status'] })
      void run(async call => {
        const status = call.tool(tool('job_status', () => 'running'))
        for (const at of times(24 * 60, n => n)) {
          mock.reply({ text: `Still running, check ${at}.`, toolUse: { name: 'job_status', input: {} } })
          await ask(call, `wait ${at}`)
          await status.run({})
          await new Promise<void>(resolve => clock.after(minute, resolve))
        }
      })
      await clock.advance(59 * minute)
      expect(health().status).toBe('healthy')
      await clock.advance(3 * minute)
      expect(health()).toEqual({
        status: 'degraded',
        reasons: [expect.stringMatching(/^no-progress: \d+ calls were paid for in 6\d minutes, and nothing new came of them$/)],
      })
    })
  })

  describe('the gate', () => {
    it('is told: paused, then healthy, then reaped', async () => {
      const { sidecar, health, told } = watched()
      sidecar.pause('a look at it')
      expect(health()).toEqual({ status: 'paused', reasons: ['paused: a look at it'] })
      sidecar.resume()
      expect(health().status).toBe('healthy')
      sidecar.reap('enough')
      expect(told).toEqual(['healthy > paused', 'paused > healthy', 'healthy > reaped'])
      expect(health()).toEqual({ status: 'reaped', reasons: ['reaped: enough'] })
    })

    it('is failing, after a closed layer failed behind a paid effect', async () => {
      const broken = defineMiddleware({ name: 'broken', on: ['model'] }, async (_ctx, next) => {
        await next()
        throw new Error('after the fact')
      })
      const { run, mock, health } = watched({}, { inside: [broken] })
      mock.reply('done')
      await run(call => ask(call)).catch(() => {})
      expect(health()).toEqual({ status: 'failing', reasons: [expect.stringMatching(/^failing: broken failed after the action/)] })
    })

    it('goes by the gravest: all are told', async () => {
      const { run, sidecar, health, mock } = watched({ maxConsecutiveErrors: 1 })
      mock.cut({ after: 4 })
      await run(call => ask(call, 'hello', true)).catch(() => {})
      sidecar.pause('stop')
      expect(health().status).toBe('paused')
      expect(health().reasons.map(reason => reason.split(':')[0])).toEqual(['paused', 'wrong-answer', 'errors-in-a-row'])
    })
  })

  describe('unmetered', () => {
    it('is a send without any model action: a reason, and no status', async () => {
      const { run, mock, health } = watched()
      await run(async () => 'from elsewhere')
      mock.reply('done')
      await run(call => ask(call))
      expect(health()).toEqual({ status: 'healthy', reasons: ['unmetered: 1 of 2 sends asked no model through the chain'] })
    })

    it('is not an opaque agent', async () => {
      const { run, health } = watched({}, { opaque: true })
      await run(async () => 'from elsewhere')
      expect(health().reasons).toEqual([])
    })

    it('is not a send that a client of the chain asks for, outside its handles', async () => {
      const { run, mock, sidecar, health } = watched()
      mock.reply('done')
      await run(async () => ask({ claude: sidecar.io.claude } as Call))
      expect(health().reasons).toEqual([])
    })
  })

  it('says nothing of what was asked, answered, called or returned', async () => {
    const { run, mock, health, told, sidecar } = watched()
    const events: string[] = []
    sidecar.subscribe((event: SidecarEvent) => events.push(JSON.stringify(event)))
    for (const _ of times(4, n => n)) mock.reply('secret-answer')
    for (const _ of times(4, n => n)) await run(call => ask(call, 'secret-question'))
    await run(
      calling(
        'read',
        times(4, () => ({ path: 'secret-input' })),
        () => 'secret-result',
      ),
    )
    await run(
      calling(
        'fail',
        times(4, () => ({ path: 'secret-input' })),
        () => Promise.reject(new Error('secret-failure')),
      ),
    )
    expect(told.length).toBeGreaterThan(0)
    expect(JSON.stringify([health(), sidecar.snapshot().layers.withHealth]) + events.filter(text => text.includes('health'))).not.toContain(
      'secret',
    )
  })

  it('keeps little: 5,000 different calls and answers leave no more behind than a few', async () => {
    const { run, mock, health } = watched()
    for (const at of times(500, n => n)) {
      mock.reply(`answer ${at}`)
      await run(async call => {
        await ask(call, `question ${at}`)
        const work = call.tool(tool(`work ${at}`, ({ n }) => n))
        for (const n of times(10, n => n)) await work.run({ n })
      })
    }
    expect(health()).toEqual({ status: 'healthy', reasons: [] })
  })
})

function message(): any {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  }
}
