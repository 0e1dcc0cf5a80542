import { Ajv } from 'ajv'
import { folderWith, runMain } from './run-main.js'

const pages = { 'README.md': 'one two three four', 'short.md': 'one' }

const tokens = { type: 'integer', minimum: 0 }
const share = { type: 'number', minimum: 0, maximum: 1 }
const violation = {
  type: 'object',
  required: ['ruleId', 'response'],
  properties: { ruleId: { type: 'string' }, response: { type: 'string' }, details: {} },
}
const agent = {
  type: 'object',
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
      properties: { records: tokens, verdict: { type: 'string' } },
    },
    durationMs: { type: 'number', minimum: 0 },
  },
}

describe('start', () => {
  describe('with --json', () => {
    it('prints one document of the promised shape and nothing else', async () => {
      const { code, stdout, stderr } = await runMain(['start', '--json'], { cwd: folderWith(pages) })
      const validate = new Ajv().compile(schema)
      const report = JSON.parse(stdout)
      expect(validate(report) ? [] : validate.errors).toEqual([])
      expect({ code, stderr, mode: report.mode }).toEqual({ code: 0, stderr: '', mode: 'scripted' })
    })

    it('shows a 529 that was retried, and a budget that stopped the agent', async () => {
      const { stdout } = await runMain(['start', '--json'], { cwd: folderWith(pages) })
      const [counter] = JSON.parse(stdout).agents
      expect(counter).toMatchObject({ name: 'counter', health: 'budgetExceeded', state: 'dismissed', calls: 4, attempts: 5 })
      // 612 + 701 + 774 in at $1 a million, 38 + 52 + 3,900 out at $5 a million.
      expect(counter.nanoUsd).toBe((612 + 701 + 774) * 1_000 + (38 + 52 + 3_900) * 5_000)
      expect(counter.tokenUsage).toMatchObject({ input: 2_087, output: 3_990, certainty: 'measured' })
    })
  })

  it('says plainly that the answers are scripted, and tells what happens while it happens', async () => {
    const { code, stdout } = await runMain(['start'], { cwd: folderWith(pages) })
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^No ANTHROPIC_API_KEY: the answers come from a script/)
    const at = (text: string) => lines.findIndex(line => line.includes(text))
    const order = [
      'tool list_pages',
      '529 overloaded_error',
      'attempt 2',
      'tool count_words',
      'the next call does not fit',
      'counter (mortal)',
    ].map(at)
    expect(order.every(line => line > 0)).toBe(true)
    expect([...order].sort((a, b) => a - b)).toEqual(order)
  })

  it('ends when it is interrupted', async () => {
    const interrupt = new AbortController()
    const stdout = { write: (text: string) => void (text.includes('tool list_pages') && interrupt.abort(new Error('SIGINT'))) }
    const { code, stderr } = await runMain(['start'], { cwd: folderWith(pages), signal: interrupt.signal, stdout })
    expect(code).not.toBe(0)
    expect(stderr).not.toContain('    at ')
  })
})
