import { defineMiddleware, type Layer } from 'outrigger'
import { family } from './health/family.js'
import { healthSettings, type WithHealthOptions } from './health/options.js'
import { type Health, healthOf } from './health/status.js'
import { Watch } from './health/watch.js'

export type { HealthPhases, WithHealthOptions } from './health/options.js'
export type { PastHealth } from './health/past.js'
export type { Health, HealthStatus } from './health/status.js'

/** The member that `withHealth` shows. */
export interface HealthMembers {
  /** How the agent is now. Computed when asked; asks no model and waits for nothing. */
  health(): Health
}

/**
 * Says how an agent is: whether it spins, stalls, fails over and over, gives no answer or has no budget left. It never ends anything: that is
 * for whoever reads it. Fails open. State: what is running, and digests of what ran last, of one sidecar.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function withHealth(options: WithHealthOptions = {}): Layer<HealthMembers> {
  const settings = healthSettings(options)
  let watch: Watch | undefined
  const health = () => watch?.health() ?? healthOf([])
  const { spinningAfter, maxConsecutiveErrors, firstByteMs, idleMs } = settings

  return defineMiddleware(
    {
      name: 'withHealth',
      on: ['send', 'model', 'tool'],
      fail: 'open',
      provides: [family],
      expose: { health },
      options: { spinningAfter, maxConsecutiveErrors, firstByteMs, idleMs },
      attach: host => {
        watch = new Watch(settings, host)
      },
      snapshot: () => ({ ...health(), kept: watch ? { ...watch.kept } : null }),
      close: async () => watch?.close(),
    },
    async (ctx, next) => {
      // Outside a sidecar there is nothing to watch.
      if (!watch) return next()
      const action = watch.begin(ctx)
      try {
        await next()
      } catch (error) {
        watch.end(action)
        watch.failed(action, ctx, error)
        throw error
      }
      watch.end(action)
      watch.good(action, ctx)
    },
  )
}
