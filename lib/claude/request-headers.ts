// What a client says about its own transport ends here: the seam has its own.
const transport = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'content-encoding',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
])

const listed = new Set(['x-app', 'accept', 'content-type', 'user-agent', 'idempotency-key'])
const families = ['x-stainless-', 'anthropic-', 'x-claude-code-']

/** May this header travel on from a client whose credential is added behind the chain? Any other could steer a gateway, or prove a sender. */
export function isListed(name: string): boolean {
  return listed.has(name) || families.some(family => name.startsWith(family))
}

/** May this header travel on from a client that holds its credential itself? */
export function isOfRequest(name: string): boolean {
  return !transport.has(name)
}

/** The headers that may travel on. Names become lower case, and one name has one value: what the chain reads is what is sent. */
export function forwarded(headers: Readonly<Record<string, unknown>>, may: (name: string) => boolean): Record<string, string> {
  const on: Record<string, string> = {}
  for (const given of Object.keys(headers)) {
    const name = given.toLowerCase()
    if (may(name)) on[name] = String(headers[given])
  }
  return on
}

/** The betas that an `anthropic-beta` header names. */
export function betasIn(header: string | undefined): readonly string[] {
  return header ? header.split(',').flatMap(beta => beta.trim() || []) : none
}

const none: readonly string[] = Object.freeze([])
