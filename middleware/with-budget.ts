import { cost, defineMiddleware, type Layer } from 'outrigger'
import { modelPrices } from 'outrigger/claude'
import { type Budget, BudgetKeeper } from './budget/keeper.js'
import { budgetSettings, type WithBudgetOptions } from './budget/options.js'
import type { Quota } from './budget/tool-quotas.js'

export type { Budget } from './budget/keeper.js'
export type { WithBudgetOptions } from './budget/options.js'
export type { ToolQuota } from './budget/tool-quotas.js'
export type { BudgetWindow } from './budget/window.js'

/** The member that `withBudget` shows. */
export interface BudgetMembers {
  readonly budget: Budget
}

/**
 * Reserves the most that a call can cost before it is sent, and settles it to what it used: with a hard budget, no number of concurrent calls
 * spends more than the cap. Fails closed. State: one account.
 * @throws TypeError or RangeError on a wrong, missing or unknown option
 */
export function withBudget(options: WithBudgetOptions): Layer<BudgetMembers> {
  const settings = budgetSettings(options)
  const keeper = new BudgetKeeper(settings)
  const { nanoUsd, tokens, mode, estimate, whenShort, tools, window } = settings

  return defineMiddleware(
    {
      name: 'withBudget',
      on: tools.size === 0 ? ['send', 'model', 'spawn'] : ['send', 'model', 'tool', 'spawn'],
      commits: true,
      perAttempt: true,
      provides: [cost, modelPrices],
      expose: { budget: keeper.view },
      options: {
        nanoUsd,
        tokens,
        mode,
        estimate,
        whenShort,
        prices: settings.prices.version,
        ...toolsOption(tools),
        ...(window && { window }),
      },
      attach: host => keeper.open(host),
      // The parent's account comes by a slot: without caps of its own, the child draws on what is left there.
      inherit: () =>
        withBudget({ usd: 'unlimited', mode, estimate, whenShort, warnAt: settings.warnAt, prices: settings.prices, tools: options.tools }),
      close: () => keeper.close(),
      snapshot: () => ({
        nanoUsd: keeper.shown('nanoUsd'),
        tokens: keeper.shown('tokens'),
        ...(tools.size === 0 ? {} : { tools: keeper.toolsShown }),
      }),
    },
    async (ctx, next) => {
      if (ctx.kind === 'tool') return keeper.tool(ctx, next)
      const asked = keeper.need(ctx)
      const need = asked instanceof Promise ? await asked : asked
      if (!need) {
        const open = keeper.gate(ctx)
        if (open) await open
        return ctx.kind === 'spawn' ? keeper.spawn(ctx, next) : next()
      }
      const answer = keeper.reserve(ctx, need)
      const held = answer instanceof Promise ? await answer : answer
      modelPrices.set(ctx, settings.prices)
      try {
        await next()
      } finally {
        const settled = keeper.settle(ctx, held)
        if (settled) await settled
      }
    },
  )
}

/** Quotas as the options of a layer show them. */
function toolsOption(tools: ReadonlyMap<string, Quota>): { readonly tools?: Readonly<Record<string, Readonly<Record<string, number>>>> } {
  if (tools.size === 0) return {}
  const shown = ({ nanoUsd, ...counts }: Quota) =>
    Object.entries({ nanoUsd, ...counts }).filter((entry): entry is [string, number] => Number.isFinite(entry[1]))
  return { tools: Object.fromEntries([...tools].map(([name, quota]) => [name, Object.fromEntries(shown(quota))])) }
}
