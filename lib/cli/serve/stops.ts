import { seamBehind } from '../../sidecar/seam-behind.js'
import type { Served } from '../../server/types.js'
import type { KeptAgent } from './kept-agent.js'

/** Why an agent may not go on. */
export type Stops = Pick<KeptAgent, 'paused' | 'reaped'>

/** What stops an agent now, whoever did it: an admin, or a rule. What the kill switch of the folder says stands in its own file. */
export function stopsOf({ sidecar }: Pick<Served, 'sidecar'>): Stops {
  const { runtime } = seamBehind(sidecar)!
  const { paused, reaped, state } = runtime
  return {
    paused: paused === undefined || paused.startsWith('the kill switch ') ? null : paused,
    reaped: state === 'failedReaped' ? (reaped ?? 'no reason given') : null,
  }
}

/** Calls `tell` when an agent is stopped; returns what ends that. */
export function onStop({ sidecar }: Pick<Served, 'sidecar'>, tell: (stops: Stops) => void): () => void {
  const look = () => tell(stopsOf({ sidecar }))
  const ends = [
    seamBehind(sidecar)!.runtime.whenShut(look),
    sidecar.subscribe(event => {
      if (event.type === 'state' && event.to === 'failedReaped') look()
    }),
  ]
  return () => {
    for (const end of ends) end()
  }
}
