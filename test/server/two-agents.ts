import { createSidecar } from 'outrigger'
import { createServer, outsideAgent, type CompanionServer, type ServerOptions } from 'outrigger/server'
import type { LayerInput } from '../../lib/core/types.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'

/** A companion with agents `a` and `b` before a Messages API server of the tests; each has a token of its name. */
export interface Companion {
  readonly server: CompanionServer
  readonly upstream: MessagesServer
  close(): Promise<void>
}

export const tokenOf = (name: string): string => `outrigger-token-of-${name}`

export async function companion(
  options: ServerOptions = {},
  {
    answer = script.text('hello'),
    use = [],
    names = ['a', 'b'],
  }: { answer?: Scripted; use?: readonly LayerInput[]; names?: readonly string[] } = {},
): Promise<Companion> {
  const upstream = await startServer(answer)
  const agents = names.map(name => ({ sidecar: sidecarNamed(name, upstream.url, use, options.clock), token: tokenOf(name) }))
  const server = await createServer({ agents, ...options })
  return {
    server,
    upstream,
    async close() {
      await server.close({ drainMs: 1 })
      await upstream.close()
    },
  }
}

function sidecarNamed(name: string, url: string, use: readonly LayerInput[], clock: ServerOptions['clock']) {
  return createSidecar({
    agent: outsideAgent(name),
    use: use as readonly [],
    claude: { apiKey: 'sk-ant-of-this-test', baseURL: url },
    ...(clock ? { clock } : {}),
  })
}

export const question = JSON.stringify({
  model: 'claude-haiku-4-5',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'How far is the reef?' }],
})

/** A good request as it stands on the wire; `headers` are lines, and take the place of ours. */
export function wire(
  { host }: URL,
  {
    method = 'POST',
    target = '/v1/messages',
    version = '1.1',
    headers = [`Host: ${host}`, `X-Api-Key: ${tokenOf('a')}`],
    body = question,
  }: {
    readonly method?: string
    readonly target?: string
    readonly version?: string
    readonly headers?: readonly string[]
    readonly body?: string
  } = {},
): string {
  const length =
    body === '' || headers.some(line => /^(transfer-encoding|content-length)/i.test(line))
      ? []
      : [`Content-Length: ${Buffer.byteLength(body)}`]
  return [`${method} ${target} HTTP/${version}`, ...headers, ...length, '', body].join('\r\n')
}
