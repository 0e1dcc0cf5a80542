import { createSidecar, defineMiddleware, type Host, type LayerInput } from 'outrigger'
import { withBudget, withHealth, withMetrics, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { type CompanionServer, createServer, outsideAgent, type ServerOptions } from 'outrigger/server'
import { mockModel, VirtualClock } from 'outrigger/testing'

/** Tokens of the companions of tests. */
export const tokens = { admin: 'admin-token-of-a-test', watch: 'watch-token-of-a-test' }

/** The layers that show something of an agent. */
export const shownLayers = (usd = 1): readonly LayerInput[] => [
  withHealth(),
  withViolations({ rules: [rules.commands({ deny: ['rm'] }), rules.maxTokens(1_000)] }),
  withMetrics(),
  withBudget({ usd }),
]

/** A companion on a clock of its own, closed at the end of `await using`. */
export async function companion(options: ServerOptions = {}) {
  const clock = new VirtualClock()
  const model = mockModel({ otherwise: () => ({ text: 'hello' }) })
  const server = await createServer({ adminToken: tokens.admin, watchToken: tokens.watch, clock, ...options })
  const add = (name: string, use: readonly LayerInput[] = shownLayers(), about = {}) =>
    server.add({ about, sidecar: createSidecar({ agent: outsideAgent(name), use, claude: { upstream: model.upstream }, clock }) })
  return { server, clock, model, add, [Symbol.asyncDispose]: () => server.close({ drainMs: 0 }) }
}

/** Asks a companion; a body is sent as JSON. */
export function ask({ baseURL }: CompanionServer, path: string, token?: string, body?: unknown): Promise<Response> {
  const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), 'content-type': 'application/json' }
  return fetch(`${baseURL}${path}`, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) })
}

/** One request of a client to its agent. */
export function talk(server: CompanionServer, token: string, over: object = {}): Promise<Response> {
  const messages = [{ role: 'user', content: 'the secret prompt' }]
  return ask(server, '/v1/messages', token, { model: 'claude-opus-4-8', max_tokens: 100, messages, ...over })
}

/** A layer that hands out its host: for events that the test makes. */
export function told() {
  let host: Host | undefined
  const layer = defineMiddleware(
    {
      name: 'told',
      attach: given => {
        host = given
      },
    },
    (_ctx, next) => next(),
  )
  return { layer, publish: (body: Parameters<Host['publish']>[0]) => host!.publish(body) }
}
