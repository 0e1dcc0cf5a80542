import { AsyncLocalStorage } from 'node:async_hooks'
import type { ActionContext } from './context.js'

const version = 1
const key = Symbol.for('outrigger.v1')

/** Finds the send that the code runs in, as its attempt stands by now. */
type Send = () => ActionContext

interface Shared {
  readonly version: number
  readonly sends: AsyncLocalStorage<Send>
  /** Absolute paths by their folded form. */
  readonly ownPlaces: Map<string, string>
}

/**
 * What must be one per process, where the ESM and CommonJS copies of this package meet.
 * @throws Error when two copies that do not fit together are loaded
 */
function shared(): Shared {
  const holder = globalThis as { [key]?: Shared }
  holder[key] ??= { version, sends: new AsyncLocalStorage(), ownPlaces: new Map() }
  if (holder[key].version !== version)
    throw new Error(`two versions of outrigger are loaded that cannot share a process (${holder[key].version} and ${version}); install one`)
  return holder[key]
}

/**
 * The storage finds the send for handles that were made before it; it is made, and entered, only for agents that need it.
 * @throws Error when two copies that do not fit together are loaded
 */
export function sends(): AsyncLocalStorage<Send> {
  return shared().sends
}

/**
 * What this process itself keeps, as `placesOf` gives it. Use `own-files.ts`.
 * @throws Error when two copies that do not fit together are loaded
 */
export function ownPlaces(): Map<string, string> {
  return shared().ownPlaces
}
