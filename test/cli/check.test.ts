import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { memoryLog } from 'outrigger/ctx'
import { withBudget, withMetrics, withRetry } from 'outrigger/middleware'
import { configSchema } from '../../lib/cli/config-schema.js'
import { root } from '../docs/documents.js'
import { folderWith, runMain } from './run-main.js'

const checking = (text: string, ...options: string[]) =>
  runMain(['check', ...options], { cwd: folderWith({ 'outrigger.config.json': text }) })

describe('outrigger check', () => {
  it('prints a valid configuration', async () => {
    const { code, stdout } = await checking('{"budget": {"usd": 1}}')
    expect(code).toBe(0)
    expect(stdout).toContain('"usd": 1')
  })

  it('prints one document with --json', async () => {
    const cwd = folderWith({ 'outrigger.config.json': '{"agent": {"name": "a"}}' })
    const { stdout } = await runMain(['check', '--json'], { cwd })
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      file: join(cwd, 'outrigger.config.json'),
      config: { agent: { name: 'a' } },
      agents: [expect.objectContaining({ name: 'a', type: 'outside', record: join(cwd, '.context'), account: null })],
    })
  })

  it('never prints the value of a header', async () => {
    const { stdout } = await checking('{"claude": {"timeout": 5, "headers": {"x-key": "secret"}}}')
    expect(stdout).toContain('"x-key": "(hidden)"')
    expect(stdout).not.toContain('secret')
  })

  it('ends with 1 and a line a fault', async () => {
    const { code, stdout, stderr } = await checking('{"a": 1,\n"b": 2}')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^outrigger\.config\.json:1:2 unknown key "a"/),
      expect.stringMatching(/^outrigger\.config\.json:2:1 unknown key "b"/),
      '',
    ])
  })

  it('lists the faults with --json, on stdout alone', async () => {
    const { code, stdout, stderr } = await checking('{"a": 1}', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, findings: [{ line: 1, column: 2, message: expect.any(String) }] })
  })

  it('is wrong use where there is nothing to check', async () => {
    const { code, stderr } = await runMain(['check'], { cwd: folderWith({}) })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'outrigger: no configuration here; create outrigger.config.json, or name one with --config FILE\n',
    })
  })

  describe('explains', () => {
    const agents = [
      { name: 'scribe', preset: 'mortal', budget: { usd: 2 }, layers: { withHealth: false } },
      { name: 'guest', type: 'visitor', account: 'guests', signing: false, policy: 'guest.json' },
    ]
    const config = JSON.stringify({ ledger: 'books.db', record: 'notes', agents })
    const folder = () => folderWith({ 'outrigger.config.json': config, 'guest.json': '{"rules": [{"maxTokens": 10}]}' })

    it('the chain of every agent', async () => {
      const cwd = folder()
      const { code, stdout } = await runMain(['check', '--json'], { cwd })
      expect(code).toBe(0)
      const [scribe, guest] = JSON.parse(stdout).agents
      expect(scribe).toMatchObject({ name: 'scribe', preset: 'mortal', record: join(cwd, 'notes'), account: 'scribe' })
      expect(scribe.explain).toMatch(/^scribe, outermost first\nsend:\n {2}withSigning \{"log":/)
      expect(scribe.explain).toContain('"nanoUsd":2000000000')
      expect(guest).toMatchObject({ name: 'guest', type: 'visitor', record: null, account: 'guests' })
      expect(guest.explain).toContain('"project":')
      expect(guest.explain).not.toContain('withSigning')
    })

    it('as text, below the configuration', async () => {
      const { stdout } = await runMain(['check'], { cwd: folder() })
      expect(stdout).toMatch(
        /is valid:\n\{[\s\S]*\n\}\n\nscribe: preset mortal, record in .*notes, account scribe\n {2}scribe, outermost first\n/,
      )
      expect(stdout).toMatch(/\nguest: .*no folder of records, account guests\n/)
    })

    it('and writes nothing: no record, no keys, no books', async () => {
      const cwd = folder()
      await runMain(['check'], { cwd })
      expect(readdirSync(cwd).sort()).toEqual(['guest.json', 'outrigger.config.json'])
    })

    it('a stack that a module makes, and what in it is no JSON', async () => {
      const cwd = folderWith({ 'outrigger.config.mjs': '' })
      const module = {
        default: {
          agents: [{ name: 'own', use: () => [withMetrics(), withBudget({ usd: 3 })] }],
          layers: { withSigning: { log: memoryLog() } },
        },
      }
      const { stdout } = await runMain(['check', '--json'], { cwd, importModule: async () => module })
      const { config, agents } = JSON.parse(stdout)
      expect(config.agents).toEqual([{ name: 'own', use: '(function)' }])
      expect(agents[0].explain).toContain('"nanoUsd":3000000000')
      expect(agents[0].preset).toBeNull()
    })
  })

  describe('finds what only the layers know', () => {
    const finding = async (agents: readonly object[], more = {}) => {
      const text = JSON.stringify({ ...more, agents }, null, 1)
      const { code, stdout } = await checking(text, '--json')
      return { code, findings: JSON.parse(stdout).findings as readonly { message: string; line: number }[] }
    }

    it.each([
      [{ preset: 'nobody' }, /^agent "b": there is no preset "nobody" beside outrigger.* install outrigger-preset-nobody there/, 8],
      [{ type: 'x', layers: { withMagic: {} } }, /^agent "b": the preset "claude-code" has no withMagic, asked for by layers/, 10],
      [{ layers: { withRetry: { tries: 1 } } }, /^agent "b": withRetry: unknown option "tries"/, 9],
      [{ policy: 'gone.json' }, /^agent "b": .*gone\.json.*there is no such file/, 8],
      [{ layers: { withBudget: { estimate: 'calibrated' } } }, /^agent "b": withBudget: estimate: 'calibrated' reserves less/, 9],
      [{ budget: { usd: 1 }, layers: { withBudget: false } }, /^agent "b": withBudget is switched off in layers/, 12],
    ])('%j, and points at the line', async (wrong, message, line) => {
      const { code, findings } = await finding([{ name: 'a' }, { name: 'b', ...wrong }])
      expect(code).toBe(1)
      expect(findings).toMatchObject([{ message: typeof message === 'string' ? message : expect.stringMatching(message), line }])
    })

    it('said at the top, and points there', async () => {
      const { findings } = await finding([{ name: 'a' }], { preset: 'nobody' })
      expect(findings).toMatchObject([{ line: 2, column: 2 }])
    })

    it('of a stack out of order, and points at the agent', async () => {
      const use = () => [withBudget({ usd: 1 }), withRetry()]
      const cwd = folderWith({ 'outrigger.config.mjs': '' })
      const importModule = async () => ({ default: { agents: [{ name: 'own', use }] } })
      const { code, stdout } = await runMain(['check', '--json'], { cwd, importModule })
      expect(code).toBe(1)
      expect(JSON.parse(stdout).findings).toEqual([{ message: expect.stringMatching(/^agent "own": .*withRetry/) }])
    })

    it('of every agent, not of the first alone', async () => {
      const { findings } = await finding([
        { name: 'a', preset: 'x1' },
        { name: 'b', preset: 'x2' },
      ])
      expect(findings.map(({ line }) => line)).toEqual([5, 9])
    })
  })

  it('prints the schema, which is the file that editors read', async () => {
    const { code, stdout } = await runMain(['check', '--schema'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(configSchema)
    expect(readFileSync(join(root, 'docs/outrigger.config.schema.json'), 'utf8')).toBe(stdout)
  })
})
