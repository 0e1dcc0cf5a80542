import type { ActionContext } from './context.js'
import type { Layer } from './types.js'
import { hung } from './verdict.js'

/** How long a layer may hang, in milliseconds: an open one before `next()`, where it does not say; any one after an abort. */
export const patience = 1000

/** One wait for an open layer. */
export interface Wait {
  readonly ended: Promise<void>
  /** The layer has gone inward: from here on it may take its time. */
  readonly stop: () => void
}

/**
 * Waits for an open layer that has not gone inward yet: for `own`, what it comes to, or, when its patience is over, for what the action comes
 * to `without` it. No timer is left once the layer has ended.
 */
export function patiently(layer: Layer, ctx: ActionContext, own: Promise<void>, without: () => Promise<void>): Wait {
  const ms = layer.meta.patienceMs ?? patience
  let goOn!: (without: Promise<void>) => void
  const givenUp = new Promise<void>(resolve => {
    goOn = resolve
  })
  const stop = ctx.clock.after(ms, () => {
    ctx.home.degrade(layer.meta.name, hung(layer, ms))
    goOn(without())
  })
  return { ended: Promise.race([own.finally(stop), givenUp]), stop }
}
