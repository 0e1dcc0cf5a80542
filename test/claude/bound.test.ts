import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { bound, boundTable } from '../../lib/claude/bound.js'
import { definePrices, findPrice, defaultPrices, priceOf } from '../../lib/claude/prices.js'
import { toolRules } from '../../lib/claude/request-features.js'
import { usageOf } from '../../lib/claude/usage.js'
import { bill, billed, type World } from '../support/billing.js'
import { jsonTextBytes, utf8Bytes } from '../../lib/claude/utf8.js'
import { knownBlockTypes, knownRequestFields, knownSamplingFields } from './request-lists.js'

type Request = Record<string, any>

const model = 'claude-opus-4-8'
const ask = (more: Request = {}): Request => ({ model, max_tokens: 1_000, messages: [{ role: 'user', content: 'Hello' }], ...more })
const boundOf = (request: Request, prices = defaultPrices) =>
  bound(
    {
      model: request.model,
      maxTokens: request.max_tokens,
      request: request as any,
      betas: Array.isArray(request.betas) ? request.betas : [],
    },
    prices,
  )
const said = (...content: Request[]) => ask({ messages: [{ role: 'user', content }] })
const withTools = (...tools: Request[]) => ask({ tools })
const pages = { elsewhere: 5_000_000 }
const clientTool = {
  name: 'wetter',
  description: 'Wie ist das Wetter – in „Zürich“? 🌦',
  input_schema: { type: 'object', properties: { ort: { type: 'string' } } },
}

/** Requests for each row of the table, with what may happen on the server. */
const rows: Record<string, [Request, World?][]> = {
  text: [
    [ask()],
    [said({ type: 'text', text: '日本語とemoji 🎉'.repeat(50) })],
    [ask({ messages: Array.from({ length: 90 }, () => ({ role: 'user', content: '' })) })],
  ],
  system: [[ask({ system: 'Be brief. é' })], [ask({ system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] })]],
  tools: [
    [withTools(clientTool)],
    [withTools({ type: 'bash_20250124', name: 'bash' })],
    [withTools({ type: 'text_editor_20250728', name: 'e' })],
    [withTools({ type: 'computer_toolset_20260801' })],
    [withTools({ type: 'browser_toolset_20260801' })],
    [withTools({ type: 'memory_20250818', name: 'memory' })],
    [withTools({ type: 'computer_20250124', name: 'computer', display_width_px: 1, display_height_px: 1 })],
  ],
  tool_use: [
    [said({ type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 'ü"\n', b: [1, { c: '漢字' }], d: 1, e: true } })],
    [said({ type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } })],
  ],
  tool_result: [
    [said({ type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok '.repeat(500) })],
    [
      said({
        type: 'tool_result',
        tool_use_id: 't',
        content: [
          { type: 'text', text: 'é' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        ],
      }),
    ],
    [
      said({
        type: 'web_search_tool_result',
        tool_use_id: 'x',
        content: [{ type: 'web_search_result', encrypted_content: 'abc'.repeat(99), title: 't', url: 'u' }],
      }),
    ],
  ],
  thinking: [
    [
      said(
        { type: 'thinking', thinking: 'hm '.repeat(100), signature: 'S'.repeat(400) },
        { type: 'redacted_thinking', data: 'D'.repeat(333) },
      ),
    ],
  ],
  document: [
    [said({ type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'A. B. C. '.repeat(80) } })],
    [
      said({
        type: 'document',
        citations: { enabled: true },
        source: { type: 'text', media_type: 'text/plain', data: 'A.B.'.repeat(200) },
      }),
    ],
    [said({ type: 'search_result', title: 't', source: 's', content: [{ type: 'text', text: 'long '.repeat(40) }] })],
  ],
  pdf: [[said({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } }), pages]],
  image: [
    [said(...Array.from({ length: 20 }, () => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA' } })))],
  ],
  reference: [
    [said({ type: 'image', source: { type: 'url', url: 'https://a.example/i.png' } }), pages],
    [said({ type: 'document', source: { type: 'file', file_id: 'file_1' } }), pages],
    [ask({ container: 'container_1' }), pages],
    [ask({ container: { skills: [{ skill_id: 's' }] } }), pages],
    [said({ type: 'container_upload', file_id: 'f' }), pages],
  ],
  betas: [[ask({ container: 'container_1', betas: ['context-1m-2025-08-07'] }), pages], [ask({ betas: ['files-api-2025-04-14'] })]],
  thread: [[ask({ thread: { type: 'continue', previous_message_id: 'msg_1' } }), pages], [ask({ thread: { type: 'create' } })]],
  output_config: [
    [ask({ output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: { ä: { type: 'string' } } } } } })],
  ],
  mcp: [
    [ask({ mcp_servers: [{ type: 'url', name: 'm', url: 'https://m.example' }] }), pages],
    [withTools({ type: 'mcp_toolset', mcp_server_name: 'm' }), pages],
  ],
  web_search: [
    [withTools({ type: 'web_search_20250305', name: 'web_search', max_uses: 3 })],
    [withTools({ type: 'web_search_20260318', name: 'web_search', max_uses: 30 })],
    [withTools({ type: 'web_search_20260209', name: 'web_search', max_uses: 1 })],
  ],
  web_fetch: [
    [withTools({ type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 2 })],
    [withTools({ type: 'web_fetch_20260309', name: 'web_fetch', max_uses: 2 })],
  ],
  code_execution: [
    [
      withTools(
        { type: 'code_execution_20260120', name: 'code_execution' },
        { type: 'web_fetch_20260309', name: 'web_fetch', max_uses: 2 },
      ),
    ],
  ],
  advisor: [
    [withTools({ type: 'advisor_20260301', name: 'advisor', model: 'claude-fable-5', max_uses: 2 })],
    [
      withTools({
        type: 'advisor_20260301',
        name: 'advisor',
        model: 'claude-fable-5',
        max_uses: 1,
        max_tokens: 500,
        caching: { type: 'ephemeral', ttl: '1h' },
      }),
    ],
  ],
  tool_search: [],
  compaction: [
    [ask({ compaction: { type: 'summarize' } })],
    [
      ask({
        context_management: { edits: [{ type: 'compact_20260112' }] },
        tools: [{ type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 2 }],
      }),
    ],
  ],
  fallbacks: [[ask({ fallbacks: [{ model: 'claude-fable-5', max_tokens: 9_000 }, { model: 'claude-haiku-4-5' }] })]],
  output: [[ask({ max_tokens: 128_000 })], [ask({ max_tokens: 0 })], [ask({ max_tokens: 1 }), { generated: 0 }]],
  rates: [
    [ask({ cache_control: { type: 'ephemeral', ttl: '1h' } })],
    [ask({ cache_control: { type: 'ephemeral' } })],
    [ask({ speed: 'fast' })],
    [ask({ inference_geo: 'us' })],
    [ask(), { defaultGeo: 'us' }],
    [ask({ model: 'claude-haiku-5-5', messages: [{ role: 'user', content: 'x'.repeat(150_000) }] })],
    [ask({ model: 'claude-haiku-5-5', messages: [{ role: 'user', content: 'x'.repeat(99_000) }] })],
    [said({ type: 'text', text: 'x'.repeat(5_000), cache_control: { type: 'ephemeral', ttl: '1h' } }), { defaultGeo: 'us' }],
  ],
}

describe('a context-1m beta', () => {
  it('widens the window of a model whose own is smaller, at the rates of its long tier', () => {
    const request = { ...ask({ container: 'container_1' }), model: 'claude-sonnet-4-5' }
    const { longContext } = findPrice(defaultPrices, 'claude-sonnet-4-5')
    const plain = boundOf(request)
    const wide = boundOf({ ...request, betas: ['context-1m-2025-08-07'] })
    expect([plain.inputTokens, wide.inputTokens]).toEqual([200_000, 1_000_000])
    expect(wide.nanoUsd).toBeGreaterThanOrEqual((1_000_000 * longContext!.input) / 1_000)
  })
})

describe('a long-context tier that is cheaper', () => {
  it('does not lower the bound of a prompt that may be shorter than its bytes', () => {
    const tier = {
      input: 1_000_000,
      output: 1_000_000,
      cacheRead: 1_000_000,
      cacheWrite5m: 1_000_000,
      cacheWrite1h: 1_000_000,
      above: 1_000,
    }
    const prices = definePrices({ m: { input: 9_000_000, output: 9_000_000, longContext: tier } })
    const request = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'x '.repeat(900) }] }
    const bill = priceOf(usageOf({ input_tokens: 950, output_tokens: 100 }, 'm'), prices)
    expect(boundOf(request, prices).nanoUsd).toBeGreaterThanOrEqual(bill)
  })
})

describe('boundTable', () => {
  it('has a case here for every row', () => {
    expect(Object.keys(rows).sort()).toEqual(boundTable.map(row => row.feature).sort())
  })

  for (const [feature, cases] of Object.entries(rows))
    for (const [i, [request, world]] of cases.entries())
      it(`${feature}, case ${i + 1}: the bound covers the dearest bill`, () => {
        const most = boundOf(request)
        for (const warm of [false, true]) {
          const { nanoUsd, tokens } = bill(request, { defaultGeo: 'us', warm, ...world })
          expect(BigInt(most.nanoUsd)).toBeGreaterThanOrEqual(nanoUsd)
          expect(most.tokens).toBeGreaterThanOrEqual(tokens)
        }
      })

  for (const [feature, cases] of Object.entries(rows))
    for (const [i, [request, world]] of cases.entries())
      it(`${feature}, case ${i + 1}: what the ledger settles is the bill, and within the hold`, () => {
        const { nanoUsd, usage } = bill(request, { defaultGeo: 'us', ...world })
        const settled = priceOf(usageOf(usage, request.model))
        expect(BigInt(settled)).toBe(nanoUsd)
        expect(settled).toBeLessThanOrEqual(boundOf(request).nanoUsd)
      })
})

describe('bound', () => {
  const block = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }).map(text => ({ type: 'text', text })),
    fc.record({
      type: fc.constant('tool_use'),
      id: fc.constant('toolu_x'),
      name: fc.string({ maxLength: 20 }),
      input: fc.dictionary(fc.string({ maxLength: 9 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 9 }),
    }),
    fc.string({ unit: 'binary', maxLength: 300 }).map(content => ({ type: 'tool_result', tool_use_id: 'toolu_x', content })),
    fc.constant({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }),
    fc
      .string({ maxLength: 200 })
      .map(data => ({ type: 'document', citations: { enabled: true }, source: { type: 'text', media_type: 'text/plain', data } })),
    fc.constant({ type: 'text', text: 'cached', cache_control: { type: 'ephemeral', ttl: '1h' } }),
    fc.constant({ type: 'document', source: { type: 'url', url: 'https://a.example/x.pdf' } }),
  )
  const tool = fc.oneof(
    fc.record({
      name: fc.string(),
      description: fc.string({ unit: 'binary' }),
      input_schema: fc.object({ maxDepth: 3 }).map(o => JSON.parse(JSON.stringify(o))),
    }),
    fc.constantFrom({ type: 'bash_20250124', name: 'bash' }, { type: 'text_editor_20250728', name: 'e' }),
    fc.integer({ min: 1, max: 20 }).map(max_uses => ({ type: 'web_search_20250305', name: 'web_search', max_uses })),
  )
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const requests = fc.record({
    model: fc.constantFrom(...Object.keys(billed)),
    max_tokens: fc.nat(128_000),
    messages: fc.array(
      fc.record({
        role: fc.constantFrom('user', 'assistant'),
        content: fc.oneof(fc.string({ unit: 'binary' }), fc.array(block, { maxLength: 6 })),
      }),
      { maxLength: 6 },
    ),
    system: optional(fc.string({ unit: 'binary' })),
    tools: optional(fc.array(tool, { maxLength: 4 })),
    speed: optional(fc.constantFrom('standard', 'fast')),
    inference_geo: optional(fc.constantFrom('us', 'global')),
    cache_control: optional(fc.constantFrom({ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' })),
    fallbacks: optional(fc.constantFrom([{ model: 'claude-fable-5' }], [{ model: 'claude-haiku-4-5', max_tokens: 200_000 }])),
    thread: optional(fc.constantFrom({ type: 'create' }, { type: 'continue', previous_message_id: 'm' })),
  })
  const worlds = fc.record({
    defaultGeo: fc.constantFrom('us' as const, 'global' as const),
    warm: fc.boolean(),
    elsewhere: fc.nat(3_000_000),
    generated: fc.constantFrom(0, 0.3, 1),
    bytesPerToken: fc.constantFrom(1, 1, 3),
    uses: fc.nat(20),
  })

  it('is never below the bill, whatever the request and the server', () => {
    fc.assert(
      fc.property(requests, worlds, (drawn, world) => {
        const request = JSON.parse(JSON.stringify(drawn))
        const most = boundOf(request)
        const { nanoUsd, tokens, usage } = bill(request, world)
        const settled = priceOf(usageOf(usage, request.model))
        const exact = request.speed !== 'fast' || request.fallbacks === undefined
        return most.nanoUsd >= settled && BigInt(settled) >= nanoUsd && most.tokens >= tokens && (!exact || BigInt(settled) === nanoUsd)
      }),
      { numRuns: 400 },
    )
  })

  it('is tight for a short request: bytes, margins and max_tokens', () => {
    const { inputTokens, outputTokens, parts, rounds } = boundOf(ask())
    expect({ inputTokens, outputTokens, rounds }).toEqual({ inputTokens: 64 + 16 + 8 + 5, outputTokens: 1_000, rounds: 1 })
    expect(parts).toEqual([
      { feature: 'text', tokens: 93 },
      { feature: 'output', tokens: 1_000 },
    ])
  })

  it('prices it at the US rate unless the request says global', () => {
    expect(boundOf(ask({ inference_geo: 'global' })).nanoUsd).toBe(93 * 5_000 + 1_000 * 25_000)
    expect(boundOf(ask()).nanoUsd).toBe(((93 * 5_000 + 1_000 * 25_000) * 11) / 10)
  })

  it('needs two numbers for a model of your own', () => {
    const prices = definePrices({ mock: { input: 0, output: 100_000_000 } })
    expect(boundOf(ask({ model: 'mock' }), prices).nanoUsd).toBe(100_000_000)
  })

  it('is at most the context window of input where the server makes one round', () => {
    expect(boundOf(ask({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x'.repeat(900_000) }] })).inputTokens).toBe(
      200_000,
    )
  })

  it('counts a created thread as what it sends, and a continued one as the window', () => {
    expect(boundOf(ask({ thread: { type: 'create' } })).inputTokens).toBe(93)
    expect(boundOf(ask({ thread: { type: 'continue', previous_message_id: 'm' } })).inputTokens).toBe(1_000_000)
  })

  const refused: [string, Request][] = [
    ['a web search without max_uses', withTools({ type: 'web_search_20250305', name: 'web_search' })],
    ['max_uses: null', withTools({ type: 'web_fetch_20250910', name: 'web_fetch', max_uses: null })],
    ['an advisor without max_uses', withTools({ type: 'advisor_20260301', name: 'advisor', model: 'claude-fable-5' })],
    ['code execution alone', withTools({ type: 'code_execution_20260120', name: 'code_execution' })],
    ['tool search', withTools({ type: 'tool_search_tool_regex_20251119', name: 't' })],
    ['an unknown tool type', withTools({ type: 'bash_20990101', name: 'bash' })],
    ['a tool type of Object.prototype', withTools({ type: 'constructor', name: 'x' })],
    ['an unknown block', said({ type: 'video', source: {} })],
    ['an unknown nested block', said({ type: 'tool_result', tool_use_id: 't', content: [{ type: 'audio' }] })],
    ['an unknown image source', said({ type: 'image', source: { type: 's3' } })],
    ['an unknown document source', said({ type: 'document', source: { type: 's3' } })],
    ['an unknown request field', ask({ deep_research: true })],
    ['default fallbacks', ask({ fallbacks: 'default' })],
    ['an unknown field of a fallback', ask({ fallbacks: [{ model: 'claude-haiku-4-5', tools: [] }] })],
    ['an unknown context edit', ask({ context_management: { edits: [{ type: 'grow_20990101' }] } })],
    ['no max_tokens', { ...ask(), max_tokens: undefined }],
    ['max_tokens "1000"', ask({ max_tokens: '1000' })],
    ['max_tokens -1', ask({ max_tokens: -1 })],
    ['max_tokens 1.5', ask({ max_tokens: 1.5 })],
    ['max_tokens 1e308', ask({ max_tokens: 1e308 })],
  ]
  it.each(refused)('refuses %s', (_, request) => {
    expect(() => boundOf(request)).toThrow(expect.objectContaining({ code: 'ERR_UNBOUNDED' }))
  })

  it('refuses a value nested without end', () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)
    expect(() => boundOf(said({ type: 'tool_use', id: 't', name: 'f', input: { deep } }))).toThrow(
      expect.objectContaining({ code: 'ERR_UNBOUNDED' }),
    )
  })

  it.each(['claude-nope', 'Claude-Opus-4-8', 'anthropic/claude-opus-4-8', 'claude-opus-4-8-20990101', 'constructor'])(
    'refuses the model %s',
    name => {
      expect(() => boundOf(ask({ model: name }))).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL' }))
    },
  )

  it('refuses a fallback and an advisor without a price', () => {
    expect(() => boundOf(ask({ fallbacks: [{ model: 'nope' }] }))).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL' }))
    expect(() => boundOf(withTools({ type: 'advisor_20260301', name: 'advisor', model: 'nope', max_uses: 1 }))).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL' }),
    )
  })

  it('says no prompt in a refusal', () => {
    expect(() => boundOf(said({ type: 'video', text: 'a secret' }))).toThrow(/^(?!.*secret)/)
  })

  describe('with an advisor', () => {
    const advised = (more: Request = {}, of: Request = {}) =>
      boundOf({ ...withTools({ type: 'advisor_20260301', name: 'a', model: 'claude-haiku-4-5', max_uses: 3, ...more }), ...of })
    const longest = findPrice(defaultPrices, model).maxOutput

    it('adds its max_tokens a use, else the longest answer of the models', () => {
      expect(advised({ max_tokens: 500 }).outputTokens).toBe(1_000 + 3 * 500)
      expect(advised().outputTokens).toBe(1_000 + 3 * longest)
    })

    it('asks it anew in every attempt of a fallback', () => {
      const fallbacks = [{ model, max_tokens: 10 }]
      const { rounds, outputTokens } = advised({ max_tokens: 500 }, { fallbacks })
      expect(outputTokens).toBe(1_000 + 10 + 2 * 3 * 500)
      expect(rounds).toBe(2 * (1 + 3 + 3))
    })
  })

  it('takes fast usage without fast rates for 6 times the dearer tier', () => {
    const tier = { input: 3_000_000, output: 9_000_000, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, above: 1_000_000 }
    const prices = definePrices({ mock: { input: 1_000_000, output: 5_000_000, longContext: tier } })
    const request = ask({ model: 'mock', speed: 'fast' })
    expect(boundOf(request, prices).nanoUsd).toBe(6 * (93 * 3_000 + 1_000 * 9_000))
    expect(priceOf(usageOf({ input_tokens: 93, output_tokens: 1_000, speed: 'fast' }, 'mock'), prices)).toBe(
      6 * (93 * 3_000 + 1_000 * 9_000),
    )
  })

  it('follows a narrowed max_tokens, and the greater one when action and request differ', () => {
    const request = ask({ max_tokens: 10 }) as any
    expect(bound({ model, maxTokens: 10, request, betas: [] }).outputTokens).toBe(10)
    expect(bound({ model, maxTokens: 500, request, betas: [] }).outputTokens).toBe(500)
  })

  it('throws a RangeError where a bound is no safe integer', () => {
    expect(() => boundOf(ask({ max_tokens: Number.MAX_SAFE_INTEGER }))).toThrow(RangeError)
    expect(() => boundOf(ask({ max_tokens: 2 ** 45 }))).toThrow(RangeError)
  })
})

describe('the closed lists', () => {
  const declarations = ['messages/messages', 'beta/messages/messages'].map(file =>
    readFileSync(join(__dirname, `../../node_modules/@anthropic-ai/sdk/resources/${file}.d.ts`), 'utf8'),
  )
  const body = (source: string, name: string) =>
    new RegExp(`export interface ${name} (?:extends [^{]*)?\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? ''
  const fields = (source: string, name: string) => [...body(source, name).matchAll(/^ {4}(\w+)\??:/gm)].map(m => m[1]!)
  const members = (source: string, name: string) =>
    new RegExp(`export type ${name} = ([^;]+);`)
      .exec(source)![1]!
      .split('|')
      .map(m => m.trim())
  const types = (source: string, union: string) =>
    members(source, union).flatMap(name =>
      [.../^ {4}type\??: ([^;]+);/m.exec(body(source, name))![1]!.matchAll(/'([^']+)'/g)].map(m => m[1]!),
    )
  const all = <T>(of: (source: string, prefix: string) => T[]) =>
    [...new Set(declarations.flatMap((source, i) => of(source, i === 0 ? '' : 'Beta')))].sort()

  it('name every request field of the SDK', () => {
    expect(all(source => fields(source, 'MessageCreateParamsBase'))).toEqual([...knownRequestFields].sort())
  })

  it('name every content block of the SDK', () => {
    expect(all((source, prefix) => types(source, `${prefix}ContentBlockParam`))).toEqual([...knownBlockTypes].sort())
  })

  it('name every tool of the SDK', () => {
    expect(all((source, prefix) => types(source, `${prefix}ToolUnion`))).toEqual([...toolRules.keys()].sort())
  })

  it.each([...knownRequestFields, ...knownSamplingFields])('are what the walk accepts: %s', field => {
    const samples: Request = {
      messages: [],
      model,
      max_tokens: 5,
      fallbacks: [{ model }],
      thread: { type: 'create' },
      cache_control: { type: 'ephemeral' },
      context_management: {},
    }
    expect(boundOf(ask({ [field]: samples[field] ?? {} })).nanoUsd).toBeGreaterThan(0)
  })

  it.each([...knownBlockTypes])('are what the walk accepts: a block %s', type => {
    const source = { type: 'base64', data: '' }
    expect(boundOf(said({ type, source, content: [], tool: {}, input: {} })).inputTokens).toBeGreaterThan(80)
  })

  it('give every model of the default table a window, an image and a tool prompt', () => {
    for (const id of Object.keys(defaultPrices.models)) {
      const price = findPrice(defaultPrices, id)
      expect([
        price.contextWindow >= 200_000,
        price.imageTokens >= 1_568,
        price.toolPromptTokens >= 290,
        price.maxOutput >= 64_000,
      ]).toEqual([true, true, true, true])
    }
  })
})

describe('byte counting', () => {
  it('equals UTF-8', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 120 }), text => utf8Bytes(text) === Buffer.byteLength(text)))
    expect(utf8Bytes('\ud800')).toBe(3)
    expect(utf8Bytes('a\ud800b')).toBe(5)
  })

  it('of JSON is never below any of its escapings', () => {
    const escaped = (text: string) =>
      JSON.stringify(text).replace(/[\u007f-\uffff]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 120 }),
        text => jsonTextBytes(text) + 2 >= Math.max(escaped(text).length, Buffer.byteLength(JSON.stringify(text))),
      ),
    )
  })
})

it('reads own fields only: what somebody added to Object.prototype is no part of a request', () => {
  const request = { model: 'claude-haiku-4-5', max_tokens: 10, messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }
  const action = { model: 'claude-haiku-4-5', maxTokens: 10, request, betas: [] }
  const before = bound(action)
  Object.defineProperty(Object.prototype, 'polluted', { value: 'x', enumerable: true, configurable: true })
  try {
    expect(bound(action).nanoUsd).toBe(before.nanoUsd)
  } finally {
    delete (Object.prototype as { polluted?: unknown }).polluted
  }
})
