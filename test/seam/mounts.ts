import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import type { ClaudeOptions } from '../../lib/claude/options.js'
import type { Clock } from '../../lib/core/clock.js'
import type { Context, LayerInput } from '../../lib/core/types.js'
import { createSidecar } from '../../lib/sidecar.js'
import type { Base } from '../../lib/sidecar/types.js'

/** The credential of these tests: nothing but the upstream may ever see it. */
export const key = 'sk-ant-the-real-key-of-this-test'

/** Where the chain stands: the `claude` handle, a middleware of the user's own client, the loopback port. */
export type Mount = 'claude' | 'middleware' | 'listen'

export const mounts: readonly Mount[] = ['claude', 'middleware', 'listen']

export interface Mounted {
  readonly client: Anthropic
  readonly sidecar: Base
  close(): Promise<void>
}

export interface MountOptions {
  readonly use?: readonly LayerInput[]
  readonly clock?: Clock
  readonly claude?: ClaudeOptions
  /** Of the client, whatever the mount. */
  readonly client?: Pick<ClientOptions, 'maxRetries' | 'timeout'>
}

/** The SDK as a user has it without us. */
export function bareClient(url: string, options: ClientOptions = {}): Anthropic {
  return new Anthropic({ apiKey: key, baseURL: url, logLevel: 'off', ...options })
}

export function sidecarFor(url: string, { use = [], clock, claude = {} }: MountOptions = {}): Base {
  const agent = { name: 'probe', send: async (message: string) => message }
  return createSidecar({
    agent,
    use: use as readonly [],
    claude: { apiKey: key, baseURL: url, ...claude },
    ...(clock ? { clock } : {}),
  }) as unknown as Base
}

/** A client whose calls of the Messages API at `url` run the chain, by one of the mounts. */
export async function mounted(mount: Mount, url: string, options: MountOptions = {}): Promise<Mounted> {
  const sidecar = sidecarFor(url, options)
  const close = () => sidecar.close({ drainMs: 1 })
  if (mount === 'claude') return { sidecar, close, client: sidecar.io.claude.withOptions({ logLevel: 'off', ...options.client }) }
  if (mount === 'middleware') return { sidecar, close, client: bareClient(url, { ...options.client, middleware: [sidecar.middleware] }) }
  const { baseURL, token } = await sidecar.listen()
  return { sidecar, close, client: bareClient(baseURL, { ...options.client, apiKey: token }) }
}

/** A request that every test server answers. */
export const ask = { model: 'claude-haiku-4-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'How far is the reef?' }] }

/** A tool for the SDK's runners; notes each input in `runs`. */
export function runnable(name: string, answer: string, runs: unknown[] = []) {
  return {
    type: 'custom' as const,
    name,
    description: `Answers ${answer}`,
    input_schema: { type: 'object' as const },
    parse: (input: unknown) => input,
    run: (input: unknown) => {
      runs.push(input)
      return answer
    },
  }
}

/** A wait that the clock or the signal of the action ends, as a layer should write it. */
export function waiting({ signal }: Context, clock: Clock, ms: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const forget = clock.after(ms, resolve)
    const aborted = () => {
      forget()
      reject(signal.reason)
    }
    signal.addEventListener('abort', aborted, { once: true })
  })
}

/** What `work` rejects with. */
export async function failure(work: Promise<unknown>): Promise<any> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** Turns of the event loop until `condition` holds: for what sockets bring, which no clock of ours moves. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const last = performance.now() + 30_000
  while (!condition()) {
    if (performance.now() > last) throw new Error(`${what} did not come true`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** A promise and what settles it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}
