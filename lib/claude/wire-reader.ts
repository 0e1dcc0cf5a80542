import type { ActionContext } from '../core/context.js'
import { OutriggerError } from '../core/errors.js'
import { bytesOf, textOfChunks, tooLong } from './body-text.js'
import { lost } from './http-upstream.js'
import type { WireReply } from './wire.js'
import { WireAbort } from './wire-abort.js'

type Chunks = AsyncIterator<Uint8Array | string>
type Chunk = IteratorResult<Uint8Array | string>

/** A source that knows when it has nothing more to give: another wait would cost as much as the first. */
interface Ending {
  readonly isOver?: boolean
}

// How long the body may stay open after the end of the message.
const restMs = 1_000

/** The way an attempt waits for its upstream: in token time, and not longer than its scope lives. */
export class WireReader {
  readonly #ctx: ActionContext
  readonly #scope: ActionContext['scope']
  readonly #maxBytes: number
  /** Fires when the request on the wire is to end. Without a reason: the transport must not reject with an error of ours. */
  readonly abort: WireAbort = new WireAbort()
  #restBy: number | undefined
  /** How long the last wait took that came to nothing, in milliseconds; 0 after one that brought something. */
  lastWaitMs = 0

  constructor(ctx: ActionContext, maxBytes: number) {
    this.#ctx = ctx
    this.#scope = ctx.scope
    this.#maxBytes = maxBytes
  }

  /** Ends the request on the wire. */
  close(): void {
    this.abort.abort()
  }

  /** Time until the model's next byte is token time; time in which a slow consumer holds us back is not. */
  async waiting<T>(work: Promise<T>): Promise<T> {
    const { clock } = this.#ctx
    const from = clock.monotonic()
    this.#ctx.enter('token')
    try {
      this.#ctx.taps?.waiting(true)
      const value = await this.#ctx.elsewhere(this.#scope.race(work))
      this.lastWaitMs = 0
      return value
    } catch (error) {
      this.lastWaitMs = clock.monotonic() - from
      // Where a tap threw, nobody has waited for the work yet.
      work.catch(() => {})
      throw this.#scope.aborted || error instanceof OutriggerError ? error : lost(error)
    } finally {
      this.#ctx.leave('token')
      this.#ctx.taps?.waiting(false)
    }
  }

  /** What follows the end of the message. A body that stays open, or breaks now, does not hold up an answer that is whole. */
  async rest(source: Chunks & Ending): Promise<Chunk> {
    if (source.isOver) return { done: true, value: undefined }
    const { clock } = this.#ctx
    this.#restBy ??= clock.monotonic() + restMs
    const leftMs = Math.max(0, this.#restBy - clock.monotonic())
    const ended = { done: true as const, value: undefined }
    let stop: (() => void) | undefined
    const patience = new Promise<typeof ended>(resolve => {
      const giveUp = () => {
        this.close()
        resolve(ended)
      }
      stop = clock.after(leftMs, giveUp, { awaited: true })
    })
    try {
      return await this.#scope.race(Promise.race([source.next().catch(() => ended), patience]))
    } finally {
      stop?.()
    }
  }

  /** A whole body as text. @throws UpstreamError when it is too long */
  async text(reply: WireReply): Promise<string> {
    const source = reply.body[Symbol.asyncIterator]() as Chunks & Ending
    const chunks: Uint8Array[] = []
    let bytes = 0
    while (!source.isOver) {
      const { done, value } = await this.waiting(source.next())
      if (done) break
      const chunk = bytesOf(value)
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > this.#maxBytes) {
        source.return?.()?.catch(() => {})
        throw tooLong(this.#maxBytes)
      }
    }
    return textOfChunks(chunks)
  }
}
