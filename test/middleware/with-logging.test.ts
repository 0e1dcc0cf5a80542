import * as fs from 'node:fs'
import { pino } from 'pino'
import { type Agent, createSidecar, defineMiddleware, type Host, type LayerInput, ViolationError } from 'outrigger'
import { type Logger, withBudget, withDeadline, withLogging, type WithLoggingOptions, withRetry } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { createHash } from 'node:crypto'
import { turns } from './stack.js'

type Line = { readonly level: number; readonly msg: string; readonly [fact: string]: any }

const request = { model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user' as const, content: 'CANARY-PROMPT' }] }
const usage = { input_tokens: 12, output_tokens: 3 }
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** pino at debug level, and what it wrote. */
function recorded() {
  const text: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void text.push(line) })
  const lines = (): readonly Line[] => text.map(line => JSON.parse(line) as Line)
  return { logger, text, lines, named: (msg: string) => lines().filter(line => line.msg === msg) }
}

const working: Agent<string, string> = {
  name: 'worker',
  send: async (message, { claude, tool }) => {
    await claude.messages.create(request)
    return tool({ name: 'lookup', run: async (input: { word: string }) => `CANARY-RESULT ${input.word.length}` }).run({
      word: message,
    }) as Promise<string>
  },
}

function mounted(options: WithLoggingOptions = {}, more: { agent?: Agent<string, unknown>; inside?: readonly LayerInput[] } = {}) {
  const log = recorded()
  const clock = new VirtualClock()
  const mock = mockModel({ clock })
  const sidecar = createSidecar({
    agent: more.agent ?? working,
    use: [withLogging({ logger: log.logger, ...options }), ...(more.inside ?? [])] as readonly LayerInput[],
    claude: { upstream: mock.upstream, apiKey: 'CANARY-KEY', headers: { 'x-own': 'CANARY-HEADER' } },
    clock,
  })
  return { ...log, clock, mock, sidecar }
}

/** A layer that hands out its host. */
function hosted() {
  let host: Host | undefined
  const attach = (given: Host) => {
    host = given
  }
  return { listening: defineMiddleware({ name: 'withHost', attach }, (_, next) => next()), host: () => host! }
}

describe('withLogging', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['null', null, /must be an object/],
    ['an unknown option', { lvl: 'info' }, /unknown option "lvl"/],
    ['a logger that is none', { logger: { info: () => {} } }, /info, warn and error/],
    ['null as a logger', { logger: null }, /info, warn and error/],
    ['an unknown level', { level: 'loud' }, /level must be one of trace, .*got "loud"/],
    ['content that cannot be had', { content: 'full' }, /'none' or 'digest', got "full"/],
  ]

  it.each(bad)('refuses %s at once', (_, options, message) => {
    const make = () => withLogging(options as WithLoggingOptions)
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(TypeError|RangeError)$/) }))
  })

  it('writes a line when an action begins and one when it ends, with the facts', async () => {
    const { sidecar, mock, clock, lines, named } = mounted({}, { inside: [withRetry({ random: () => 0 }), withBudget({ usd: 5 })] })
    mock.fail({ status: 529 }).reply({ text: 'CANARY-REPLY', usage, delayMs: 40 })
    const sent = sidecar.send('CANARY-MESSAGE')
    await clock.run()
    await sent
    const facts = { agent: 'worker', agentId: sidecar.id }
    const [send, model, tool] = named('action started') as [Line, Line, Line]
    expect(send).toMatchObject({ ...facts, level: 20, kind: 'send', action: expect.any(String) })
    expect(model).toMatchObject({ ...facts, level: 20, kind: 'model', model: 'claude-haiku-4-5', parent: send.action })
    expect(tool).toMatchObject({ ...facts, level: 20, kind: 'tool', tool: 'lookup', parent: send.action })
    expect(named('action ended')).toMatchObject([
      {
        ...facts,
        level: 30,
        action: model.action,
        parent: send.action,
        kind: 'model',
        model: 'claude-haiku-4-5',
        outcome: 'done',
        ms: 140,
        attempts: 2,
        usage: { input: 12, output: 3, certainty: 'measured' },
        nanoUsd: 12 * 1000 + 3 * 5000,
      },
      { ...facts, level: 30, action: tool.action, parent: send.action, kind: 'tool', tool: 'lookup', outcome: 'done', attempts: 1 },
      { ...facts, level: 30, action: send.action, kind: 'send', outcome: 'done', attempts: 1, ms: 140 },
    ])
    expect(named('attempt failed')).toMatchObject([
      {
        ...facts,
        level: 40,
        action: model.action,
        attempt: 1,
        outcome: 'error',
        error: { name: 'UpstreamError', code: 'ERR_UPSTREAM', message: 'the Messages API answered 529 overloaded_error' },
      },
    ])
    expect(lines().some(line => 'requestSha256' in line)).toBe(false)
  })

  it('holds nothing of prompts, replies, tools, keys, headers and errors, whatever happens', async () => {
    const failing: Agent<string, string> = {
      name: 'worker',
      send: async (message, io) => {
        if (message === 'CANARY-MESSAGE') return working.send!(message, io)
        const fail = {
          name: 'fails',
          run: (_input: object) =>
            Promise.reject(Object.assign(new Error('CANARY-TOOL-ERROR'), { name: 'CANARY name', code: 'CANARY code' })),
        }
        await io
          .tool(fail)
          .run({ word: 'CANARY-INPUT' })
          .catch(() => {})
        throw new Error(`CANARY-AGENT-ERROR ${message}`, { cause: new Error('CANARY-CAUSE') })
      },
    }
    const rule = defineMiddleware({ name: 'withRule', on: ['model'], commits: true }, async (ctx, next) => {
      if (ctx.attempts.length + ++calls > 2) throw new ViolationError({ ruleId: 'no-more', details: 'CANARY-DETAILS' })
      await next()
    })
    let calls = 0
    for (const content of ['none', 'digest'] as const) {
      calls = 0
      const { listening, host } = hosted()
      const { sidecar, mock, text, named } = mounted({ content }, { agent: failing, inside: [rule, listening] })
      mock.reply({ text: 'CANARY-REPLY', thinking: 'CANARY-THOUGHT', usage }).fail({ status: 400, message: 'CANARY-UPSTREAM' })
      for (const message of ['CANARY-MESSAGE', 'CANARY-MESSAGE', 'CANARY-MESSAGE', 'CANARY-OTHER'])
        await sidecar.send(message, { labels: { team: 'CANARY-LABEL' } }).catch(() => {})
      host().publish({
        type: 'violation',
        ruleId: 'r',
        severity: 'error',
        response: 'reap',
        kind: 'tool',
        details: 'CANARY-DETAILS',
        shadow: false,
      })
      host().publish({ type: 'decision', child: 'c', reason: 'CANARY-REASON' })
      host().degrade('withRule', new Error('CANARY-DEGRADED'))
      sidecar.pause('CANARY-REASON')
      await sidecar.send('CANARY-MESSAGE').catch(() => {})
      sidecar.reap('CANARY-REASON')
      expect(named('action ended').map(({ kind, outcome, error }) => `${kind} ${outcome} ${error?.name ?? ''}`)).toEqual([
        'model done ',
        'tool done ',
        'send done ',
        'model error UpstreamError',
        'send error BadRequestError',
        'model refused ViolationError',
        'send error ViolationError',
        'tool error Error',
        'send error Error',
        'send refused AgentPausedError',
      ])
      expect(named('action ended').find(({ outcome, kind }) => outcome === 'refused' && kind === 'model')!.error).toEqual({
        name: 'ViolationError',
        code: 'ERR_VIOLATION',
        ruleId: 'no-more',
      })
      expect(text.join('')).not.toMatch(/CANARY/)
    }
  })

  it('adds digests where it is asked to', async () => {
    const { sidecar, mock, named } = mounted({ content: 'digest' })
    mock.reply({ text: 'CANARY-REPLY', usage })
    const reply = await sidecar.send('CANARY-MESSAGE')
    const [model, tool, send] = named('action ended') as [Line, Line, Line]
    expect(model.requestSha256).toBe(sha256(mock.requests[0]!.bodyText))
    expect(model.wireSha256).toBe(model.requestSha256)
    expect(model.replySha256).toMatch(/^[0-9a-f]{64}$/)
    expect(tool).toMatchObject({ requestSha256: sha256(JSON.stringify({ word: 'CANARY-MESSAGE' })), replySha256: sha256(reply as string) })
    expect(send).toMatchObject({ requestSha256: sha256('CANARY-MESSAGE'), replySha256: sha256(reply as string) })
  })

  it('leaves out the digest of what is no plain data', async () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    for (const reply of [loop, new Map([['a', 1]]), undefined, () => 1, 10n]) {
      const { sidecar, named } = mounted({ content: 'digest' }, { agent: { name: 'odd', send: async () => reply } })
      await sidecar.send('x')
      expect(named('action ended')[0]).not.toHaveProperty('replySha256')
      expect(sidecar.snapshot().degraded).toEqual({})
    }
  })

  it('is louder for what did not end well', async () => {
    const agent: Agent<string, unknown> = {
      name: 'ends',
      send: (how, { signal }) => {
        if (how === 'fails') throw new TypeError('no')
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }
    const { sidecar, named, clock } = mounted({}, { agent, inside: [withDeadline({ totalMs: 100 })] })
    await sidecar.send('fails').catch(() => {})
    const late = sidecar.send('hangs').catch(() => {})
    await clock.advance(100)
    await late
    sidecar.pause('x')
    await sidecar.send('refused').catch(() => {})
    expect(named('action ended').map(({ level, outcome, error }) => [level, outcome, error.name, error.code ?? error.message])).toEqual([
      [50, 'error', 'TypeError', undefined],
      [40, 'aborted', 'DeadlineError', 'ERR_DEADLINE'],
      [40, 'refused', 'AgentPausedError', 'ERR_PAUSED'],
    ])
  })

  it('writes violations, budgets, degraded layers, children and health', async () => {
    const { listening, host } = hosted()
    const { lines, sidecar } = mounted({}, { inside: [listening] })
    const violation = { type: 'violation', ruleId: 'r', severity: 'error', kind: 'tool', details: 'd' } as const
    host().publish({ ...violation, response: 'deny', shadow: false, action: 'a-1' })
    host().publish({ ...violation, response: 'pause', shadow: false, child: 'child-1' })
    host().publish({ ...violation, response: 'reap', shadow: true })
    host().publish({ type: 'budget.threshold', threshold: 0.8, unit: 'tokens', allocated: 100, spent: 80 })
    host().publish({ type: 'budget.refused', unit: 'nanoUsd', needed: 5, remaining: 4 })
    host().degrade('withRule', new Error('bug'))
    host().publish({ type: 'health', from: 'healthy', to: 'spinning', reason: 'r' })
    host().publish({ type: 'health', from: 'spinning', to: 'healthy', reason: 'r' })
    host().publish({ type: 'state', from: 'working', to: 'done', reason: 'r' })
    host().publish({ type: 'child.started', child: 'child-1' })
    host().publish({ type: 'decision', child: 'child-1', reason: 'r' })
    expect(lines().map(({ level, msg }) => [level, msg])).toEqual([
      [40, 'violation'],
      [50, 'violation'],
      [30, 'violation'],
      [40, 'budget threshold passed'],
      [40, 'budget refused'],
      [50, 'layer degraded'],
      [40, 'health changed'],
      [30, 'health changed'],
      [20, 'state changed'],
      [30, 'child started'],
      [40, 'a decision is asked for'],
    ])
    expect(lines().slice(0, 6)).toMatchObject([
      { agentId: sidecar.id, action: 'a-1', ruleId: 'r', severity: 'error', response: 'deny', kind: 'tool', shadow: false },
      { child: 'child-1', response: 'pause' },
      { shadow: true },
      { threshold: 0.8, unit: 'tokens', allocated: 100, spent: 80 },
      { unit: 'nanoUsd', needed: 5, remaining: 4 },
      { layer: 'withRule' },
    ])
  })

  it('goes on after an event that makes no sense, and notes it', async () => {
    const { listening, host } = hosted()
    const { sidecar, named } = mounted({}, { agent: { name: 'idle', send: async () => 1 }, inside: [listening] })
    host().publish({ type: 'attempt.ended' } as never)
    await sidecar.send('x')
    expect(named('action ended')).toHaveLength(1)
    expect(sidecar.snapshot().degraded).toEqual({ withLogging: 'withLogging failed: TypeError' })
  })

  it('neutralises control characters in names', async () => {
    const name = 'bad\n{"level":50}\u001b[31m\u009b1m\u2028\u202e'
    const agent: Agent<string, unknown> = {
      name,
      send: (_, { tool }) =>
        tool({ name: `tool ${name} ${'x'.repeat(1000)}`, run: async (_input: object) => '' }).run({}) as Promise<unknown>,
    }
    const { sidecar, text, named } = mounted({}, { agent })
    await sidecar.send('x')
    expect(text.every(line => /^[^\p{Cc}\u2028\u202e]+\n$/u.test(line))).toBe(true)
    expect(named('action ended')[0]!.agent).toBe('bad\\u000a{"level":50}\\u001b[31m\\u009b1m\\u2028\\u202e')
    expect(named('action ended')[0]!.tool.length).toBeLessThan(300)
  })

  describe('the level', () => {
    it('of a given logger is its own, unless one is named', async () => {
      for (const [level, expected] of [
        [undefined, ['action started', 'action ended']],
        ['info', ['action ended']],
        ['error', []],
        ['silent', []],
      ] as const) {
        const { sidecar, lines } = mounted(level ? { level } : {}, { agent: { name: 'idle', send: async () => 1 } })
        await sidecar.send('x')
        expect(lines().flatMap(({ msg }) => (msg === 'state changed' ? [] : [msg]))).toEqual(expected)
      }
    })

    it('debug may be missing from a logger', async () => {
      const got: string[] = []
      const write = (_facts: object, message: string) => void got.push(message)
      const { sidecar } = mounted({ logger: { info: write, warn: write, error: write } }, { agent: { name: 'idle', send: async () => 1 } })
      await sidecar.send('x')
      expect(got).toEqual(['action ended'])
      expect(sidecar.snapshot().degraded).toEqual({})
    })
  })

  describe('a logger that fails', () => {
    const broken: Readonly<Record<string, () => Logger>> = {
      throws: () => {
        const fail = () => {
          throw new Error('disk full')
        }
        return { debug: fail, info: fail, warn: fail, error: fail }
      },
      rejects: () => {
        const fail = () => Promise.reject(new Error('disk full'))
        return { debug: fail, info: fail, warn: fail, error: fail }
      },
    }

    it.each(Object.keys(broken))('and %s hurts no action, and is noted once', async how => {
      const degraded: unknown[] = []
      const { sidecar, mock } = mounted({ logger: broken[how]!() })
      sidecar.subscribe(event => event.type === 'layer.degraded' && degraded.push(event.layer))
      mock.reply({ text: 'ok', usage }).reply({ text: 'ok', usage })
      expect(await sidecar.send('abc')).toBe('CANARY-RESULT 3')
      expect(await sidecar.send('abcd')).toBe('CANARY-RESULT 4')
      await turns()
      expect(degraded).toEqual(['withLogging'])
      expect(sidecar.snapshot().degraded).toEqual({ withLogging: 'withLogging failed: Error' })
    })

    it('is tried again: what it can write later is written', async () => {
      const got: string[] = []
      let full = true
      const write = (_facts: object, message: string) => {
        if (full) throw new Error('disk full')
        got.push(message)
      }
      const { sidecar } = mounted({ logger: { info: write, warn: write, error: write } }, { agent: { name: 'idle', send: async () => 1 } })
      await sidecar.send('x')
      full = false
      await sidecar.send('x')
      expect(got).toEqual(['action ended'])
    })
  })

  it('without a logger writes JSON to standard error, from pino, which it loads with the first line', async () => {
    const written: string[] = []
    const real = fs.writeSync
    const spy = jest.spyOn(jest.requireActual<typeof fs>('fs'), 'writeSync').mockImplementation(((
      fd: number,
      text: string,
      ...rest: []
    ) => {
      if (fd !== 2) return real(fd, text, ...rest)
      written.push(text)
      return Buffer.byteLength(text)
    }) as never)
    try {
      const sidecar = createSidecar({ agent: { name: 'idle', send: async () => 1 }, use: [withLogging()] })
      await sidecar.send('CANARY')
      await sidecar.send('CANARY')
      for (let i = 0; i < 100 && written.length < 2; i++) await turns(1)
    } finally {
      spy.mockRestore()
    }
    const lines = written.map(text => JSON.parse(text) as Line)
    expect(lines.map(({ level, msg, agent }) => [level, msg, agent])).toEqual([
      [30, 'action ended', 'idle'],
      [30, 'action ended', 'idle'],
    ])
  })
})
