import type { Role } from '../access.js'
import type { Served } from '../types.js'
import type { AgentJournal } from './journal.js'

/** One way to steer an agent from outside. */
export interface Steering {
  readonly needs: Role
  /** Resolves when it holds, after a restart too. */
  apply(agent: Served, reason: string, journal: AgentJournal | undefined): Promise<void>
}

/** What tightens holds at once, whether or not it can be kept; what loosens only when it is kept. */
export const steerings: Readonly<Record<'pause' | 'resume' | 'reap', Steering>> = {
  pause: {
    needs: 'watch',
    async apply({ name, sidecar }, reason, journal) {
      sidecar.pause(reason)
      await journal?.steered(name, { paused: reason })
    },
  },
  reap: {
    needs: 'watch',
    async apply({ name, sidecar }, reason, journal) {
      sidecar.reap(reason)
      await journal?.steered(name, { reaped: reason })
    },
  },
  resume: {
    needs: 'admin',
    async apply({ name, sidecar }, _reason, journal) {
      await journal?.steered(name, { paused: null })
      sidecar.resume()
    },
  },
}

/** Is this the last part of the address of one? */
export const isVerb = (text: string): text is keyof typeof steerings => Object.hasOwn(steerings, text)
