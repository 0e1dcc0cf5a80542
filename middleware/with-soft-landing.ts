import { type Context, defineMiddleware, findOutriggerError, type Layer, LandedError } from 'outrigger'
import { budgetAccount } from 'outrigger/ledger'
import { type LandingSettings, landingSettings, type WithSoftLandingOptions } from './soft-landing/options.js'
import { cheaper, lastTurn } from './soft-landing/requests.js'
import { usedShare } from './soft-landing/share.js'

export type { WithSoftLandingOptions } from './soft-landing/options.js'

/** How far down an agent is: nothing is changed, its calls are made cheaper, its last turn runs, it has landed. */
export type Landing = 'none' | 'cheaper' | 'lastTurn' | 'landed'

/** The members that `withSoftLanding` shows. */
export interface SoftLandingMembers {
  readonly landing: Landing
}

/**
 * Lets an agent end well where its budget does: near the end its calls go to a cheaper model or take less effort, then it has one last turn without
 * tools to answer with what it has, and then no further call is made. Fails closed. State: whether the last turn has been taken.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function withSoftLanding(options: WithSoftLandingOptions = {}): Layer<SoftLandingMembers> {
  return landingLayer(landingSettings(options))
}

function landingLayer(settings: LandingSettings): Layer<SoftLandingMembers> {
  const pilot = new Pilot(settings)
  const members: SoftLandingMembers = {
    get landing() {
      return pilot.landing
    },
  }
  return defineMiddleware(
    {
      name: 'withSoftLanding',
      on: ['model'],
      reenters: true,
      rewrites: true,
      expose: members,
      options: { ...settings },
      snapshot: () => ({ landing: pilot.landing }),
    },
    (ctx, next) => pilot.call(ctx, next),
  )
}

class Pilot {
  readonly #settings: LandingSettings
  #taken: 'no' | 'now' | 'yes' = 'no'
  #isCheaper = false

  constructor(settings: LandingSettings) {
    this.#settings = settings
  }

  get landing(): Landing {
    if (this.#taken !== 'no') return this.#taken === 'now' ? 'lastTurn' : 'landed'
    return this.#isCheaper ? 'cheaper' : 'none'
  }

  async call(ctx: Context, next: () => Promise<void>): Promise<void> {
    const used = usedShare(ctx)
    // More budget than before: the agent flies again.
    if (this.#taken === 'yes' && used !== undefined && used < this.#settings.lastTurnAt) this.#taken = 'no'
    if (this.#taken !== 'no') throw this.#landed(ctx)
    if (used !== undefined && used >= this.#settings.lastTurnAt) return this.#lastTurn(ctx, next)
    this.#isCheaper = used !== undefined && used >= this.#settings.cheaperAt
    if (this.#isCheaper) cheaper(ctx, this.#settings)
    await this.#orLastTurn(ctx, next)
  }

  /** What does not fit any more is asked for once more, as the last turn. */
  async #orLastTurn(ctx: Context, next: () => Promise<void>): Promise<void> {
    try {
      await next()
    } catch (error) {
      const isRefused = findOutriggerError(error)?.code === 'ERR_BUDGET' && ctx.outcome?.sent !== true && !ctx.released
      if (!isRefused) throw error
      if (this.#taken !== 'no') throw this.#landed(ctx)
      await this.#lastTurn(ctx, next)
    }
  }

  async #lastTurn(ctx: Context, next: () => Promise<void>): Promise<void> {
    this.#taken = 'now'
    try {
      cheaper(ctx, this.#settings)
      lastTurn(ctx, this.#settings)
      await next()
      this.#taken = 'yes'
    } finally {
      // It may be tried again where it has failed: nobody has had an answer.
      if (this.#taken === 'now') this.#taken = 'no'
    }
  }

  #landed(ctx: Context): LandedError {
    return new LandedError({ account: budgetAccount.peek(ctx)?.account.id ?? ctx.agent.id })
  }
}
