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

const listed = /^(anthropic-[\w-]+|x-stainless-[\w-]+|x-claude-code-[\w-]+|x-app|accept|content-type|user-agent|idempotency-key)$/

/** May this header travel on from a client whose credential is added behind the chain? Any other could steer a gateway, or prove a sender. */
export function isListed(name: string): boolean {
  return listed.test(name)
}

/** May this header travel on from a client that holds its credential itself? */
export function isOfRequest(name: string): boolean {
  return !transport.has(name)
}

/** The headers that may travel on. Names become lower case, and one name has one value: what the chain reads is what is sent. */
export function forwarded(headers: Readonly<Record<string, unknown>>, may: (name: string) => boolean): Record<string, string> {
  const on: Record<string, string> = {}
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    if (may(name)) on[name] = String(value)
  }
  return on
}

/** The betas that an `anthropic-beta` header names. */
export function betasIn(header: string | undefined): readonly string[] {
  return (header ?? '').split(',').flatMap(beta => beta.trim() || [])
}
