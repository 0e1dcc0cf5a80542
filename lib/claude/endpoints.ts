import { parseUrl } from '../core/parse-url.js'

/** What happens to a request: through the chain, straight through and counted, or not at all. */
export type Treatment = 'chain' | 'pass'

/** An endpoint of the Messages API that is let through. */
export interface Endpoint {
  readonly method: string
  readonly path: RegExp
  readonly treatment: Treatment
}

/** Everything that is let through; all else is refused. */
export const endpoints: readonly Endpoint[] = [
  { method: 'POST', path: /^\/v1\/messages$/, treatment: 'chain' },
  { method: 'POST', path: /^\/v1\/messages\/count_tokens$/, treatment: 'pass' },
  { method: 'GET', path: /^\/v1\/models$/, treatment: 'pass' },
  { method: 'GET', path: /^\/v1\/models\/[\w.@:-]+$/, treatment: 'pass' },
]

/** A request that matched: the path and query that go upstream, made anew from what was recognised. */
export interface Route {
  readonly treatment: Treatment
  /** Path and listed query parameters, with a leading slash, without the prefix of the base URL. */
  readonly target: string
}

// Nearly every request: nothing of it needs to be taken apart.
const messages: Route = Object.freeze({ treatment: 'chain', target: '/v1/messages' })

/**
 * Finds the endpoint of a request. Only path and query of its URL count: the origin is the sidecar's.
 * @param prefix - the path of the configured base URL, without a slash at the end
 */
export function routeOf(method: string, url: string, prefix: string): Route | undefined {
  if (url === messages.target && method === 'POST') return messages
  const parsed = parseUrl(url, 'http://localhost')
  if (!parsed) return undefined
  const path = prefix && parsed.pathname.startsWith(`${prefix}/`) ? parsed.pathname.slice(prefix.length) : parsed.pathname
  const endpoint = endpoints.find(candidate => candidate.method === method && candidate.path.test(path))
  return endpoint && { treatment: endpoint.treatment, target: path + queryOf(parsed) }
}

const listedQuery = new Set(['beta', 'limit', 'after_id', 'before_id'])

/** The parameters that the listed endpoints take; a gateway may take others as orders. */
function queryOf({ search, searchParams }: URL): string {
  if (search === '') return ''
  const listed = new URLSearchParams([...searchParams].filter(([name]) => listedQuery.has(name))).toString()
  return listed && `?${listed}`
}
