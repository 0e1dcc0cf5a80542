import type Anthropic from '@anthropic-ai/sdk'
import type { Received } from '../support/messages-server.js'
import { bareClient } from './mounts.js'
import { facts, type Scenario } from './sdk-calls.js'

/** What a program saw of the Messages API, and what the API saw of it. */
export interface Seen {
  readonly result: unknown
  readonly requests: readonly Received[]
}

type Guard = (url: string) => Promise<{ readonly client: Anthropic; close(): Promise<void> }>
type Upstream = { readonly url: string; readonly requests: readonly Received[]; close(): Promise<void> }

/** Runs a scenario against a server, then closes it: by the SDK alone, or by the client that `guard` gives. Nobody repeats a request. */
export async function seenOf(server: Upstream, scenario: Scenario, guard?: Guard): Promise<Seen> {
  const guarded = await guard?.(server.url)
  try {
    const result = await outcome(scenario(guarded ? guarded.client : bareClient(server.url, { maxRetries: 0 }), server))
    return { result, requests: [...server.requests] }
  } finally {
    await guarded?.close()
    await server.close()
  }
}

/** What the SDK alone is responsible for: the result, and what was sent for it, byte for byte. */
export function sentAndSeen({ result, requests }: Seen): object {
  return { result, sent: requests.map(({ method, url, bodyText }) => ({ method, url, bodyText })) }
}

/** What the scenario resolves to, or the facts of what it rejects with. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await work }
  } catch (error) {
    return { thrown: facts(error) }
  }
}
