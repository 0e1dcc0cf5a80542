import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Action, createSidecar, type Kind, ViolationError } from 'outrigger'
import { withViolations } from 'outrigger/middleware'
import { type Response, type Rule, type RuleOptions, rules } from 'outrigger/policy'
import { mockModel } from 'outrigger/testing'
import { failure, rig } from '../core/rig.js'
import { actions, guarded } from './guarded.js'

const responses: readonly Response[] = ['warn', 'notifyParent', 'deny', 'pause', 'reap']
const blocks = (response: Response) => response !== 'warn' && response !== 'notifyParent'

const tool = (name: string, input: object): Action => ({ kind: 'tool', name, input })
const model = actions.model as Extract<Action, { kind: 'model' }>
const spawn = actions.spawn as Extract<Action, { kind: 'spawn' }>

interface Case {
  make(options: RuleOptions): Rule
  readonly bad: Action
  readonly good: Action
}

/** Each kind of rule, with an action that breaks it and one that does not. */
const before: Readonly<Record<string, Case>> = {
  commands: {
    make: options => rules.commands({ deny: ['rm'], ...options }),
    bad: tool('Bash', { command: 'ls; rm -rf build' }),
    good: tool('Bash', { command: 'ls build' }),
  },
  files: {
    make: options => rules.files({ read: ['docs'], root: process.cwd(), ...options }),
    bad: tool('Read', { file_path: '/etc/passwd' }),
    good: tool('Read', { file_path: 'docs/guide.md' }),
  },
  network: {
    make: options => rules.network({ allow: ['example.com'], ...options }),
    bad: tool('WebFetch', { url: 'https://example.org/' }),
    good: tool('WebFetch', { url: 'https://example.com/' }),
  },
  tools: {
    make: options => rules.tools({ deny: ['Deploy'], ...options }),
    bad: tool('Deploy', {}),
    good: tool('Test', {}),
  },
  content: {
    make: options => rules.content({ deny: ['ACME'], ...options }),
    bad: { kind: 'send', message: 'from ACME' },
    good: { kind: 'send', message: 'from us' },
  },
  maxTokens: {
    make: options => rules.maxTokens(100, options),
    bad: { ...model, maxTokens: 101 },
    good: model,
  },
  maxChildren: {
    make: options => rules.maxChildren(2, options),
    bad: { ...spawn, siblings: 2 },
    good: spawn,
  },
  selfModification: {
    make: options => rules.selfModification({ ...options, id: 'own', paths: ['steering.db'] }),
    bad: tool('Write', { file_path: 'steering.db', content: '' }),
    good: tool('Write', { file_path: 'notes.md', content: '' }),
  },
  rule: {
    make: options =>
      rules.rule({ id: 'odd', check: ({ action }) => (action.kind === 'send' ? { details: 'odd' } : undefined), ...options }),
    bad: actions.send,
    good: actions.tool,
  },
}

const rows = <T>(cases: Readonly<Record<string, T>>) =>
  Object.entries(cases).flatMap(([name, one]) => responses.map(response => [name, response, one] as const))

describe('each kind of rule and each response, before the effect', () => {
  it('are all in this table', () => {
    // One looks at calls that a model asks for, and never at an action by itself.
    expect([...Object.keys(before), 'offeredTools'].sort()).toEqual(Object.keys(rules).sort())
  })

  it.each(rows(before))('%s, %s', async (_name, response, { make, bad, good }) => {
    const rule = make({ response })
    const { act, effects, host, layer, of } = guarded([rule])
    expect(await act(good, 'fine')).toBe('fine')
    const ended = await act(bad, 'done').catch(error => error)
    if (blocks(response)) {
      expect(ended).toBeInstanceOf(ViolationError)
      expect(ended).toMatchObject({ ruleId: rule.id, response, kind: bad.kind, stage: 'action' })
    } else expect(ended).toBe('done')
    expect(effects).toHaveLength(blocks(response) ? 1 : 2)
    expect(layer.meta.expose.violations).toEqual([expect.objectContaining({ ruleId: rule.id, response, kind: bad.kind })])
    expect(of('decision')).toHaveLength(response === 'notifyParent' ? 1 : 0)
    expect([host.status.paused, host.status.reaped].map(Boolean)).toEqual([response === 'pause', response === 'reap'])
  })
})

describe('the kinds of rule that judge results, and each response, after the effect', () => {
  const kinds: readonly Kind[] = ['send', 'model', 'tool']
  const after = {
    content: (options: RuleOptions) => rules.content({ deny: ['ACME'], stages: ['result'], ...options }),
    rule: (options: RuleOptions) =>
      rules.rule({
        id: 'own',
        stages: ['result'],
        check: ({ result }) => (JSON.stringify(result).includes('ACME') ? { details: 'a name' } : undefined),
        ...options,
      }),
  }
  const ways = rows(after).flatMap(([rule, response, make]) =>
    (['withhold', 'release'] as const).flatMap(onResult => kinds.map(kind => ({ rule, response, make, onResult, kind }))),
  )

  it.each(ways)('$rule, $response, $onResult, of a $kind', async ({ response, make, onResult, kind }) => {
    const bad = { content: [{ type: 'text', text: 'from ACME' }] }
    const { act, effects, host, layer } = guarded([make({ response, onResult })])
    expect(await act(kind, 'fine')).toBe('fine')
    const ended: any = await act(kind, bad).catch(error => error)
    const withheld = blocks(response) && onResult === 'withhold'
    if (withheld) expect(ended).toMatchObject({ code: 'ERR_VIOLATION', response, kind, stage: 'result' })
    else expect(ended).toBe(bad)
    expect(effects).toHaveLength(2)
    expect(layer.meta.expose.violations).toHaveLength(1)
    expect(JSON.stringify([ended.message, layer.meta.expose.violations])).not.toContain('ACME')
    expect([host.status.paused, host.status.reaped].map(Boolean)).toEqual([response === 'pause', response === 'reap'])
  })
})

describe('rules.network', () => {
  it('holds a redirect to a forbidden host: not a byte is sent there', async () => {
    let connections = 0
    const listen = async (server: Server) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    }
    const forbidden = createServer((_, response) => response.end('too late')).on('connection', () => connections++)
    const to = await listen(forbidden)
    const allowed = createServer((_, response) => response.writeHead(302, { location: `http://127.0.0.1:${to}/` }).end())
    const from = await listen(allowed)
    const { sidecar } = rig([withViolations({ rules: [rules.network({ allow: [`127.0.0.1:${from}`] })] })])
    expect(await failure(sidecar.fetch(`http://127.0.0.1:${from}/`))).toMatchObject({ ruleId: 'network', kind: 'tool' })
    expect(connections).toBe(0)
    expect((await rig([]).sidecar.fetch(`http://127.0.0.1:${from}/`)).status).toBe(200)
    expect(connections).toBe(1)
    for (const server of [forbidden, allowed]) {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe('a child that was spawned', () => {
  const upstream = () => mockModel({ otherwise: () => ({ text: 'done' }) }).upstream
  const agent = (name: string) => ({
    name,
    send: async (input: string, { tool: guard }: any) => guard({ name: 'Deploy', run: () => 'deployed' }).run(input),
  })
  const deny = rules.tools({ deny: ['Deploy'] })

  it('without a layer of its own is judged by the rules of its parent, which hears of it', async () => {
    const parent = createSidecar({ agent: agent('jake'), use: [withViolations({ rules: [deny] })], claude: { upstream: upstream() } })
    const heard: unknown[] = []
    parent.subscribe(event => void (event.type === 'violation' && heard.push(event)))
    const child = await parent.io.spawn({ name: 'mortal', agent: agent('mortal'), use: [] })
    expect(await failure(child.send('go'))).toMatchObject({ ruleId: 'tools' })
    expect(heard).toEqual([expect.objectContaining({ ruleId: 'tools', child: child.id, agent: parent.id })])
    expect((child as any).violations).toHaveLength(1)
    expect(parent.violations).toEqual([])
    await parent.close()
  })

  it('is judged by the rules that its spawn gives, and loosens none of them', async () => {
    const parent = createSidecar({ agent: agent('jake'), use: [withViolations({ rules: [] })], claude: { upstream: upstream() } })
    const use = [withViolations({ rules: [rules.tools({ deny: ['Deploy'], response: 'warn' })] })]
    const child = await parent.io.spawn({ name: 'mortal', agent: agent('mortal'), use, rules: [deny] } as any)
    expect(await failure((child as any).send('go'))).toMatchObject({ ruleId: 'tools', response: 'deny' })
    expect(await parent.send('go').catch(error => error)).toBe('deployed')
    await parent.close()
  })

  it('is one of so many: maxChildren is the parent’s', async () => {
    const use = [withViolations({ rules: [rules.maxChildren(1)] })]
    const parent = createSidecar({ agent: agent('jake'), use, claude: { upstream: upstream() } })
    const start = (name: string) => parent.io.spawn({ name, agent: agent(name), use: [] })
    const results = await Promise.allSettled([start('a'), start('b')])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(parent.children).toHaveLength(1)
    expect(parent.violations).toMatchObject([{ ruleId: 'maxChildren', kind: 'spawn' }])
    await parent.close()
  })
})
