import type { Json, ToolAction } from '../core/types.js'
import { optionalList, plainObject, shown } from './check-options.js'
import { type DeclaredLook, firstDeclared } from './declared-tools.js'
import { always, defineRule, type RuleOptions } from './define-rule.js'
import { type HostPattern, hostPattern, placeOf } from './hosts.js'
import { inputField, knownTools, namesAsFacts, type ToolNames } from './tool-names.js'
import type { Finding, Rule } from './types.js'

/** Options of `rules.network`. */
export interface NetworkRuleOptions extends RuleOptions {
  /**
   * Hosts that may be reached: `example.com`, `*.example.com` (any name below it), each with the usual port unless one follows
   * (`:8443`, `:*`); `public`: any public address; or, without a list, one of the words. Default: `none`.
   */
  readonly allow?: readonly string[] | 'public' | 'none'
  /** Which tools fetch a URL. Default: `WebFetch` with `url`. */
  readonly names?: ToolNames
}

const where = 'rules.network'

/**
 * Which hosts a fetch may reach, by its URL as the platform reads it: over http and https only, without credentials in the URL. Tools of the API's
 * server that reach the network (search, fetch, MCP servers) are judged when a request declares them.
 * @throws TypeError on a wrong option
 */
export function network(options: NetworkRuleOptions = {}): Rule {
  const { allow = 'none', names } = plainObject(where, 'options', options)
  const entries = optionalList(where, 'allow', typeof allow === 'string' ? [allow] : allow)!
  if (entries.length > 1 && entries.includes('none'))
    throw new TypeError(`${where}: allow: 'none' beside other hosts says two things; take it out, or the others`)
  const { fetch } = knownTools(where, names)
  const patterns = entries.map(entry => hostPattern(where, entry))
  const look = remoteLook(patterns)
  const fetched = (action: ToolAction) => {
    const field = fetch.get(action.name)
    return field === undefined ? undefined : urlFinding(patterns, inputField(action.input, field))
  }
  return defineRule(
    {
      name: 'network',
      stages: ['action'],
      kinds: ['tool', 'model'],
      facts: { allow: entries, names: namesAsFacts(fetch) },
      known: ['allow', 'names'],
      begin: always(({ action }) => (action.kind === 'model' ? firstDeclared(action, look) : fetched(action as ToolAction))),
    },
    options,
  )
}

function urlFinding(patterns: readonly HostPattern[], url: unknown): Finding | undefined {
  const place = placeOf(url)
  if (typeof place === 'string') return { details: place }
  return patterns.some(allows => allows(place)) ? undefined : { details: `host ${shown(place.host)}, port ${place.port}, is not allowed` }
}

/** A tool of the API's server that fetches or searches is as free as the domains that the request limits it to. */
function remoteLook(patterns: readonly HostPattern[]): DeclaredLook {
  return (name, atServer, definition) => (atServer ? serverFinding(patterns, name, definition) : undefined)
}

function serverFinding(patterns: readonly HostPattern[], name: string, definition: Json): Finding | undefined {
  if (Array.isArray(definition)) return firstOf(definition.map(server => urlFinding(patterns, inputField(server, 'url'))))
  const type = inputField(definition, 'type')
  if (typeof type !== 'string' || !/^web_(search|fetch)_/.test(type)) return
  const domains = inputField(definition, 'allowed_domains')
  if (Array.isArray(domains) && domains.length > 0) return firstOf(domains.map(domain => urlFinding(patterns, `https://${String(domain)}`)))
  return anywhere(patterns) ? undefined : { details: `server tool ${shown(name)} reaches any host; limit it by allowed_domains` }
}

const firstOf = (findings: readonly (Finding | undefined)[]): Finding | undefined => findings.find(found => found !== undefined)

/** `public` allows a name that nobody has listed. */
function anywhere(patterns: readonly HostPattern[]): boolean {
  return patterns.some(allows => allows({ host: 'unlisted.outrigger-name.org', port: 443, usualPort: true }))
}
