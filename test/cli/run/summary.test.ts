import { type RunSummary, summaryLines } from '../../../lib/cli/run/summary.js'
import { Tally } from '../../../lib/cli/run/tally.js'
import type { SidecarEvent, SidecarEventBody } from '../../../lib/core/types.js'
import { noUsage } from '../../../lib/core/usage.js'

const plain: RunSummary = {
  command: 'claude',
  agent: 'claude',
  preset: 'claude-code',
  exitCode: 0,
  ended: { code: 0, signal: null },
  stopped: null,
  durationMs: 12_345,
  calls: 3,
  attempts: 4,
  tokenUsage: { ...noUsage, input: 1_234, output: 56 },
  nanoUsd: 1_500_000,
  unpriced: 0,
  budget: null,
  utilization: null,
  saturation: null,
  violations: [],
  record: null,
  left: [],
}

describe('the summary for a person', () => {
  it('says what there is, and nothing of what is not in the stack', () => {
    expect(summaryLines(plain)).toEqual([
      'outrigger: claude ended with 0 after 12.3 s; exit code 0',
      '  3 calls in 4 attempts, 1,234 tokens in, 56 out',
      '  $0.0015 spent',
      '  record: none',
    ])
  })

  it('counts one in the singular', () => {
    const one: RunSummary = { ...plain, calls: 1, attempts: 1, unpriced: 1, record: { dir: '/tmp/.context', records: 1, verdict: 'ok' } }
    expect(summaryLines(one).slice(1)).toEqual([
      '  1 call in 1 attempt, 1,234 tokens in, 56 out',
      '  $0.0015 spent, besides 1 attempt without a known price',
      '  record: /tmp/.context, 1 record: ok',
    ])
  })

  it('says all of it', () => {
    const amounts = { allocated: 2e9, spent: 5e8, held: 0, delegated: 0, remaining: 15e8 }
    const all: RunSummary = {
      ...plain,
      exitCode: 125,
      ended: { code: null, signal: 'SIGTERM' },
      stopped: { by: 'budget', reason: 'budget of "a": all is spent', refused: 3 },
      tokenUsage: { input: 1, output: 2, cacheRead: 3_000, cacheWrite5m: 4, cacheWrite1h: 5, certainty: 'estimated' },
      unpriced: 2,
      budget: amounts,
      utilization: 0.254,
      saturation: 0.5,
      violations: [
        { ruleId: 'commands', response: 'deny', shadow: false, count: 2 },
        { ruleId: 'files', response: 'deny', shadow: true, count: 1 },
      ],
      record: { dir: '/tmp/.context', records: 9, verdict: 'ok' },
      left: [4711],
    }
    expect(summaryLines(all)).toEqual([
      'outrigger: claude was ended by SIGTERM after 12.3 s; exit code 125',
      '  stopped: budget of "a": all is spent; 3 more refused',
      '  3 calls in 4 attempts, 1 token in, 3,000 read from the cache, 4 written to it for 5 minutes, 5 written to it for 1 hour, 2 out (estimated)',
      '  $0.0015 spent, besides 2 attempts without a known price; $1.50 of $2.00 is left',
      '  25 % of its time with the model (utilization), 50 % with the model or a tool (saturation)',
      '  violations: commands 2 × deny',
      '  violations: files 1 × shadow',
      '  record: /tmp/.context, 9 records: ok',
      '  still there, they could not be ended: 4711',
    ])
  })

  it('lets nothing through that would steer a terminal', () => {
    expect(summaryLines({ ...plain, command: 'a\u001b[2Jb\nc' })[0]).toMatch(/^[ -~]*$/)
  })
})

describe('what a run comes to', () => {
  const heard = (...bodies: readonly SidecarEventBody[]): Tally => {
    const tally = new Tally()
    for (const body of bodies) tally.hear({ at: 0, agent: 'a', ...body } as SidecarEvent)
    return tally
  }
  const attempt = (kind: 'model' | 'tool', nanoUsd: number | undefined, sent: boolean): SidecarEventBody =>
    ({ type: 'attempt.ended', kind, attempt: { n: 1, outcome: { status: 'done', sent }, usage: noUsage, nanoUsd } }) as SidecarEventBody
  const violation = (ruleId: string, extra: object = {}): SidecarEventBody =>
    ({ type: 'violation', ruleId, response: 'deny', shadow: false, ...extra }) as SidecarEventBody

  it('is every attempt that was paid for; what was sent and has no price is told apart', () => {
    const tally = heard(
      attempt('model', 5, true),
      attempt('model', 7, true),
      attempt('model', undefined, true),
      attempt('model', undefined, false),
      attempt('tool', 100, true),
    )
    expect(tally).toMatchObject({ nanoUsd: 12, unpriced: 1 })
  })

  it('counts violations by rule, response and shadow, most first, and not those of children', () => {
    const tally = heard(violation('a'), violation('b'), violation('b'), violation('b', { shadow: true }), violation('b', { child: 'x' }))
    expect(tally.violations).toEqual([
      { ruleId: 'b', response: 'deny', shadow: false, count: 2 },
      { ruleId: 'a', response: 'deny', shadow: false, count: 1 },
      { ruleId: 'b', response: 'deny', shadow: true, count: 1 },
    ])
  })
})
