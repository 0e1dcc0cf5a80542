import type { Json, ToolAction } from '../../core/types.js'
import { optionalList, plainObject, shown } from '../check-options.js'
import { reachOf } from './addresses.js'
import { type DeclaredLook, firstDeclared } from '../tools/declared-tools.js'
import { always, defineRule, type RuleOptions } from '../define-rule.js'
import { fetchLimits, limitNames } from './fetch-limits.js'
import { addressIn, type HostPattern, hostPattern, type Place, placeOf } from './hosts.js'
import { type InnerHosts, innerHosts } from './inner-hosts.js'
import { type FieldByTool, inputField, knownTools, namesAsFacts, type ToolNames } from '../tools/tool-names.js'
import type { Finding, Rule, Subject } from '../types.js'

/** Options of `rules.network`. */
export interface NetworkRuleOptions extends RuleOptions {
  /**
   * Hosts that may be reached: `example.com`, `*.example.com` (any name below it), each with the usual port unless one follows
   * (`:8443`, `:*`); `public`: any public address; or, without a list, one of the words. Default: `none`.
   */
  readonly allow?: readonly string[] | 'public' | 'none'
  /**
   * What the guarded `fetch` may reach at an address that is not public: names (`git.example.com`, `*.svc.example.com`), which may then lead to private
   * addresses, and addresses or ranges (`10.0.0.0/8`), which any allowed name may lead to. Default: only names that the public DNS does not have.
   */
  readonly private?: readonly string[]
  /** Which tools fetch a URL, besides the guarded `fetch`: that is `WebFetch` with `url`. */
  readonly names?: ToolNames
  /** Bytes that one answer to the guarded `fetch` may have, decompressed. Default: 67,108,864. */
  readonly maxBytes?: number
  /** Milliseconds that the guarded `fetch` waits for the head of an answer. Default: 300,000. */
  readonly headersMs?: number
  /** Milliseconds that it waits for the next part of the body. Default: 300,000. */
  readonly idleMs?: number
  /** Milliseconds that it waits for one answer in all. Default: 600,000. */
  readonly maxMs?: number
}

const where = 'rules.network'

/** What a rule says, read once. */
interface Reading {
  readonly patterns: readonly HostPattern[]
  readonly inner: InnerHosts
  readonly fields: FieldByTool
}

/**
 * Which hosts a fetch may reach, by its URL as the platform reads it: over http and https only, without credentials in the URL. Of the guarded `fetch`,
 * also by every address that the host leads to. Tools of the API's server that reach the network (search, fetch, MCP servers) are judged when a request
 * declares them.
 * @throws TypeError or RangeError on a wrong option
 */
export function network(options: NetworkRuleOptions = {}): Rule {
  const { allow = 'none', private: inside = [], names } = plainObject(where, 'options', options)
  const entries = optionalList(where, 'allow', typeof allow === 'string' ? [allow] : allow)!
  if (entries.length > 1 && entries.includes('none'))
    throw new TypeError(`${where}: allow: 'none' beside other hosts says two things; take it out, or the others`)
  const innerEntries = optionalList(where, 'private', inside)!
  const fields = withGuardedFetch(knownTools(where, names).fetch)
  const reading = { patterns: entries.map(entry => hostPattern(where, entry)), inner: innerHosts(where, innerEntries), fields }
  const limits = fetchLimits(where, options)
  const facts = { allow: entries, ...(innerEntries.length > 0 ? { private: innerEntries } : {}), names: namesAsFacts(fields), ...limits }
  return defineRule(
    {
      name: 'network',
      stages: ['action', 'connect'],
      kinds: ['tool', 'model'],
      facts,
      known: ['allow', 'private', 'names', ...limitNames],
      fetch: limits,
      begin: always(checker(reading)),
    },
    options,
  )
}

/** Whatever other tools there are: what the guarded `fetch` does is fetching. */
function withGuardedFetch(fields: FieldByTool): FieldByTool {
  return new Map([['WebFetch', 'url'], ...fields])
}

function checker(reading: Reading): (subject: Subject) => Finding | undefined {
  const look = remoteLook(reading.patterns)
  return ({ stage, action, addresses }) => {
    if (action.kind === 'model') return firstDeclared(action, look)
    const { name, input } = action as ToolAction
    const field = reading.fields.get(name)
    if (field === undefined) return undefined
    const url = inputField(input, field)
    return (
      urlFinding(reading.patterns, url) ?? (stage === 'connect' ? addressFinding(reading, placeOf(url) as Place, addresses) : undefined)
    )
  }
}

/** All of them: a name that leads to a public and to a private address is no better than one that leads to the private one alone. */
function addressFinding(reading: Reading, place: Place, addresses: readonly string[] = []): Finding | undefined {
  if (addresses.length === 0) return { details: `host ${shown(place.host)} leads to no address` }
  const refused = addresses.find(address => !mayLead(reading, place, address))
  return refused === undefined ? undefined : { details: `host ${shown(place.host)} leads to ${words[reachOf(refused)]}` }
}

function mayLead({ patterns, inner }: Reading, place: Place, address: string): boolean {
  if (reachOf(address) === 'public' && addressIn(place.host) === undefined) return true
  const itself = { ...place, host: address.includes(':') ? `[${address}]` : address }
  return patterns.some(allows => allows(itself)) || inner(place, address)
}

const words = {
  public: 'an address that is not listed',
  private: 'a private address; where that is meant, list it in private',
  apart: 'an address of a link, of a metadata service or of a reserved range',
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
