import { Ajv } from 'ajv'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadPublicKey, verifyLogs } from 'outrigger/ctx'
import { folderWith, runMain } from './run-main.js'

const pages = { 'README.md': 'one two three four', 'short.md': 'one' }

const tokens = { type: 'integer', minimum: 0 }
const share = { type: 'number', minimum: 0, maximum: 1 }
const violation = {
  type: 'object',
  additionalProperties: false,
  required: ['ruleId', 'response', 'details'],
  properties: {
    ruleId: { type: 'string' },
    response: { enum: ['warn', 'notifyParent', 'deny', 'pause', 'reap'] },
    details: { type: 'string' },
  },
}
const agent = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'type', 'state', 'health', 'tokenUsage', 'nanoUsd', 'calls', 'attempts', 'utilization', 'saturation', 'violations'],
  properties: {
    name: { type: 'string' },
    type: { type: 'string' },
    parent: { type: 'string' },
    state: { enum: ['summoned', 'working', 'waitingForInput', 'waitingForWakeup', 'verifying', 'done', 'dismissed', 'failedReaped'] },
    health: {
      enum: ['healthy', 'degraded', 'failing', 'spinning', 'stalled', 'errorSpiral', 'malfunction', 'budgetExceeded', 'paused', 'reaped'],
    },
    tokenUsage: {
      type: 'object',
      additionalProperties: false,
      required: ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'certainty'],
      properties: {
        input: tokens,
        output: tokens,
        cacheRead: tokens,
        cacheWrite5m: tokens,
        cacheWrite1h: tokens,
        certainty: { enum: ['measured', 'estimated', 'unknown'] },
      },
    },
    nanoUsd: tokens,
    calls: tokens,
    attempts: tokens,
    utilization: share,
    saturation: share,
    violations: { type: 'array', items: violation },
  },
}
const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['mode', 'agents', 'record', 'durationMs'],
  properties: {
    mode: { enum: ['scripted', 'claude'] },
    agents: { type: 'array', minItems: 1, items: agent },
    record: {
      type: 'object',
      additionalProperties: false,
      required: ['records', 'verdict'],
      properties: { records: tokens, verdict: { enum: ['ok', 'bad', 'unanchored'] } },
    },
    durationMs: { type: 'number', minimum: 0 },
  },
}

/** Runs the job once; its record goes to a folder of its own. */
async function run(...args: readonly string[]) {
  const cwd = folderWith(pages)
  return { ...(await runMain(['start', '--dir', 'record', ...args], { cwd })), record: join(cwd, 'record') }
}

describe('start', () => {
  describe('with --json', () => {
    it('prints one document of the promised shape and nothing else', async () => {
      const { code, stdout, stderr } = await run('--json')
      const validate = new Ajv().compile(schema)
      const report = JSON.parse(stdout)
      expect(validate(report) ? [] : validate.errors).toEqual([])
      expect({ code, stderr, mode: report.mode }).toEqual({ code: 0, stderr: '', mode: 'scripted' })
    })

    it('shows three agents: a coordinator, one whose 529 was retried and whose command was refused, one stopped by its budget', async () => {
      const { stdout } = await run('--json')
      const { agents } = JSON.parse(stdout)
      expect(agents).toMatchObject([
        { name: 'jake', type: 'jake', state: 'dismissed', health: 'healthy', calls: 2, attempts: 2, violations: [] },
        { name: 'counter', type: 'mortal', parent: 'jake', state: 'dismissed', health: 'healthy', calls: 3, attempts: 4 },
        { name: 'reader', type: 'mortal', parent: 'jake', state: 'dismissed', health: 'budgetExceeded', calls: 2, violations: [] },
      ])
      const [, counter, reader] = agents
      expect(counter.violations).toEqual([{ ruleId: 'commands', response: 'deny', details: expect.stringContaining('"rm"') }])
      // 612 + 701 + 774 in at $1 a million, 74 + 52 + 31 out at $5 a million; the reader: 598 and 3,900.
      expect(counter.nanoUsd).toBe((612 + 701 + 774) * 1_000 + (74 + 52 + 31) * 5_000)
      expect(reader.nanoUsd).toBe(598 * 1_000 + 3_900 * 5_000)
      expect(counter.tokenUsage).toMatchObject({ input: 2_087, output: 157, certainty: 'measured' })
    })

    it('ends with a record that verifies, also from its files alone, and that shows the refusals', async () => {
      const { stdout, record } = await run('--json')
      const { records, verdict } = JSON.parse(stdout).record
      expect(verdict).toBe('ok')
      const found = await verifyLogs(record, { publicKey: loadPublicKey(record) })
      expect(found).toMatchObject({ verdict: 'unanchored', records, problems: [] })
      expect(found.logs).toHaveLength(3)
      const log = await runMain(['ctx', 'log', '--dir', record])
      expect(log.stdout).toContain('command \\"rm\\"')
      expect(log.stdout).toContain('budget: ')
    })
  })

  it('says plainly that the answers are scripted, and tells what happens while it happens', async () => {
    const { code, stdout } = await run()
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^No ANTHROPIC_API_KEY: the answers come from a script/)
    const first = (text: string) => lines.findIndex(line => line.includes(text))
    const inOrder = (...texts: readonly string[]) => {
      const places = texts.map(first)
      expect(places.filter(place => place < 0)).toEqual([])
      expect([...places].sort((a, b) => a - b)).toEqual(places)
    }
    inOrder(
      'jake       spawn counter',
      'counter    violation: commands',
      'before it ran',
      '529 overloaded_error',
      'attempt 2',
      'counter (mortal',
    )
    inOrder('reader     budget: the next call does not fit', 'jake       is told: budgetExceeded: reader', 'verifying every signed record')
  })

  it('suggests commands that read and verify the record, in a clone and where the package is installed', async () => {
    const { stdout } = await run()
    const suggested = [...stdout.matchAll(/^ {2}(?:read|verify) them: +(.+)$/gm)].map(match => match[1]!.split(' '))
    // npx finds a program of the package that it stands in by its name alone; `-p` makes it look in node_modules/.bin, which a clone lacks.
    expect(suggested.map(([npx, bin]) => [npx, bin])).toEqual([
      ['npx', 'outrigger'],
      ['npx', 'outrigger'],
    ])
    const [read, verify] = await Promise.all(suggested.map(([, , ...argv]) => runMain(argv)))
    expect(read!.stdout).toContain('command \\"rm\\"')
    expect(verify).toMatchObject({ code: 0, stdout: expect.stringContaining('unanchored') })
  })

  it('does not run the forbidden command', async () => {
    const cwd = folderWith(pages)
    mkdirSync(join(cwd, 'docs'))
    await runMain(['start', '--dir', 'record', '--json'], { cwd })
    expect(existsSync(join(cwd, 'docs'))).toBe(true)
  })

  it('ends when it is interrupted', async () => {
    const interrupt = new AbortController()
    const stdout = { write: (text: string) => void (text.includes('tool list_pages') && interrupt.abort(new Error('SIGINT'))) }
    const { code, stderr } = await runMain(['start', '--dir', 'record'], { cwd: folderWith(pages), signal: interrupt.signal, stdout })
    expect(code).not.toBe(0)
    expect(stderr).not.toContain('    at ')
  })
})
