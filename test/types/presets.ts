/** Lines that must not compile, by `@ts-expect-error`: checked by `tsc -p tsconfig.test.json`, never run. */
import { createSidecar, defineMiddleware, definePreset, type Layer, type PresetOptions } from 'outrigger'
import { jake } from 'outrigger-preset-jake'
import { mortal, type MortalOptions, mortalRules } from 'outrigger-preset-mortal'
import { type BudgetMembers, withBudget, type WithBudgetOptions, withMetrics, withRetry } from 'outrigger/middleware'

const agent = { name: 'a', send: async (message: string) => message.length }
declare const flag: boolean

const tiny = definePreset('tiny', [
  ['withRetry', withRetry],
  ['withMetrics', withMetrics],
  ['withBudget', (options: Partial<WithBudgetOptions>) => withBudget({ usd: 1, ...options })],
])
type TinyOptions = PresetOptions<typeof tiny>
declare const widened: TinyOptions

const withFlag = (): Layer<{ readonly flagged: boolean }> =>
  defineMiddleware({ name: 'withFlag', expose: { flagged: true } }, (_, next) => next())

export function members(): void {
  const full = createSidecar({ agent, use: tiny() })
  const share: number = full.utilization
  const { nanoUsd } = full.budget
  // @ts-expect-error no layer of the preset shows it
  full.violations

  const renewed = createSidecar({ agent, use: tiny({ withBudget: { usd: '0.25', mode: 'hard' }, withRetry: { attempts: 2 } }) })
  const same: number | 'unlimited' = renewed.budget.tokens === 'unlimited' ? 'unlimited' : renewed.budget.tokens.spent

  const off = createSidecar({ agent, use: tiny({ withBudget: false }) })
  const still: number = off.utilization
  // @ts-expect-error switched off
  off.budget

  const left = createSidecar({ agent, use: tiny({ withBudget: undefined }) })
  void [share, nanoUsd, same, still, left.budget.tokens]
}

export function perhaps(): void {
  const some = createSidecar({ agent, use: tiny({ withBudget: flag && { usd: 2 } }) })
  const known: number = some.utilization
  const maybe = some.budget?.tokens
  // @ts-expect-error it may be switched off
  some.budget.tokens

  const any = createSidecar({ agent, use: tiny(widened) })
  const seldom = [any.budget?.tokens, any.utilization] as const
  // @ts-expect-error options from elsewhere may switch it off
  any.budget.tokens
  void [known, maybe, seldom]
}

export function around(): void {
  const more = createSidecar({ agent, use: tiny({ withRetry: { attempts: 2 } }, { before: { withBudget: withFlag() } }) })
  const flagged: boolean = more.flagged
  const inList = createSidecar({ agent, use: tiny({}, { after: { withRetry: [withFlag(), async (_ctx, next) => next()] } }) })
  const also: boolean = inList.flagged
  const replaced = createSidecar({ agent, use: tiny({ withBudget: false }, { before: { withBudget: withFlag() } }) })
  // @ts-expect-error switched off
  replaced.budget
  const both = createSidecar({ agent, use: [withFlag(), ...tiny()] })
  const nested = createSidecar({ agent, use: [withFlag(), tiny({ withMetrics: false })] })
  // @ts-expect-error switched off
  nested.utilization
  void [flagged, also, replaced.flagged, both.budget, nested.budget, nested.flagged]

  const perhapsOne = createSidecar({ agent, use: tiny({}, { before: { withBudget: flag && withFlag() } }) })
  const perhapsMore = createSidecar({ agent, use: tiny({}, { after: { withBudget: flag && [withFlag()] } }) })
  const one: boolean | undefined = perhapsOne.flagged
  const some: boolean | undefined = perhapsMore.flagged
  // @ts-expect-error it may not be there
  const sure: boolean = perhapsOne.flagged
  void [one, some, sure, perhapsOne.budget, perhapsMore.budget]

  // @ts-expect-error no such layer
  tiny({}, { before: { withBugdet: withFlag() } })
  // @ts-expect-error no such place
  tiny({}, { beside: { withBudget: withFlag() } })
  // @ts-expect-error a string is no layer
  tiny({}, { before: { withBudget: 'withFlag' } })
  // @ts-expect-error the layer shows what another shows already
  createSidecar({ agent, use: tiny({}, { before: { withBudget: withMetrics() } }) })
}

export function wrongUse(): void {
  // @ts-expect-error a misspelt layer
  tiny({ withBugdet: { usd: 1 } })
  // @ts-expect-error also beside one that is right
  tiny({ withBugdet: { usd: 1 }, withRetry: { attempts: 2 } })
  // @ts-expect-error also where it is false
  tiny({ withBugdet: false, withRetry: false })
  // @ts-expect-error a misspelt option
  tiny({ withBudget: { uds: 1 } })
  // @ts-expect-error also beside one that is right
  tiny({ withBudget: { usd: 1, warnat: [0.5] } })
  // @ts-expect-error the option of another layer
  tiny({ withRetry: { usd: 1 } })
  // @ts-expect-error no such mode
  tiny({ withBudget: { mode: 'strict' } })
  // @ts-expect-error true is no option
  tiny({ withBudget: true })
  // @ts-expect-error null is not false
  tiny({ withBudget: null })
  // @ts-expect-error it takes no options
  tiny({ withMetrics: { interval: 5 } })
  // @ts-expect-error the preset was not called
  createSidecar({ agent, use: tiny })
  // @ts-expect-error the preset was not called
  createSidecar({ agent, use: [tiny] })
  // @ts-expect-error the stack is not to be changed
  tiny().push(withRetry())
  // @ts-expect-error a factory makes a layer
  definePreset('bad', [['withNumber', () => 3]])
  // @ts-expect-error a misspelt option in the list
  definePreset('bad', [['withBudget', () => withBudget({ uds: 1 })]])
}

export function named(): void {
  const options: TinyOptions = { withBudget: { usd: 1 }, withMetrics: false }
  // @ts-expect-error a misspelt layer
  const bad: TinyOptions = { withBugdet: { usd: 1 } }
  const members: BudgetMembers = createSidecar({ agent, use: tiny() })
  void [options, bad, members]
}

export async function shipped(): Promise<void> {
  const worker = createSidecar({ agent, use: mortal({ withBudget: { usd: '0.25' }, withSigning: { content: 'full' } }) })
  const facts: readonly [string, number, number, string] = [
    worker.health().status,
    worker.violations.length,
    worker.utilization,
    (await worker.verify()).verdict,
  ]
  const coordinator = createSidecar({ agent, use: jake({ withSigning: false, withViolations: { keep: 10 } }) })
  // @ts-expect-error switched off
  coordinator.verify
  // @ts-expect-error switched off
  coordinator.publicKey
  const given: MortalOptions = { withDeadline: { firstTokenMs: 1_000 }, withHealth: false }
  const any = createSidecar({ agent, use: mortal(given) })
  // @ts-expect-error it may be switched off
  any.health()
  void [facts, coordinator.health(), any.health?.()]

  // @ts-expect-error a misspelt layer
  mortal({ withSignin: false })
  // @ts-expect-error a misspelt option
  mortal({ withSigning: { directory: 'x' } })
  // @ts-expect-error the option of a rule is not one of the layer
  mortal({ withViolations: { commands: { allow: ['ls'] } } })
  // @ts-expect-error a misspelt layer
  jake({ withLogging: false })
  // @ts-expect-error a misspelt option, beside one that is right
  jake({ withDeadline: { idleMs: 5, idle: 5 } })
  // @ts-expect-error a misspelt rule
  mortalRules({ command: { allow: ['ls'] } })
  // @ts-expect-error a misspelt option of a rule
  mortalRules({ commands: { allows: ['ls'] } })
}
