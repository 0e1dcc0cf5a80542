import type { AgentSpec } from '../../server/admin/agent-spec.js'

/** What is kept of an agent in the state folder, besides its token. JSON. */
export interface KeptAgent {
  readonly name: string
  /** The id of its sidecar: its record goes on under it. */
  readonly id: string
  /** `api`: added at run time, with the spec that made it. */
  readonly from: 'configuration' | 'api'
  readonly spec?: Omit<AgentSpec, 'token'>
  readonly paused: string | null
  readonly reaped: string | null
}

const version = 1

/** The text of its file. */
export const keptText = (agent: KeptAgent): string => `${JSON.stringify({ version, ...agent }, null, 2)}\n`

/** What such a file says; `undefined` where it is none of this version. */
export function parseKept(text: string): KeptAgent | undefined {
  try {
    const { version: written, ...agent } = JSON.parse(text) as Partial<KeptAgent> & { readonly version?: unknown }
    return written === version && isKept(agent) ? (agent as KeptAgent) : undefined
  } catch {
    return undefined
  }
}

function isKept({ name, id, from, spec, paused, reaped }: Partial<KeptAgent>): boolean {
  const texts = [name, id].every(text => typeof text === 'string' && text !== '')
  const reasons = [paused, reaped].every(reason => reason === null || typeof reason === 'string')
  return texts && reasons && (from === 'api' ? typeof spec === 'object' && spec !== null : from === 'configuration')
}
