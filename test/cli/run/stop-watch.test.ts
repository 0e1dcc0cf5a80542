import { withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { StopWatch } from '../../../lib/cli/run/stop-watch.js'
import { BudgetExceededError } from '../../../lib/core/errors.js'
import type { SidecarEvent, SidecarEventBody } from '../../../lib/core/types.js'
import { noUsage } from '../../../lib/core/usage.js'
import { VirtualClock } from '../../../lib/testing/virtual-clock.js'
import { outside } from '../../server/outside.js'

const budget = (unit: 'nanoUsd' | 'calls') =>
  new BudgetExceededError({ unit, needed: 2, remaining: 1, allocated: 1, spent: 0, account: 'a' })

const refused = (error: unknown): SidecarEventBody => ({
  type: 'action.ended',
  kind: 'model',
  outcome: { status: 'refused', error, sent: false },
  usage: noUsage,
  ms: undefined,
})

const violation = (response: string, extra: object = {}): SidecarEventBody =>
  ({
    type: 'violation',
    ruleId: 'files',
    severity: 'error',
    response,
    kind: 'tool',
    details: '',
    shadow: false,
    ...extra,
  }) as SidecarEventBody

class Trial {
  readonly clock = new VirtualClock()
  readonly watch: StopWatch
  paused: string | null = null
  stopped: string | undefined
  #hear: (event: SidecarEvent) => void = () => {}
  #action = 0

  constructor(stopAfter = 3, graceMs = 10_000) {
    const sidecar = {
      subscribe: (listener: (event: SidecarEvent) => void) => {
        this.#hear = listener
        return () => {}
      },
      snapshot: () => ({ paused: this.paused }),
    }
    this.watch = new StopWatch(sidecar, { stopAfter, graceMs }, this.clock)
    void this.watch.due.then(({ by }) => {
      this.stopped = by
    })
  }

  async happens(...bodies: readonly SidecarEventBody[]): Promise<string | undefined> {
    for (const body of bodies) this.#hear({ at: 0, agent: 'a', action: `action ${++this.#action}`, ...body })
    await Promise.resolve()
    return this.stopped
  }

  async passes(ms: number): Promise<string | undefined> {
    await this.clock.advance(ms)
    return this.stopped
  }
}

describe('a command is to be stopped', () => {
  const causes: readonly (readonly [string, SidecarEventBody])[] = [
    ['budget', refused(budget('nanoUsd'))],
    ['reaped', { type: 'state', from: 'working', to: 'failedReaped', reason: 'by hand' }],
    ['pause', violation('pause')],
  ]
  it.each(causes)('%s: after three further refusals', async (by, body) => {
    const trial = new Trial()
    trial.paused = 'by a rule'
    const error = new Error('refused')
    expect(await trial.happens(body, refused(error), refused(error))).toBeUndefined()
    expect(trial.watch.cause?.by).toBe(by)
    expect(await trial.happens(refused(error))).toBe(by)
    expect(trial.watch.refused).toBe(3)
  })

  it.each(causes)('%s: when the time of grace is over', async (by, body) => {
    const trial = new Trial()
    trial.paused = 'by a rule'
    await trial.happens(body)
    expect(await trial.passes(9_999)).toBeUndefined()
    expect(await trial.passes(1)).toBe(by)
  })

  const others: readonly (readonly [string, SidecarEventBody])[] = [
    ['a quota of one tool is used up', refused(budget('calls'))],
    ['a call is refused by a rule', refused(new Error('ERR_VIOLATION'))],
    ['a rule denies', violation('deny')],
    ['a rule would pause, in shadow', violation('pause', { shadow: true })],
    ['a child of it is paused', violation('pause', { child: 'b' })],
    ['it is closed', { type: 'state', from: 'working', to: 'dismissed', reason: 'closed' }],
    ['a budget that only warns is over its cap', { type: 'budget.refused', unit: 'nanoUsd', needed: 2, remaining: 1 }],
  ]
  it.each(others)('not when %s', async (_name, body) => {
    const trial = new Trial(0)
    expect(await trial.happens(body, body, body, body)).toBeUndefined()
    expect(await trial.passes(60_000)).toBeUndefined()
    expect(trial.watch.cause).toBeUndefined()
  })

  it('at once where nothing more is to be refused, though a rule pauses only behind what it has found', async () => {
    const agent = await outside([withViolations({ rules: [rules.commands({ deny: ['rm'], response: 'pause' })] })])
    const watch = new StopWatch(agent.sidecar, { stopAfter: 0, graceMs: 10_000 }, agent.clock)
    await agent.hook({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { command: 'rm -r hull' }, tool_use_id: 'toolu_1' })
    expect(agent.sidecar.snapshot().paused).toMatch(/^rule commands/)
    const late = new Promise(resolve => setImmediate(resolve))
    expect(await Promise.race([watch.due, late])).toEqual({ by: 'pause', reason: 'paused by rule commands' })
    watch.close()
    await agent.close()
  })

  it('not when somebody has resumed it meanwhile; a later pause has a grace of its own', async () => {
    const trial = new Trial()
    trial.paused = 'by a rule'
    await trial.happens(violation('pause'))
    await trial.passes(9_000)
    trial.paused = null
    expect(await trial.passes(2_000)).toBeUndefined()
    expect(trial.watch.cause).toBeUndefined()
    trial.paused = 'again'
    await trial.happens(violation('pause'))
    expect(await trial.passes(9_000)).toBeUndefined()
    expect(await trial.passes(1_000)).toBe('pause')
  })

  it('and what reaps it after a pause cannot be resumed', async () => {
    const trial = new Trial()
    trial.paused = 'by a rule'
    await trial.happens(violation('pause'), { type: 'state', from: 'working', to: 'failedReaped', reason: 'by hand' })
    trial.paused = null
    expect(await trial.passes(10_000)).toBe('reaped')
  })
})
