/** Reads standard input to its end, as text. Lets go of it when the signal fires: what never ends must not keep the process. */
export async function readAll(input: AsyncIterable<Uint8Array> | undefined, signal: AbortSignal): Promise<string> {
  if (!input) throw new Error('there is no input')
  const forget = letGo(input, signal)
  try {
    const text = await Promise.race([textOf(input), aborted(signal)])
    return text
  } finally {
    forget()
  }
}

async function textOf(input: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of input) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** A stream is destroyed; an iterable of a test has nothing to let go of. */
function letGo(input: object, signal: AbortSignal): () => void {
  const destroy = () => (input as { destroy?(): void }).destroy?.()
  signal.addEventListener('abort', destroy, { once: true })
  return () => signal.removeEventListener('abort', destroy)
}
