import { judge, openJudge, rules, toolDigest, type ToolsRuleOptions } from 'outrigger/policy'
import { found, passes, request, tool } from './support.js'

const uses = (name: string, options: ToolsRuleOptions, input: unknown = {}) => passes(rules.tools(options), tool(name, input))

describe('rules.tools', () => {
  describe('allow and deny', () => {
    it.each<[string, ToolsRuleOptions, boolean]>([
      ['Read', { allow: ['Read'] }, true],
      ['Write', { allow: ['Read'] }, false],
      ['read', { allow: ['Read'] }, false],
      ['Read ', { allow: ['Read'] }, false],
      ['Rеad', { allow: ['Read'] }, false],
      ['Read', { allow: [] }, false],
      ['Read', { deny: ['Write'] }, true],
      ['Write', { deny: ['Write'] }, false],
      ['Read', { allow: ['Read'], deny: ['Read'] }, false],
      ['constructor', { allow: ['Read'] }, false],
      ['', { allow: ['Read'] }, false],
    ])('%j with %j: %j (P30)', async (name, options, expected) => {
      expect(await uses(name, options)).toBe(expected)
    })

    it('tools of the API server are judged when a request declares them', async () => {
      const rule = rules.tools({ allow: ['Read'], deny: ['web_fetch'] })
      const declares = (body: object) => passes(rule, request(body))
      expect(await declares({ tools: [{ name: 'Write', input_schema: {} }] })).toBe(true)
      expect(await declares({ tools: [{ type: 'bash_20250124', name: 'bash' }] })).toBe(true)
      expect(await declares({ tools: [{ type: 'custom', name: 'x' }] })).toBe(true)
      expect(await declares({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] })).toBe(false)
      expect(await declares({ tools: [{ type: 'mcp_toolset', mcp_server_name: 'a' }] })).toBe(false)
      expect(await declares({ mcp_servers: [{ type: 'url', url: 'https://a.com', name: 'a' }] })).toBe(false)
      expect(await declares({ mcp_servers: [] })).toBe(true)
      expect(
        await found(
          rules.tools({ deny: ['code_execution'] }),
          request({ tools: [{ type: 'code_execution_20250522', name: 'code_execution' }] }),
        ),
      ).toBe('tool "code_execution" is denied')
    })
  })

  describe('schema', () => {
    const schema = {
      Read: { type: 'object', properties: { file_path: { type: 'string' } }, required: ['file_path'], additionalProperties: false },
    }

    it('an input must match', async () => {
      expect(await uses('Read', { schema }, { file_path: 'a' })).toBe(true)
      expect(await uses('Read', { schema }, {})).toBe(false)
      expect(await uses('Read', { schema }, { file_path: 'a', also: 1 })).toBe(false)
      expect(await uses('Read', { schema }, undefined)).toBe(false)
      expect(await uses('Write', { schema }, {})).toBe(true)
      expect(await uses('Write', { schema: { Write: false } }, {})).toBe(false)
    })

    it('says what is wrong, and nothing of the input', async () => {
      expect(await found(rules.tools({ schema }), tool('Read', { file_path: 'a', 'my-secret': 'my-secret' }))).toBe(
        'the input of tool "Read" does not match its schema (additionalProperties)',
      )
    })

    it('one that does not compile refuses every input', async () => {
      expect(await found(rules.tools({ schema: { Read: { type: 'text' } } }), tool('Read', {}))).toBe(
        'the schema of tool "Read" does not compile',
      )
      expect(await uses('Read', { schema: { Read: { requird: ['a'] } } }, {})).toBe(false)
    })

    it('is copied', async () => {
      const own = { Read: { type: 'object', required: ['a'] } }
      const rule = rules.tools({ schema: own })
      own.Read.required = []
      expect(await passes(rule, tool('Read', {}))).toBe(false)
    })

    it('answers at once when the checker is there', async () => {
      const judged = openJudge([rules.tools({ schema })])
      const subject = { stage: 'action', action: tool('Read', {}) } as const
      expect(judged.judge(subject)).toBeInstanceOf(Promise)
      await judged.judge(subject)
      expect(judged.judge(subject)).toMatchObject({ response: 'deny' })
    })
  })

  describe('quota', () => {
    const call = { stage: 'action', action: tool('Read', {}) } as const

    it('counts per agent', () => {
      const rule = rules.tools({ quota: { Read: 2, Write: 0 } })
      const [one, other] = [openJudge([rule]), openJudge([rule])]
      const answers = [one, one, one, other].map(judged => (judged.judge(call) as { response: string }).response)
      expect(answers).toEqual(['allow', 'allow', 'deny', 'allow'])
      expect(one.judge({ stage: 'action', action: tool('Write', {}) })).toMatchObject({
        details: 'tool "Write" has been called 0 times, 0 allowed',
      })
      expect(one.judge({ stage: 'action', action: tool('Edit', {}) })).toMatchObject({ response: 'allow' })
    })

    it('a hundred calls at once: as many as there are', async () => {
      const judged = openJudge([rules.tools({ quota: { Read: 7 }, schema: { Read: { type: 'object' } } })])
      const answers = await Promise.all(Array.from({ length: 100 }, () => judged.judge(call)))
      expect(answers.filter(({ response }) => response === 'allow')).toHaveLength(7)
    })

    it.each<[string, boolean]>([
      ['at once', false],
      ['late', true],
    ])('what another rule refuses %s is not counted', async (_name, late) => {
      let refusing = true
      const check = () => (refusing ? { details: 'no' } : undefined)
      const judged = openJudge([
        rules.tools({ quota: { Read: 1 } }),
        rules.rule({ id: 'other', check: late ? async () => check() : check }),
      ])
      for (let n = 0; n < 5; n++) expect(await judged.judge(call)).toMatchObject({ response: 'deny', ruleId: 'other' })
      refusing = false
      expect(await judged.judge(call)).toMatchObject({ response: 'allow' })
      expect(await judged.judge(call)).toMatchObject({ response: 'deny', ruleId: 'tools' })
      refusing = true
      await judged.judge(call)
      refusing = false
      expect(await judged.judge(call)).toMatchObject({ response: 'deny', ruleId: 'tools' })
    })

    it('a warning of another rule does not give it back', () => {
      const judged = openJudge([
        rules.tools({ quota: { Read: 1 } }),
        rules.rule({ id: 'w', response: 'warn', check: () => ({ details: 'hm' }) }),
      ])
      expect([judged.judge(call), judged.judge(call)]).toMatchObject([{ response: 'warn' }, { response: 'deny' }])
    })

    it('what its own lists refuse is not counted either', async () => {
      const judged = openJudge([rules.tools({ quota: { Read: 1 }, schema: { Read: { required: ['a'] } } })])
      for (let n = 0; n < 3; n++) await judged.judge(call)
      expect(await judged.judge({ stage: 'action', action: tool('Read', { a: 1 }) })).toMatchObject({ response: 'allow' })
    })
  })

  describe('pin', () => {
    const definition = { name: 'Read', description: 'Reads a file.', input_schema: { type: 'object', properties: { a: {}, b: {} } } }
    const declares = (tools: readonly unknown[], pin: ToolsRuleOptions['pin']) => passes(rules.tools({ pin }), request({ tools }))

    it.each<[string, ToolsRuleOptions['pin']]>([
      ['a definition', { Read: definition }],
      ['its digest', { Read: toolDigest(definition) }],
    ])('by %s', async (_name, pin) => {
      expect(await declares([definition], pin)).toBe(true)
      expect(
        await declares(
          [{ input_schema: { properties: { b: {}, a: {} }, type: 'object' }, description: 'Reads a file.', name: 'Read' }],
          pin,
        ),
      ).toBe(true)
      expect(await declares([{ ...definition, cache_control: { type: 'ephemeral' } }], pin)).toBe(true)
      expect(await declares([], pin)).toBe(true)
      expect(await declares([{ ...definition, description: 'Reads a file. Then sends it.' }], pin)).toBe(false)
      expect(await declares([{ ...definition, also: 1 }], pin)).toBe(false)
      expect(await declares([definition, { name: 'Write', input_schema: {} }], pin)).toBe(false)
    })

    it('says which tool it was', async () => {
      const rule = rules.tools({ pin: { Read: definition } })
      expect(await found(rule, request({ tools: [{ ...definition, description: 'x' }] }))).toBe(
        'tool "Read" is declared otherwise than pinned',
      )
      expect(await found(rule, request({ tools: [{ name: 'Write' }] }))).toBe('tool "Write" is declared and not pinned')
    })

    it('a request whose tools cannot be read is refused', async () => {
      expect(await passes(rules.tools({ pin: {} }), request({ tools: [null] }))).toBe(false)
      expect(await passes(rules.tools({ pin: { x: {} } }), request({ tools: [{ name: 'x', input_schema: {} }] }))).toBe(false)
    })
  })

  it.each<[unknown, RegExp]>([
    [{}, /give one of allow, deny, schema, pin, quota/],
    [undefined, /options must be an object/],
    [{ allow: ['a'], quotas: {} }, /unknown option "quotas"/],
    [{ quota: { Read: -1 } }, /quota.Read must be a whole number from 0, got -1/],
    [{ quota: { Read: '1' } }, /quota.Read must be a whole number, got "1"/],
    [{ quota: [] }, /quota must be an object, got a list/],
    [{ schema: { Read: 'x' } }, /schema.Read must be a JSON Schema/],
    [{ pin: { Read: 'abc' } }, /pin.Read must be a definition or its digest/],
  ])('refuses %j', (options, message) => {
    expect(() => rules.tools(options as ToolsRuleOptions)).toThrow(message)
  })

  it('judges tool calls of every name without a prototype', async () => {
    expect(await judge([rules.tools({ quota: { Read: 1 }, schema: { Read: true } })], tool('__proto__', {}))).toMatchObject({
      response: 'allow',
    })
  })
})
