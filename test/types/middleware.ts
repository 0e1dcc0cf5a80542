/** Lines that must not compile, by `@ts-expect-error`: checked by `tsc -p tsconfig.test.json`, never run. */
import { createSidecar } from 'outrigger'
import { createRetryBudget, type Metrics, withBudget, withMetrics, withRetry } from 'outrigger/middleware'

const agent = { name: 'a', send: async (message: string) => message.length }
declare const flag: boolean

export async function members(): Promise<void> {
  const full = createSidecar({ agent, use: [withRetry(), withMetrics(), withBudget({ usd: 1 })] })
  const utilization: number = full.utilization
  const metrics: Metrics = full.metrics
  const { nanoUsd } = full.budget
  const left: number = nanoUsd === 'unlimited' ? 0 : nanoUsd.remaining
  const child = createSidecar({ agent, use: [withBudget({ account: full.budget.delegate({ usd: '0.25' }) })] })
  const reply: number = await full.send('hello')
  void [utilization, metrics, left, child.budget.tokens, reply]

  // @ts-expect-error figures are read, not written
  full.utilization = 1
  // @ts-expect-error nor the amounts
  full.budget.tokens = 'unlimited'
  // @ts-expect-error there may be no cap
  full.budget.nanoUsd.remaining

  const poor = createSidecar({ agent, use: [withBudget({ tokens: 1000 })] })
  // @ts-expect-error no withMetrics, no utilization
  poor.utilization
  // @ts-expect-error nor metrics
  poor.metrics

  const unbudgeted = createSidecar({ agent, use: [withRetry(), withMetrics()] })
  // @ts-expect-error no withBudget, no budget
  unbudgeted.budget
}

export function conditional(): void {
  const maybe = createSidecar({ agent, use: [withMetrics(), ...(flag ? [withBudget({ usd: 1 })] : [])] })
  const spent = maybe.budget?.tokens
  const saturation: number = maybe.saturation
  void [spent, saturation]
  // @ts-expect-error it may not be there
  maybe.budget.tokens

  const off = createSidecar({ agent, use: [withMetrics(), false, undefined] })
  // @ts-expect-error a layer that is switched off shows nothing
  off.budget
}

export function options(): void {
  withBudget({ usd: 'unlimited', tokens: 5, mode: 'soft', estimate: 'calibrated', whenShort: 'clamp', warnAt: [0.5] })
  withBudget({ usd: '0.25', prices: { 'my-model': { input: 0, output: 1 } } })
  withRetry({ attempts: 2, deadlineMs: 1000, budget: createRetryBudget({ ratio: 0.1 }) })

  // @ts-expect-error a budget is always named
  withBudget()
  // @ts-expect-error no number in it
  withBudget({ usd: 'much' })
  // @ts-expect-error null is not unlimited
  withBudget({ usd: null })
  // @ts-expect-error a misspelt option
  withBudget({ usd: 1, warnat: [0.5] })
  // @ts-expect-error no such mode
  withBudget({ usd: 1, mode: 'strict' })
  // @ts-expect-error a misspelt option
  withRetry({ attemps: 3 })
  // @ts-expect-error a duration is a number of milliseconds
  withRetry({ deadlineMs: '30s' })
  // @ts-expect-error it takes no options
  withMetrics({ interval: 5 })
  // @ts-expect-error a misspelt option
  createRetryBudget({ rate: 1 })
  // @ts-expect-error a layer twice would show two budgets
  createSidecar({ agent, use: [withBudget({ usd: 1 }), withBudget({ usd: 2 })] })
  // @ts-expect-error the factory itself is no layer
  createSidecar({ agent, use: [withBudget] })
}
