import type { Layer } from 'outrigger'
import { memoryLog } from 'outrigger/ctx'
import * as shipped from 'outrigger/middleware'
import {
  withApproval,
  withBudget,
  withCircuitBreaker,
  withDeadline,
  withGuardrails,
  withHealth,
  withLimit,
  withLogging,
  withMetrics,
  withRetry,
  withSigning,
  withSoftLanding,
  withViolations,
} from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { type LayerCase, testMiddleware } from 'outrigger/testing'

const silent = (): void => {}
const quiet = { debug: silent, info: silent, warn: silent, error: silent }

/** Every layer that ships, with the options that let a plain request pass. */
const contracts: Record<string, readonly LayerCase[]> = {
  withApproval: testMiddleware(withApproval, { options: { ask: () => 'approve' as const, deadlineMs: 60_000 } }),
  withBudget: testMiddleware(withBudget, { options: { usd: 5, tokens: 1_000_000, warnAt: [0.5] } }),
  withCircuitBreaker: testMiddleware(withCircuitBreaker, { options: { least: 1 } }),
  withDeadline: testMiddleware(withDeadline, {
    options: { firstTokenMs: 60_000, idleMs: 60_000, totalMs: { send: 600_000, model: 300_000 } },
  }),
  withGuardrails: testMiddleware(withGuardrails, { options: { checks: [{ find: ['secrets', 'personal'], response: 'redact' }] } }),
  withHealth: testMiddleware(withHealth, { options: { spinningAfter: 3, phases: { idleMs: 60_000, toolMs: 60_000 }, polling: ['wait'] } }),
  withLimit: testMiddleware(withLimit, { options: { concurrency: 2 } }),
  withLogging: testMiddleware(withLogging, { options: { logger: quiet, content: 'digest' } }),
  withMetrics: testMiddleware(withMetrics, { options: {} }),
  withRetry: testMiddleware(withRetry, { options: {} }),
  withSigning: testMiddleware(withSigning, { options: { log: memoryLog() } }),
  withSoftLanding: testMiddleware(withSoftLanding, { options: { model: 'claude-haiku-4-5', cheaperAt: 0.5 } }),
  withViolations: testMiddleware(withViolations, { options: { rules: [] } }),
}

const kept = { check: () => undefined, stages: ['action', 'result'] } as const
const broken = { check: () => ({ details: 'always' }), stages: ['action', 'result'] } as const

const variants: Record<string, readonly LayerCase[]> = {
  'withApproval, where the answer comes later': testMiddleware(withApproval, {
    options: { ask: () => new Promise<'approve'>(resolve => setImmediate(resolve, 'approve')) },
  }),
  'withBudget, soft and calibrated': testMiddleware(withBudget, { options: { usd: 1, mode: 'soft', estimate: 'calibrated' } }),
  'withBudget, clamped': testMiddleware(withBudget, { options: { usd: '0.001', estimate: 'count', whenShort: 'clamp' } }),
  'withViolations, where every result waits for a rule': testMiddleware(withViolations, {
    options: { rules: [rules.rule({ id: 'kept', onResult: 'withhold', ...kept, check: async () => undefined })] },
  }),
  'withViolations, where everything is worth a warning': testMiddleware(withViolations, {
    options: { rules: [rules.rule({ id: 'broken', response: 'warn', ...broken })] },
  }),
  'withViolations, in shadow': testMiddleware(withViolations, {
    options: { rules: [rules.rule({ id: 'broken', onResult: 'withhold', ...broken })], shadow: true },
  }),
  'withGuardrails, where everything is held and asked': testMiddleware(withGuardrails, {
    options: { checks: [{ check: async () => false, response: 'deny' }], hold: 'full' },
  }),
  'withGuardrails, where everything is worth a warning': testMiddleware(withGuardrails, {
    options: { checks: [{ find: /[A-Z]|\d/, response: 'warn' }], hold: { window: 1 } },
  }),
  'withGuardrails, sentence by sentence': testMiddleware(withGuardrails, {
    options: {
      checks: [
        { check: () => undefined, response: 'redact' },
        { find: 'secrets', response: 'deny' },
      ],
      hold: 'sentence',
    },
  }),
  'withSigning, checkpoints and whole content': testMiddleware(withSigning, {
    options: { log: memoryLog(), checkpointEvery: 2, content: 'full' },
  }),
  'withRetry, with a deadline': testMiddleware(withRetry, { options: { attempts: 5, deadlineMs: 60_000 } }),
}

describe('the layers that ship', () => {
  it('are all in this list', () => {
    const layers = Object.keys(shipped).filter(name => /^with[A-Z]/.test(name))
    expect(Object.keys(contracts).sort()).toEqual(layers.sort())
  })

  it('are named as they are exported', () => {
    const made: readonly Layer<any>[] = [
      withApproval(),
      withBudget({ usd: 1 }),
      withCircuitBreaker(),
      withDeadline({ totalMs: 1 }),
      withGuardrails({ checks: [] }),
      withHealth(),
      withLimit(),
      withLogging(),
      withMetrics(),
      withRetry(),
      withSigning(),
      withSoftLanding(),
      withViolations({ rules: [] }),
    ]
    expect(made.map(({ meta }) => meta.name)).toEqual(Object.keys(contracts))
  })

  for (const [name, cases] of Object.entries({ ...contracts, ...variants })) {
    describe(name, () => {
      for (const { name: promise, run } of cases) it(promise, run)
    })
  }
})
