import { chmodSync, rmSync } from 'node:fs'
import { type Call, ConfigError, createSidecar, type SidecarEvent, ViolationError } from 'outrigger'
import { memoryLog } from 'outrigger/ctx'
import { withSigning, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { bytesOf, linesIn } from '../../ctx/log-rig.js'
import { scratch } from './folder.js'

const folder = scratch()
const write = (...made: readonly object[]) => folder.write('outrigger.policy.json', { rules: made })

/** A sidecar under a project's file, on a clock that only the test moves. */
function under(options: { readonly allowLoosening?: boolean; readonly use?: readonly any[]; readonly rules?: readonly any[] } = {}) {
  const clock = new VirtualClock()
  const { allowLoosening = false, use = [], rules: own = [] } = options
  const layer = withViolations({ rules: own, project: `${folder.path}/outrigger.policy.json`, allowLoosening })
  const sidecar = createSidecar({ agent: { name: 'worker', send: async () => '' }, use: [...use, layer] as any, clock }) as any
  const told: (readonly [string, string])[] = []
  const digests: string[] = []
  sidecar.subscribe((event: SidecarEvent) => {
    if (event.type !== 'policy') return
    told.push([event.change, event.reason])
    digests.push(event.digest)
  })
  const call = (name: string, run: () => unknown = () => 'done') =>
    sidecar.io
      .tool({ name, run: async () => run() })
      .run({})
      .catch((error: unknown) => (error instanceof ViolationError ? `refused by ${error.ruleId}` : String(error)))
  /** Long enough for the files to be looked at again. */
  const later = () => clock.advance(300)
  return { sidecar, clock, told, digests, call, later }
}

describe('a file of rules that changes while a sidecar lives', () => {
  it('is heeded from the start, and cannot take away what the agent is under by itself', async () => {
    write({ tools: { deny: ['Mail'] } })
    const { call } = under({ rules: [rules.tools({ deny: ['Task'], id: 'own' })] })
    expect([await call('Mail'), await call('Task'), await call('Read')]).toEqual(['refused by tools', 'refused by own', 'done'])
  })

  it('a tightening takes effect at the next action', async () => {
    write({ tools: { deny: ['Mail'] } })
    const { call, later, told } = under()
    write({ tools: { deny: ['Mail', 'Read'] } })
    await later()
    expect([await call('Read'), await call('Mail'), await call('Write')]).toEqual(['refused by tools', 'refused by tools', 'done'])
    expect(told).toEqual([['tightened', 'the rules are stricter']])
  })

  it('a loosening has no effect, and what tightens beside it has', async () => {
    write({ tools: { deny: ['Mail'] } })
    const { call, later, told } = under()
    write({ tools: { deny: ['Read'] } })
    await later()
    expect([await call('Mail'), await call('Read')]).toEqual(['refused by tools', 'refused by tools'])
    expect(told).toEqual([['heldBack', 'still in force, though the file no longer says so: tools; allow loosening, or start again']])
    write()
    await later()
    expect(await call('Mail')).toBe('refused by tools')
  })

  it.each([
    ['a rule that is gone', []],
    ['a weaker response', [{ tools: { deny: ['Mail'], response: 'warn' } }]],
    ['shadow', [{ tools: { deny: ['Mail'], shadow: true } }]],
    ['a shorter list', [{ tools: { deny: ['Task'] } }]],
  ])('a loosening takes effect where it is allowed: %s', async (_, changed) => {
    write({ tools: { deny: ['Mail'] } })
    const [strict, free] = [under(), under({ allowLoosening: true })]
    write(...changed)
    await Promise.all([strict.later(), free.later()])
    expect([await strict.call('Mail'), await free.call('Mail')]).toEqual(['refused by tools', 'done'])
    expect([strict.told[0]![0], free.told[0]![0]]).toEqual(['heldBack', 'loosened'])
  })

  it.each([
    ['is no JSON any more', () => folder.write('outrigger.policy.json', '{"rules": ['), /is not valid JSON/],
    ['is gone', () => rmSync(`${folder.path}/outrigger.policy.json`), /there is no such file/],
    ['may be written by others', () => chmodSync(`${folder.path}/outrigger.policy.json`, 0o666), /others may write it \(mode 666\)/],
    ['says what no rule knows', () => write({ tools: { refuse: ['Mail'] } }), /outrigger\.policy\.json:1:12 rules\.tools: give one of/],
  ])('keeps the rules in force where it %s, says so once, and goes on when it is mended', async (_, harm, reason) => {
    write({ tools: { deny: ['Mail'] } })
    const { call, later, told } = under()
    harm()
    for (const _time of [1, 2, 3]) {
      await later()
      expect([await call('Mail'), await call('Read')]).toEqual(['refused by tools', 'done'])
    }
    expect(told).toEqual([['broken', expect.stringMatching(reason)]])
    rmSync(`${folder.path}/outrigger.policy.json`, { force: true })
    write({ tools: { deny: ['Mail', 'Read'] } })
    await later()
    expect(await call('Read')).toBe('refused by tools')
    expect(told[1]![0]).toBe('tightened')
  })

  it('goes on counting where a quota becomes smaller', async () => {
    write({ tools: { quota: { Mail: 3 } } })
    const { call, later } = under()
    expect([await call('Mail'), await call('Mail')]).toEqual(['done', 'done'])
    write({ tools: { quota: { Mail: 2 } } })
    await later()
    expect(await call('Mail')).toBe('refused by tools')
  })

  it('judges children by the rules of now, too', async () => {
    write({ tools: { deny: ['Mail'] } })
    const { sidecar, later } = under()
    const agent = {
      name: 'child',
      send: (_: string, call: any) =>
        call
          .tool({ name: 'Read', run: async () => 'done' })
          .run({})
          .catch((error: ViolationError) => error.ruleId),
    }
    const child = await sidecar.io.spawn({ agent, use: [] })
    expect(await child.send('go')).toBe('done')
    write({ tools: { deny: ['Mail', 'Read'] } })
    await later()
    expect(await child.send('go')).toBe('tools')
  })

  it('stands in every record by its digest: another after a change', async () => {
    write({ tools: { deny: ['Mail'] } })
    const log = memoryLog()
    const { call, later, digests } = under({ use: [withSigning({ log, files: 'none' })] })
    await call('Read')
    write({ tools: { deny: ['Mail', 'Task'] } })
    await later()
    await call('Read')
    const [id] = await log.list()
    const policies = linesIn(await bytesOf(log, id!))
      .map(line => JSON.parse(line).body?.policy)
      .filter(policy => typeof policy === 'string')
    expect(new Set(policies).size).toBe(2)
    expect(policies.at(-1)).toBe(digests.at(-1))
  })

  it('judges a call again that was judged and has not begun, by the rules of now', async () => {
    write({ tools: { deny: ['Mail'] } })
    const ran: string[] = []
    const clock = new VirtualClock()
    const mock = mockModel().reply({ toolUse: { name: 'Read', input: { file_path: 'a' } } })
    const sidecar = createSidecar({
      agent: {
        name: 'worker',
        send: async (_: string, { claude, tool }: Call) => {
          const tools = [{ name: 'Read', input_schema: { type: 'object' as const } }]
          const asked = await claude.messages.create({
            model: 'claude-haiku-4-5',
            max_tokens: 9,
            tools,
            messages: [{ role: 'user', content: 'go' }],
          })
          const use = asked.content.find(block => block.type === 'tool_use')!
          write({ tools: { deny: ['Mail', 'Read'] } })
          await clock.advance(300)
          return (tool({ name: 'Read', run: async () => ran.push('Read') }) as any).run(use.input, { toolUseId: use.id })
        },
      },
      use: [withViolations({ rules: [], project: `${folder.path}/outrigger.policy.json` })],
      claude: { upstream: mock.upstream },
      clock,
    } as any) as any
    await expect(sidecar.send('go')).rejects.toMatchObject({ code: 'ERR_VIOLATION', ruleId: 'tools' })
    expect([ran, mock.requests.length]).toEqual([[], 1])
  })

  it('judges what an action gave by the rules of now, which looked at no result when it began', async () => {
    write({ tools: { deny: ['Mail'] } })
    const { call, clock } = under()
    const given = call('Read', async () => {
      write({ tools: { deny: ['Mail'] } }, { content: { deny: ['ACME'], stages: ['result'] } })
      await clock.advance(300)
      return 'all about ACME'
    })
    expect(await given).toBe('refused by content')
  })

  it('is not put in shadow with the rules of the agent, nor is what keeps its file from being written', async () => {
    folder.write('named.json', { rules: [{ tools: { deny: ['Mail'] } }] })
    const layer = withViolations({
      rules: [rules.tools({ deny: ['Task'], id: 'own' })],
      project: `${folder.path}/named.json`,
      shadow: true,
    })
    const sidecar = createSidecar({ agent: { name: 'worker', send: async () => '' }, use: [layer] }) as any
    const call = (name: string, input: object = {}) =>
      sidecar.io
        .tool({ name, run: async () => 'done' })
        .run(input)
        .catch((error: ViolationError) => error.ruleId)
    expect([await call('Task'), await call('Mail')]).toEqual(['done', 'tools'])
    expect(await call('Write', { file_path: `${folder.path}/named.json` })).toBe('selfModification')
    expect(await call('Bash', { command: `echo > ${folder.path}/named.json` })).toBe('selfModification')
  })

  it.each([
    [{ project: 5 }, /project must be true or the path of a file/],
    [{ project: '' }, /project must be true or the path of a file/],
    [{ project: true, allowLoosening: 'yes' }, /allowLoosening must be true or false/],
    [{ project: true, readPolicy: 'x' }, /readPolicy must be a function/],
  ])('refuses the options %j at once', (options, message) => {
    expect(() => withViolations({ rules: [], ...options } as never)).toThrow(message)
  })

  it('no sidecar starts where the file is missing or wrong', () => {
    const start = () =>
      createSidecar({
        agent: { name: 'worker', send: async () => '' },
        use: [withViolations({ rules: [], project: `${folder.path}/outrigger.policy.json` })],
      })
    expect(start).toThrow(ConfigError)
    write({ tools: { refuse: [] } })
    expect(start).toThrow(/outrigger\.policy\.json:1:12/)
  })

  it('is looked at by actions alone, four times a second at most', async () => {
    write({ tools: { deny: ['Mail'] } })
    let reads = 0
    const clock = new VirtualClock()
    const readPolicy = () => {
      reads++
      return '{"rules": [{"tools": {"deny": ["Mail"]}}]}'
    }
    const sidecar = createSidecar({
      agent: { name: 'worker', send: async () => '' },
      use: [withViolations({ rules: [], project: 'any.json', readPolicy })],
      clock,
    })
    const before = reads
    for (let n = 0; n < 100; n++) await sidecar.send('go')
    expect(reads).toBe(before)
    await clock.advance(10_000)
    expect([reads, clock.pending]).toEqual([before, 0])
    await sidecar.send('go')
    expect(reads).toBe(before + 1)
  })
})
