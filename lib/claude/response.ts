import type { Reply, ReplyStream } from './reply.js'

/** A reply as `fetch` would give it. `failure` converts what a streamed body breaks with. */
export function responseOf(reply: Reply, url: string, failure?: (error: unknown) => unknown): Response {
  const { status, headers } = reply
  // Servers and proxies answer beyond 599 too; the constructor refuses what `fetch` itself would show.
  const odd = status < 200 || status > 599
  const response = new Response(bodyOf(reply, failure), { status: odd ? 500 : status, headers })
  Object.defineProperty(response, 'url', { value: url })
  return odd ? Object.defineProperty(response, 'status', { value: status }) : response
}

const bodiless = new Set([204, 205, 304])

/** The body for a `Response`, which would give text without a content type one of its own. */
function bodyOf({ status, headers, body }: Reply, failure?: (error: unknown) => unknown): BodyInit | null {
  if (typeof body !== 'string') return readable(body, failure)
  if (bodiless.has(status)) return null
  return 'content-type' in headers ? body : Buffer.from(body)
}

/** The events as a body, read as fast as the client reads. */
function readable(stream: ReplyStream, failure: (error: unknown) => unknown = error => error): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await stream.next()
          if (done) controller.close()
          else controller.enqueue(encoder.encode(value))
        } catch (error) {
          controller.error(failure(error))
        }
      },
      cancel: () => stream.cancel(),
    },
    { highWaterMark: 0 },
  )
}
