import { ConfigError } from '../core/errors.js'
import type { Agent } from '../sidecar/agent-contract.js'

/**
 * An agent that runs outside of this process and speaks for itself: its requests come to a server, nobody sends to it from here.
 * For `createSidecar({ agent: outsideAgent('claude') })`.
 */
export function outsideAgent(name: string, type: string = 'outside'): Agent<never, never, never> {
  return {
    name,
    type,
    send: () => Promise.reject(new ConfigError(`${name} runs outside of this process; send to it there, not by its sidecar`)),
  }
}
