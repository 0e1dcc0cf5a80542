/** Headers that say where a request goes, where it ends or what the connection becomes: the connection's own business. */
const ofConnection: readonly string[] = [
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
]

/**
 * Refuses headers by which a server, or something in front of it, would read another request than the one that was judged. `host` may only say
 * what the URL says.
 * @throws TypeError that names the header
 */
export function checkSentHeaders(headers: Headers, url: string): void {
  const host = headers.get('host')
  if (host !== null && host.toLowerCase() !== new URL(url).host) throw refused('host')
  const found = ofConnection.find(name => headers.has(name))
  if (found !== undefined) throw refused(found)
}

function refused(name: string): TypeError {
  return new TypeError(`fetch: header "${name}" cannot be set under a rule on the network; leave it out`)
}
