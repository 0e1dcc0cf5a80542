import { SseDecoder } from '../../lib/claude/sse.js'

/** One frame as it came: a comment has no event. */
export interface Came {
  readonly event: string | null
  readonly data: any
}

/** Reads `GET /v1/events` of a server, frame by frame. */
export class EventClient {
  readonly #frames: Came[] = []
  readonly #decoder = new SseDecoder()
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #stop: AbortController

  constructor(
    readonly response: Response,
    stop: AbortController,
  ) {
    this.#reader = response.body!.getReader()
    this.#stop = stop
  }

  static async open(baseURL: string, token: string): Promise<EventClient> {
    const stop = new AbortController()
    const response = await fetch(`${baseURL}/v1/events`, { headers: { authorization: `Bearer ${token}` }, signal: stop.signal })
    return new EventClient(response, stop)
  }

  /** The next frame; undefined at the end, whether or not it is a clean one. */
  async next(): Promise<Came | undefined> {
    while (this.#frames.length === 0) {
      const { done, value } = await this.#reader.read().catch(() => ({ done: true, value: undefined }))
      if (done || !value) return undefined
      for (const { event, data } of this.#decoder.push(value)) this.#frames.push({ event, data: event ? JSON.parse(data) : data })
    }
    return this.#frames.shift()
  }

  /** The next frame of this event, what comes before it passed by. */
  async nextOf(event: string): Promise<any> {
    for (;;) {
      const came = await this.next()
      if (!came) throw new Error(`the stream ended before ${event}`)
      if (came.event === event) return came.data
    }
  }

  close(): void {
    this.#stop.abort()
  }
}
