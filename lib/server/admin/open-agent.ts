import type { House } from '../house.js'
import type { Served, ServerOptions } from '../types.js'
import type { AgentSpec } from './agent-spec.js'

/** Makes an agent, serves it and keeps it: all of it or nothing. */
export async function openAgent(house: House, open: NonNullable<ServerOptions['open']>, spec: AgentSpec): Promise<Served> {
  const made = await open(spec)
  const served = await orElse(
    () => house.companion.add(made),
    () => made.sidecar.close({ drainMs: 0 }),
  )
  await orElse(
    () => house.options.journal?.added(spec, served),
    () => house.companion.remove(served.name, { drainMs: 0 }),
  )
  return served
}

/** Undoes what went before, when this fails; what the undoing fails with is not the answer. */
async function orElse<T>(work: () => T | Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await undo().catch(() => {})
    throw error
  }
}
