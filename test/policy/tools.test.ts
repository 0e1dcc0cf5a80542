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
      const judged = openJudge([rules.tools({ quota: { Read: 1 }, schema: { Read: { type: 'object', required: ['a'] } } })])
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

  describe('members that reach behind an object', () => {
    const inputs: readonly (readonly [string, string])[] = [
      ['__proto__', '{"__proto__":{"a":1}}'],
      ['constructor', '{"a":{"constructor":{}}}'],
      ['prototype', '{"a":[1,{"b":[{"prototype":null}]}]}'],
      ['__proto__', `${'{"a":['.repeat(5_000)}{"__proto__":1}${']}'.repeat(5_000)}`],
    ]

    it.each(inputs.map(([key, json]) => [key, json.slice(0, 40), json] as const))('%s in %s is refused', async (key, _, json) => {
      const rule = rules.tools({ allow: ['Read'], schema: { Read: true } })
      const action = { kind: 'tool', name: 'Read', input: JSON.parse(json) } as const
      const judged = openJudge([rule]).judge({ stage: 'action', action })
      expect(await judged).toMatchObject({ response: 'deny', details: `the input of tool "Read" has a member "${key}"` })
    })

    it('is found in maps and behind cycles', async () => {
      const circle: Record<string, unknown> = { a: 1 }
      circle.self = [circle, new Map([['x', { constructor: 1 }]])]
      expect(await uses('Read', { allow: ['Read'] }, circle)).toBe(false)
      delete circle.self
      circle.self = circle
      expect(await uses('Read', { allow: ['Read'] }, circle)).toBe(true)
    })

    it('a value of that name, and what an object has from its prototype, are none', async () => {
      expect(await uses('Read', { allow: ['Read'] }, { a: '__proto__', b: ['constructor'] })).toBe(true)
    })
  })

  describe('a strict schema', () => {
    it.each<[string, object, unknown, boolean]>([
      ['without a type would let other types pass: refused', { required: ['a'] }, 'text', false],
      ['with a type that is a union', { type: ['object', 'null'] }, null, true],
      ['with a keyword that is misspelt', { type: 'object', propertys: {} }, {}, false],
      ['with a format that is unknown', { type: 'string', format: 'uri' }, 'x', false],
      [
        'of draft 2020-12',
        {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'array',
          prefixItems: [{ type: 'string' }],
          items: false,
          minItems: 1,
        },
        ['a'],
        true,
      ],
      [
        'of draft 2020-12, broken',
        {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'array',
          prefixItems: [{ type: 'string' }],
          items: false,
          minItems: 1,
        },
        ['a', 'b'],
        false,
      ],
      ['of draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }, {}, true],
      [
        'with one of two required members',
        { type: 'object', properties: { a: {}, b: {} }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
        { b: 1 },
        true,
      ],
      [
        'that changes nothing: no default, no coercion',
        { type: 'object', properties: { n: { type: 'number', default: 1 } }, required: ['n'] },
        { n: '1' },
        false,
      ],
    ])('%s', async (_, schema, input, expected) => {
      expect(await uses('Read', { schema: { Read: schema } }, input)).toBe(expected)
    })
  })

  describe('MCP servers', () => {
    const url = 'https://mcp.example.com/'
    const server = (tool_configuration?: object) => ({
      mcp_servers: [{ type: 'url', url, name: 'git', ...(tool_configuration && { tool_configuration }) }],
    })
    const set = (more: object) => ({ ...server(), tools: [{ type: 'mcp_toolset', mcp_server_name: 'git', ...more }] })
    const only = (...names: string[]) =>
      set({ default_config: { enabled: false }, configs: Object.fromEntries(names.map(name => [name, { enabled: true }])) })
    const but = (...names: string[]) => set({ configs: Object.fromEntries(names.map(name => [name, { enabled: false }])) })

    it.each<[string, ToolsRuleOptions, object, boolean]>([
      ['all of a server', { allow: ['Read'] }, server(), false],
      ['all of a server, by the word for all', { allow: ['mcp_servers'] }, server(), true],
      ['all of a server, by its name', { allow: ['mcp__git'] }, server(), true],
      ['all of another server', { allow: ['mcp__gi'] }, server(), false],
      ['all of a server, where one tool is allowed', { allow: ['mcp__git__log'] }, server(), false],
      ['none of a server', { allow: ['Read'] }, server({ enabled: false }), true],
      ['one tool that is allowed', { allow: ['mcp__git__log'] }, server({ allowed_tools: ['log'] }), true],
      ['one tool more than is allowed', { allow: ['mcp__git__log'] }, server({ allowed_tools: ['log', 'push'] }), false],
      ['a set of one that is allowed', { allow: ['mcp__git__log'] }, only('log'), true],
      ['a set of one that is not', { allow: ['mcp__git__log'] }, only('push'), false],
      ['an empty set', { allow: ['Read'] }, only(), true],
      ['all but one, where another is denied', { deny: ['mcp__git__push'] }, but('log'), false],
      ['all but the one that is denied', { deny: ['mcp__git__push'] }, but('push'), true],
      ['all, where one is denied', { deny: ['mcp__git__push'] }, server(), false],
      ['a set without the one that is denied', { deny: ['mcp__git__push'] }, only('log'), true],
      ['a set with the one that is denied', { deny: ['mcp__git__push'], allow: ['mcp_servers'] }, only('push'), false],
      ['a denied server', { deny: ['mcp__git'] }, only('log'), false],
      ['all servers denied', { deny: ['mcp_servers'] }, server(), false],
      [
        'a server of two names',
        { allow: ['mcp__a__b__c'] },
        { tools: [{ type: 'mcp_toolset', mcp_server_name: 'a__b', default_config: { enabled: false }, configs: { c: {} } }] },
        false,
      ],
      ['a set without a server', { allow: ['Read'] }, { tools: [{ type: 'mcp_toolset' }] }, false],
      ['what is no server', { allow: ['Read'] }, { mcp_servers: [null] }, false],
    ])('%s', async (_, options, body, expected) => {
      expect(await passes(rules.tools(options), request(body))).toBe(expected)
    })

    it('tools of a client are judged as any other, by their whole name', async () => {
      expect(await uses('mcp__git__push', { deny: ['mcp__git__push'] })).toBe(false)
      expect(await uses('mcp__git__push', { allow: ['mcp__git__log'] })).toBe(false)
      expect(await uses('mcp__git__log', { allow: ['mcp__git__log'] })).toBe(true)
    })
  })

  describe('tools of the API server', () => {
    const search = (more: object = {}) => ({ type: 'web_search_20250305', name: 'web_search', ...more })

    it.each<[string, ToolsRuleOptions, object, boolean]>([
      ['under another name', { deny: ['web_search'] }, { tools: [search({ name: 'harmless' })] }, false],
      ['under a name that is allowed', { allow: ['Read'] }, { tools: [search({ name: 'Read' })] }, false],
      ['under its own name', { allow: ['web_search'] }, { tools: [search()] }, true],
      ['of a type that nobody knows', { allow: ['Read'] }, { tools: [{ type: 'time_machine_20300101', name: 'Read' }] }, false],
      ['brought by a message', { deny: ['web_search'] }, brought({ type: 'tool_definition', definition: search() }), false],
      ['brought by a message, of a server', { allow: ['Read'] }, brought({ type: 'mcp_toolset_reference', server_name: 'git' }), false],
      ['named by a message', { allow: ['Read'] }, brought({ type: 'tool_reference', name: 'Write' }), true],
    ])('%s', async (_, options, body, expected) => {
      expect(await passes(rules.tools(options), request(body))).toBe(expected)
    })

    it('are pinned where a message brings them, too', async () => {
      const rule = rules.tools({ pin: { web_search: search() } })
      expect(await passes(rule, request(brought({ type: 'tool_definition', definition: search() })))).toBe(true)
      expect(await passes(rule, request(brought({ type: 'tool_definition', definition: search({ max_uses: 9 }) })))).toBe(false)
    })

    describe('under a quota', () => {
      const quota = { web_search: 3, code_execution: 2, mcp__git__push: 1 }
      const open = () => {
        const judge = openJudge([rules.tools({ quota })])
        const asks = (...tools: object[]) =>
          judge.judge({ stage: 'action', action: request({ tools }) }) as { response: string; details?: string }
        const answers = (...content: object[]) =>
          judge.judge({ stage: 'result', action: request({}), result: { content } }) as { response: string; details?: string }
        return { judge, asks, answers }
      }
      const searched = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }
      const ran = { type: 'server_tool_use', id: 's', name: 'bash_code_execution', input: {} }
      const pushed = { type: 'mcp_tool_use', id: 's', name: 'push', server_name: 'git', input: {} }

      it('a request must say how many it may make, and no more than are left', () => {
        const { asks, answers } = open()
        expect(asks(search()).details).toBe('tool "web_search" may be called 3 times more; declare it with max_uses of at most that')
        expect(asks(search({ max_uses: 4 })).response).toBe('deny')
        expect(asks(search({ max_uses: 3 })).response).toBe('allow')
        expect(answers({ type: 'text', text: 'so' }, searched, searched).response).toBe('allow')
        expect(asks(search({ max_uses: 3 })).response).toBe('deny')
        expect(asks(search({ max_uses: 1 })).response).toBe('allow')
        expect(answers(searched).response).toBe('allow')
        expect(asks(search({ max_uses: 1 })).details).toBe('tool "web_search" has been called 3 times, 3 allowed')
      })

      it('what cannot be bounded beforehand is counted, and then refused', () => {
        const { asks, answers } = open()
        const code = { type: 'code_execution_20250825', name: 'code_execution' }
        expect(asks(code).response).toBe('allow')
        expect(answers(ran, ran, ran)).toMatchObject({
          response: 'deny',
          details: 'tool "code_execution" has been called 3 times, 2 allowed',
        })
        expect(asks(code).response).toBe('deny')
      })

      it('calls of MCP servers count by their whole name', () => {
        const { judge, answers } = open()
        const asks = () => judge.judge({ stage: 'action', action: request({ mcp_servers: [{ name: 'git', url: 'https://a.com' }] }) })
        expect(asks()).toMatchObject({ response: 'allow' })
        answers(pushed, { ...pushed, server_name: 'other' })
        expect(asks()).toMatchObject({ response: 'deny', details: 'tool "mcp__git__push" has been called 1 times, 1 allowed' })
      })

      it('calls of a client are counted once, whatever they give', () => {
        const { judge } = open()
        const call = { kind: 'tool', name: 'web_search', input: {} } as const
        for (let n = 0; n < 3; n++) {
          expect(judge.judge({ stage: 'action', action: call })).toMatchObject({ response: 'allow' })
          expect(judge.judge({ stage: 'result', action: call, result: { content: [searched] } })).toMatchObject({ response: 'allow' })
        }
        expect(judge.judge({ stage: 'action', action: call })).toMatchObject({ response: 'deny' })
      })

      it.each([undefined, null, 'text', { content: 'text' }, { content: [null, 1, { type: 'server_tool_use' }] }])(
        'an answer like %j counts nothing',
        result => {
          const { judge } = open()
          expect(judge.judge({ stage: 'result', action: request({}), result })).toMatchObject({ response: 'allow' })
        },
      )
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

/** A request whose last message brings a tool. */
function brought(tool: object): object {
  return {
    messages: [
      { role: 'user', content: 'Hello' },
      { role: 'system', content: [{ type: 'tool_addition', tool }] },
    ],
  }
}

describe('rules.offeredTools', () => {
  const bash = { name: 'Bash', input_schema: { type: 'object' } }

  it.each<[string, string, object, boolean]>([
    ['a tool that was offered', 'Bash', { tools: [bash] }, true],
    ['another one', 'Write', { tools: [bash] }, false],
    ['one of no tools', 'Bash', {}, false],
    ['another letter case (P30)', 'bash', { tools: [bash] }, false],
    ['another alphabet (P30)', 'Ваsh', { tools: [bash] }, false],
    ['a space behind it (P30)', 'Bash ', { tools: [bash] }, false],
    ['a member of every object', 'constructor', { tools: [bash] }, false],
    ['nothing', '', { tools: [bash] }, false],
    ['a typed tool', 'bash', { tools: [{ type: 'bash_20250124', name: 'bash' }] }, true],
    ['one of a set of many names', 'left_click', { tools: [{ type: 'computer_toolset_20260801' }] }, true],
    ['one that a message has brought', 'Bash', brought({ type: 'tool_definition', definition: bash }), true],
    ['one that a message has named', 'Bash', brought({ type: 'tool_reference', name: 'Bash' }), true],
    ['another one than a message has brought', 'Write', brought({ type: 'tool_definition', definition: bash }), false],
    ['one of a thread, which does not say them again', 'Bash', { thread: { id: 't' } }, true],
    ['one that a thread is begun with', 'Bash', { thread: { type: 'create' }, tools: [bash] }, true],
    ['another one than a thread is begun with', 'Write', { thread: { type: 'create' }, tools: [bash] }, false],
    ['what cannot be read', 'Bash', { tools: [null, 1], messages: [null, { content: [null] }] }, false],
  ])('%s (P32)', (_, name, body, expected) => {
    const judge = openJudge([rules.offeredTools()])
    const judged = judge.judge({ stage: 'action', action: tool(name, {}), askedIn: request(body) })
    expect(judged).toMatchObject({ response: expected ? 'allow' : 'deny' })
  })

  it('does not look at a call that comes by itself', async () => {
    expect(await passes(rules.offeredTools(), tool('Bash', {}))).toBe(true)
  })
})
