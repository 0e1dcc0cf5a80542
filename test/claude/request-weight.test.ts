import fc from 'fast-check'
import { RequestWeight } from '../../lib/claude/request-weight.js'
import { jsonTextBytes, promptBytes, utf8Bytes } from '../../lib/claude/utf8.js'

type Fields = Record<string, any>

const long = 'word '.repeat(1_000)
const weightOf = (request: Fields) => new RequestWeight().read(request)
const said = (...content: unknown[]) => weightOf({ messages: [{ role: 'user', content }] })
const sum = ({ weights }: RequestWeight) => Object.values(weights).reduce((all, weight) => all + weight, 0)
/** Tokens that a request has beyond one with short text in its place. */
const grows = (of: (text: string) => RequestWeight) => sum(of(long)) - sum(of(''))

describe('RequestWeight', () => {
  const document = (data: string) => ({ type: 'document', source: { type: 'text', media_type: 'text/plain', data } })
  const image = (more: Fields, source: Fields = {}) => ({
    ...{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA', ...source } },
    ...more,
  })

  it.each<[string, (text: string) => RequestWeight]>([
    ['a message', text => weightOf({ messages: [{ role: 'user', content: '', reasoning: text }] })],
    ['a message that is text', text => weightOf({ messages: [text] })],
    ['messages that are no list', text => weightOf({ messages: { 0: { role: 'user', content: text } } })],
    ['a block that is a list', text => said([text])],
    ['an image', text => said(image({ title: text }))],
    ['the source of an image', text => said(image({}, { caption: text }))],
    ['the source of a text document', text => said({ ...document(''), source: { ...document('').source, extra: text } })],
    ['the source of a document of blocks', text => said({ type: 'document', source: { type: 'content', content: [], extra: [text] } })],
    ['a tool that is text', text => weightOf({ tools: { 0: text } })],
    ['a fetched page', text => said({ type: 'web_fetch_tool_result', content: { type: 'web_fetch_result', content: document(text) } })],
    ['a fetched page, in a list', text => said({ type: 'web_fetch_tool_result', content: [{ content: document(text) }] })],
    ['a fetched page of several documents', text => said({ type: 'web_fetch_tool_result', content: { content: [document(text)] } })],
    ['a fetched page that is text', text => said({ type: 'web_fetch_tool_result', content: text })],
    [
      'the tool changes of a compaction',
      text => said({ type: 'compaction', content: '', tool_changes: [{ type: 'tool_removal', tool: text }] }),
    ],
  ])('counts what it does not know in %s', (_, of) => {
    expect(grows(of)).toBeGreaterThanOrEqual(long.length)
  })

  it('takes a fetched PDF for a window, as it takes any other', () => {
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } }
    for (const content of [{ content: pdf }, [{ content: pdf }], { content: [pdf] }])
      expect(said({ type: 'web_fetch_tool_result', content }).windows).toEqual({ pdf: true })
  })

  it('counts a definition in the tool changes of a compaction as a tool', () => {
    const definition = { name: 'f', description: long, input_schema: {} }
    const tool_changes = [{ type: 'tool_addition', tool: { type: 'tool_definition', definition } }]
    const weight = said({ type: 'compaction', content: '', tool_changes })
    expect([weight.hasTools, weight.weights.tools > long.length]).toEqual([true, true])
  })

  it('counts no more than before for what the API declares', () => {
    expect(weightOf({ messages: [{ role: 'user', content: 'Hello' }] }).weights.text).toBe(64 + 16 + 8 + 5)
    expect(sum(said(image({})))).toBe(64 + 16 + 8)
  })

  it.each([
    ['a tool', { tools: [{ name: 'f', input_schema: {}, cache_control: { type: 'ephemeral', ttl: '1h' } }] }, 2],
    ['a tool, for five minutes', { tools: [{ name: 'f', input_schema: {}, cache_control: { type: 'ephemeral' } }] }, 1],
  ])('sees that %s is cached', (_, request, caching) => {
    expect(weightOf(request).caching).toBe(caching)
  })

  it.each([
    ['fast', true],
    ['warp', true],
    ['standard', false],
    [null, false],
  ])('takes a fallback of speed %p for fast: %p', (speed, fast) => {
    expect(weightOf({ fallbacks: [{ model: 'm', speed }] }).fast).toBe(fast)
  })

  describe('a reference to a tool', () => {
    const big = { name: 'big', description: long, input_schema: { type: 'object' }, defer_loading: true }
    const result = (...content: Fields[]) => ({ type: 'tool_result', tool_use_id: 't', content })
    const reference = { type: 'tool_reference', tool_name: 'big' }
    const asked = (content: Fields[], tools: Fields[] = [big]) => weightOf({ messages: [{ role: 'user', content }], tools })

    it.each([
      ['in a tool result', [result(reference, reference)], 2],
      ['in what a search of tools found', [{ type: 'tool_search_tool_result', content: { tool_references: [reference] } }], 1],
      ['in a tool that is added again', [{ type: 'tool_addition', tool: { type: 'tool_reference', name: 'big' } }], 1],
    ])('shows its definition each time: %s', (_, content, times) => {
      const once = asked([]).weights.tools
      const { weights, windows } = asked(content)
      expect(weights.tools - once).toBeGreaterThanOrEqual(times * long.length)
      expect(windows).toBeUndefined()
    })

    it('is a window where the request has no such definition', () => {
      expect(asked([result({ type: 'tool_reference', tool_name: 'other' })]).windows).toEqual({ reference: true })
      expect(asked([result(reference)], []).windows).toEqual({ reference: true })
    })
  })
})

describe('text that a tokenizer may normalise', () => {
  it('counts the longer of its forms', () => {
    expect(promptBytes('\uFDFA')).toBe(33)
    expect(promptBytes('é')).toBe(2)
    expect(promptBytes('e\u0301')).toBe(3)
    expect(promptBytes('plain')).toBe(5)
    expect(sum(said({ type: 'text', text: '\uFDFA'.repeat(100) }))).toBeGreaterThanOrEqual(3_300)
  })

  const marks = fc.array(fc.constantFrom('a', '\u0301', '\u0323', '\uFDFA', '각', '\u1100', '\u1161', '\u{1d15e}', ' '), {
    maxLength: 3_000,
  })

  it('is never less than the whole text in its longest form', () => {
    fc.assert(
      fc.property(marks, pieces => {
        const text = pieces.join('')
        expect(promptBytes(text)).toBeGreaterThanOrEqual(utf8Bytes(text))
        expect(promptBytes(text)).toBeGreaterThanOrEqual(utf8Bytes(text.normalize('NFKC')))
      }),
    )
  })

  it('takes no longer for a run of combining marks than for other text of its length', () => {
    const text = `a${'\u0301\u0323'.repeat(1_000_000)}`
    expect(promptBytes(text)).toBeGreaterThanOrEqual(4_000_001)
    expect(jsonTextBytes(text)).toBeGreaterThanOrEqual(12_000_001)
  })

  it('also within JSON', () => {
    expect(jsonTextBytes('\uFDFA')).toBeGreaterThanOrEqual(33)
    expect(jsonTextBytes('é')).toBe(6)
  })
})
