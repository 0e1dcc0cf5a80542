import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { defaultPrices, priceOf } from '../../lib/claude/prices.js'
import { cutMarginTokens, settleCut } from '../../lib/claude/cut.js'
import { knownUsageFields, usageOf, zeroUsage } from '../../lib/claude/usage.js'
import { UsageMeter } from '../../lib/claude/usage-meter.js'
import { addUsage, noUsage } from '../../lib/core/usage.js'
import { bill } from '../support/billing.js'

const model = 'claude-opus-4-8'
const usage = (more: object = {}) => ({ input_tokens: 100, output_tokens: 20, ...more })

describe('usageOf', () => {
  it('reads every price class, from a message or a usage object', () => {
    const full = usage({
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
      service_tier: 'standard',
      speed: 'fast',
      inference_geo: 'us',
      output_tokens_details: { thinking_tokens: 5 },
      iterations: null,
    })
    const read = usageOf({ type: 'message', model, usage: full })
    expect(read).toEqual({
      model,
      tokens: { input: 100, output: 20, cacheRead: 7, cacheWrite5m: 10, cacheWrite1h: 20, certainty: 'measured' },
      serverTools: { webSearch: 2, webFetch: 1, codeExecution: 0, other: 0 },
      serviceTier: 'standard',
      speed: 'fast',
      inferenceGeo: 'us',
      iterations: [],
      flags: [],
    })
    expect(usageOf(full, model)).toEqual(read)
  })

  it('takes cache writes without a split for one-hour writes, the dearest', () => {
    expect(usageOf(usage({ cache_creation_input_tokens: 9 }), model).tokens).toMatchObject({
      cacheWrite5m: 0,
      cacheWrite1h: 9,
      certainty: 'measured',
    })
    expect(
      usageOf(
        usage({ cache_creation_input_tokens: 9, cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 0 } }),
        model,
      ).tokens,
    ).toMatchObject({ cacheWrite5m: 4, cacheWrite1h: 5 })
  })

  describe('where the request says how long its cache can live', () => {
    const cached = (ttl: string | undefined, more: object = {}) => ({
      ...{ model, max_tokens: 1, messages: [], system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl } }] },
      ...more,
    })
    const search = { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 1 }] }
    const wrote = (request: object, more: object = {}) => {
      const { cacheWrite5m, cacheWrite1h } = usageOf(usage({ cache_creation_input_tokens: 9, ...more }), model, request as never).tokens
      return [cacheWrite5m, cacheWrite1h]
    }

    it('takes writes without a split for five-minute writes, if it can be no other', () => {
      expect(wrote(cached(undefined))).toEqual([9, 0])
      expect(wrote(cached('5m'), { cache_creation: { ephemeral_5m_input_tokens: 4 } })).toEqual([9, 0])
      expect(wrote(cached('5m'), { cache_creation: { ephemeral_1h_input_tokens: 4 } })).toEqual([5, 4])
    })

    it.each([
      ['one hour', cached('1h')],
      ['a time that nobody knows', cached('1w')],
      ['no time at all', { model, max_tokens: 1, messages: [] }],
      ['five minutes, but the server caches by itself', cached('5m', search)],
      ['five minutes, in a thread', cached('5m', { thread: { type: 'create' } })],
      ['five minutes, and a field that nobody knows', cached('5m', { surprise: 1 })],
    ])('takes them for one-hour writes, if it asks for %s', (_, request) => {
      expect(wrote(request)).toEqual([0, 9])
    })

    it('also in a stream', () => {
      const meter = new UsageMeter()
      meter.start(usage({ cache_creation_input_tokens: 9 }), model, cached('5m') as never)
      expect(meter.current().tokens).toMatchObject({ cacheWrite5m: 9, cacheWrite1h: 0 })
    })
  })

  it('takes output_tokens: 0 for 0', () => {
    expect(usageOf(usage({ output_tokens: 0 }), model).tokens).toMatchObject({ output: 0, certainty: 'measured' })
  })

  it.each([undefined, null, -1, 1.5, '12', 1e308, Number.NaN, Number.POSITIVE_INFINITY, {}, [], true])(
    'is unknown, not zero, for a figure %p',
    bad => {
      expect(usageOf(usage({ output_tokens: bad }), model)).toMatchObject({
        tokens: { certainty: 'unknown', input: 100 },
        flags: ['invalid:output_tokens'],
      })
      expect(usageOf(usage({ input_tokens: bad }), model).tokens.certainty).toBe('unknown')
    },
  )

  it.each([-1, 1.5, '12', 1e308, Number.NaN, {}])('is unknown for an optional figure %p', bad => {
    expect(usageOf(usage({ cache_read_input_tokens: bad }), model).tokens.certainty).toBe('unknown')
    expect(usageOf(usage({ cache_creation: { ephemeral_5m_input_tokens: bad } }), model).tokens.certainty).toBe('unknown')
    expect(usageOf(usage({ server_tool_use: { web_search_requests: bad } }), model).tokens.certainty).toBe('unknown')
  })

  it.each([undefined, null, 'usage', 7, [], { usage: null }])('is unknown for a message without usage: %p', message => {
    expect(usageOf(message, model)).toMatchObject({ tokens: { certainty: 'unknown' }, flags: ['invalid:usage'] })
  })

  it('never throws and never goes negative', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (a, b) => {
        const read = usageOf({ usage: { input_tokens: a, output_tokens: b, iterations: [a, b], odd: a, cache_creation: b } }, model)
        return Object.values(read.tokens).every(n => typeof n === 'string' || n >= 0)
      }),
    )
  })

  it('adds what the totals leave out: compaction and the advisor, each with its model', () => {
    const read = usageOf(
      usage({
        iterations: [
          {
            type: 'compaction',
            input_tokens: 500,
            output_tokens: 50,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            cache_creation: null,
          },
          { type: 'message', model: null, ...usage() },
          {
            type: 'advisor_message',
            model: 'claude-fable-5',
            input_tokens: 9,
            output_tokens: 1,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            cache_creation: null,
          },
        ],
      }),
      model,
    )
    expect(read.tokens).toMatchObject({ input: 609, output: 71, certainty: 'measured' })
    expect(read.iterations.map(i => [i.type, i.model])).toEqual([
      ['compaction', model],
      ['message', model],
      ['advisor_message', 'claude-fable-5'],
    ])
  })

  it('prices a declined and a serving model by their own rates, and the unbilled one at nothing', () => {
    const read = usageOf(
      usage({
        iterations: [
          { type: 'message', model: 'claude-fable-5', input_tokens: 0, output_tokens: 0 },
          { type: 'fallback_message', model: 'claude-haiku-4-5', ...usage() },
        ],
      }),
      'claude-fable-5',
    )
    expect(priceOf(read)).toBe(100 * 1_000 + 20 * 5_000)
  })

  it('charges a part that names no model at the dearest rates, where fallbacks may have run', () => {
    const part = { type: 'message', model: null, ...usage() }
    const served = { type: 'fallback_message', model: 'claude-haiku-4-5', ...usage() }
    const models = (iterations: object[], request?: object) =>
      usageOf(usage({ iterations }), 'claude-haiku-4-5', request as never).iterations.map(({ model: named }) => named)
    const request = { model: 'claude-fable-5', messages: [] }
    expect(models([part, served])).toEqual(['', 'claude-haiku-4-5'])
    expect(models([part], { ...request, fallbacks: [{ model: 'claude-haiku-4-5' }] })).toEqual([''])
    expect(models([part], { ...request, fallbacks: [] })).toEqual(['claude-haiku-4-5'])
    expect(models([part])).toEqual(['claude-haiku-4-5'])
    const read = usageOf(usage({ iterations: [part, served] }), 'claude-haiku-4-5')
    expect(priceOf(read)).toBe(100 * 10_000 + 20 * 50_000 + 100 * 1_000 + 20 * 5_000)
  })

  it('charges what the totals have and the iterations do not', () => {
    const read = usageOf(usage({ iterations: [{ type: 'message', model, input_tokens: 60, output_tokens: 20 }] }), model)
    expect(read.iterations.at(-1)).toMatchObject({ type: 'rest', tokens: { input: 40, output: 0 } })
    expect(read.tokens).toMatchObject({ input: 100, output: 20 })
  })

  it('charges the numbers of a field that it does not know, at the dearest rate', () => {
    const read = usageOf(usage({ audio: { tokens: 10, kind: 'x' } }), model)
    expect(read.flags).toEqual(['unknown-field:audio'])
    expect(read.tokens.output).toBe(30)
    expect(priceOf(read)).toBeGreaterThan(priceOf(usageOf(usage({ output_tokens: 30 }), model)))
  })

  it('flags an unknown tier, speed and server tool, and charges a fee for the latter', () => {
    const read = usageOf(usage({ service_tier: 'platinum', speed: 'warp', server_tool_use: { teleport_requests: 2 } }), model)
    expect(read.flags).toEqual(['unknown-field:server_tool_use.teleport_requests', 'unknown-field:service_tier', 'unknown-field:speed'])
    expect(priceOf(read)).toBeGreaterThan(2 * defaultPrices.fees.codeExecution)
  })
})

describe('the known fields', () => {
  const sources = ['messages/messages', 'beta/messages/messages'].map(file =>
    readFileSync(join(__dirname, `../../node_modules/@anthropic-ai/sdk/resources/${file}.d.ts`), 'utf8'),
  )
  const fields = (...names: string[]) => {
    const found = sources.flatMap(source =>
      names.flatMap(name =>
        [...(new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? '').matchAll(/^ {4}(\w+)\??:/gm)].map(
          m => m[1]!,
        ),
      ),
    )
    return [...new Set(found)].sort()
  }

  it('are those of the SDK', () => {
    expect(fields('Usage', 'BetaUsage', 'MessageDeltaUsage', 'BetaMessageDeltaUsage')).toEqual([...knownUsageFields.usage])
    expect(fields('CacheCreation', 'BetaCacheCreation')).toEqual([...knownUsageFields.cacheCreation])
    expect(
      fields(
        'BetaMessageIterationUsage',
        'BetaCompactionIterationUsage',
        'BetaAdvisorMessageIterationUsage',
        'BetaFallbackMessageIterationUsage',
      ),
    ).toEqual([...knownUsageFields.iteration])
    // The API documents code_execution_requests on its pricing page; the SDK does not type it.
    expect(['code_execution_requests', ...fields('ServerToolUsage', 'BetaServerToolUsage')]).toEqual([...knownUsageFields.serverTools])
  })
})

describe('UsageMeter', () => {
  const started = (more: object = {}) => {
    const meter = new UsageMeter()
    meter.start(
      {
        input_tokens: 100,
        output_tokens: 1,
        cache_creation_input_tokens: 8,
        cache_creation: { ephemeral_5m_input_tokens: 8, ephemeral_1h_input_tokens: 0 },
        ...more,
      },
      model,
    )
    return meter
  }

  it('takes the last cumulative figure: not the first, not the sum', () => {
    const meter = started()
    meter.delta({ output_tokens: 15 })
    expect(meter.current().tokens).toEqual({
      input: 100,
      output: 15,
      cacheRead: 0,
      cacheWrite5m: 8,
      cacheWrite1h: 0,
      certainty: 'measured',
    })
  })

  it('keeps the greater output when a later figure is smaller, and says so', () => {
    const meter = started()
    meter.delta({ output_tokens: 15 }, false)
    meter.delta({ output_tokens: 4 })
    expect(meter.current()).toMatchObject({ tokens: { output: 15 }, flags: ['output-regressed'] })
  })

  it('replaces input that server tools raised, and keeps it where a delta says null', () => {
    const meter = started()
    meter.delta(
      { output_tokens: 2, input_tokens: 900, cache_creation_input_tokens: 20, server_tool_use: { web_search_requests: 3 } },
      false,
    )
    meter.delta({ output_tokens: 9, input_tokens: null })
    expect(meter.current()).toMatchObject({
      tokens: { input: 900, output: 9, cacheWrite5m: 8, cacheWrite1h: 12 },
      serverTools: { webSearch: 3 },
    })
  })

  it.each([
    ['input', { input_tokens: 0 }, { input: 100 }],
    ['cache reads', { cache_read_input_tokens: 0 }, { cacheRead: 7 }],
    ['cache writes', { cache_creation_input_tokens: 5 }, { cacheWrite5m: 8, cacheWrite1h: 0 }],
    ['the split of cache writes', { cache_creation: { ephemeral_5m_input_tokens: 2 } }, { cacheWrite5m: 8, cacheWrite1h: 0 }],
  ])('keeps the greater %s when a later figure is smaller, and says so (B40)', (_, smaller, kept) => {
    const meter = started({ cache_read_input_tokens: 7 })
    meter.delta({ output_tokens: 9, ...smaller })
    const { tokens, flags } = meter.current()
    expect(tokens).toEqual({ input: 100, output: 9, cacheRead: 7, cacheWrite5m: 8, cacheWrite1h: 0, certainty: 'measured', ...kept })
    expect(flags).toEqual(['input-regressed'])
  })

  it('keeps what iterations and server tools have come to', () => {
    const meter = started()
    const iterations = [
      { type: 'message', model, input_tokens: 100, output_tokens: 4 },
      { type: 'compaction', input_tokens: 500, output_tokens: 50 },
    ]
    meter.delta({ output_tokens: 4, server_tool_use: { web_search_requests: 3 }, iterations }, false)
    meter.delta({ output_tokens: 9, server_tool_use: { web_search_requests: 0 }, iterations: [] })
    expect(meter.current()).toMatchObject({ tokens: { input: 600, output: 59 }, serverTools: { webSearch: 3 } })
  })

  it('is estimated before the last delta, and unknown before the start', () => {
    expect(started().current().tokens.certainty).toBe('estimated')
    expect(new UsageMeter().current().tokens.certainty).toBe('unknown')
  })

  it('is unknown after a figure that cannot be', () => {
    const meter = started()
    meter.delta({ output_tokens: -3 })
    expect(meter.current().tokens.certainty).toBe('unknown')
  })
})

describe('settleCut', () => {
  const hold = { boundInput: 5_000, boundOutput: 4_000, hiddenThinking: false, model }
  const cutAfter = (bytes: number) => {
    const meter = new UsageMeter()
    meter.start({ input_tokens: 100, output_tokens: 1 }, model)
    meter.sawOutputBytes(bytes)
    return meter
  }

  it('charges measured input, bytes seen and a margin', () => {
    expect(settleCut(cutAfter(200), hold)).toMatchObject({
      tokens: { input: 100, output: 200 + cutMarginTokens, certainty: 'estimated' },
      flags: ['cut'],
    })
  })

  it('charges at most the output of the hold', () => {
    expect(settleCut(cutAfter(50_000), hold).tokens.output).toBe(4_000)
  })

  it('charges all of it where thinking may be hidden', () => {
    expect(settleCut(cutAfter(0), { ...hold, hiddenThinking: true }).tokens.output).toBe(4_000)
  })

  it('charges the input of the hold before message_start, and while the server can add to it', () => {
    expect(settleCut(new UsageMeter(), hold)).toMatchObject({
      model,
      tokens: { cacheWrite1h: 5_000, output: cutMarginTokens, certainty: 'estimated' },
    })
    expect(settleCut(cutAfter(1), { ...hold, rounds: 4, searches: 3 })).toMatchObject({
      tokens: { cacheWrite1h: 5_000 },
      serverTools: { webSearch: 3 },
    })
  })

  it('is the measured usage once the last delta was seen', () => {
    const meter = cutAfter(10)
    meter.delta({ output_tokens: 3 })
    expect(settleCut(meter, hold).tokens).toMatchObject({ input: 100, output: 3, certainty: 'measured' })
  })

  it('is never below the bill, wherever the stream is cut', () => {
    const request = { model, max_tokens: 3_000, messages: [{ role: 'user', content: 'Tell me' }] }
    fc.assert(
      fc.property(fc.nat(3_000), fc.nat(1_000), fc.boolean(), fc.boolean(), (generated, late, start, hidden) => {
        const { nanoUsd, usage } = bill(request, { generated: generated / 3_000 })
        const meter = new UsageMeter()
        if (start) meter.start({ ...usage, output_tokens: 1 }, model)
        if (!hidden) meter.sawOutputBytes(Math.max(0, generated - late))
        const facts = { boundInput: 5_000, boundOutput: 3_000, hiddenThinking: hidden, model }
        return BigInt(priceOf(settleCut(meter, facts))) >= nanoUsd
      }),
    )
  })
})

describe('addUsage', () => {
  it('adds class by class and is as certain as the less certain one', () => {
    const a = { input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5, certainty: 'estimated' as const }
    expect(addUsage(a, { ...a, certainty: 'unknown' })).toEqual({
      input: 2,
      output: 4,
      cacheRead: 6,
      cacheWrite5m: 8,
      cacheWrite1h: 10,
      certainty: 'unknown',
    })
    expect(addUsage(noUsage, a)).toEqual(a)
    expect(zeroUsage(model).tokens).toBe(noUsage)
  })
})

describe('a delta that ends the message without an output figure', () => {
  it.each([{}, { input_tokens: 10 }, undefined, { output_tokens: null }])('%j is no measurement: the start had no total', usage => {
    const meter = new UsageMeter()
    meter.start({ input_tokens: 10, output_tokens: 1 }, 'claude-haiku-4-5')
    meter.sawOutputBytes(4000)
    meter.delta(usage)
    expect(meter.final).toBe(false)
    expect(settleCut(meter, { boundInput: 100, boundOutput: 3000, hiddenThinking: false }).tokens).toMatchObject({
      output: 3000,
      certainty: 'estimated',
    })
  })
})

it('reads own fields only: what somebody added to Object.prototype is no usage', () => {
  Object.defineProperty(Object.prototype, 'polluted', { value: 7, enumerable: true, configurable: true })
  try {
    expect(usageOf({ input_tokens: 1, output_tokens: 2 }).flags).toEqual([])
  } finally {
    delete (Object.prototype as { polluted?: unknown }).polluted
  }
})
