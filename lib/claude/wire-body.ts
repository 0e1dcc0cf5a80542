/** How the source of a body is steered. */
export interface BodySource {
  pause(): void
  resume(): void
  /** Nobody reads on. */
  drop(): void
}

// What waits unread, in bytes, before the source is paused: as much as a socket of node gives at once.
const mostWaiting = 65_536

/** A body as its chunks come: read once, by one reader. The source is held back while the reader is slow, and dropped when it leaves early. */
export class WireBody implements AsyncIterableIterator<Uint8Array> {
  readonly #source: BodySource
  #chunks: Uint8Array[] = []
  #waiting = 0
  #isPaused = false
  #over = false
  #failure: { readonly error: unknown } | undefined
  #resolve: ((result: IteratorResult<Uint8Array>) => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  constructor(source: BodySource) {
    this.#source = source
  }

  /** It has ended well, and all of it has been read. */
  get isOver(): boolean {
    return this.#over && this.#chunks.length === 0 && this.#failure === undefined
  }

  push(chunk: Uint8Array): void {
    if (this.#resolve) this.#settle()({ done: false, value: chunk })
    else this.#keep(chunk)
  }

  #keep(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#waiting += chunk.length
    if (this.#waiting < mostWaiting || this.#isPaused) return
    this.#isPaused = true
    this.#source.pause()
  }

  end(): void {
    this.#over = true
    if (this.#resolve) this.#settle()({ done: true, value: undefined })
  }

  fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    const reject = this.#reject
    if (!reject) this.#failure = { error }
    else {
      this.#settle()
      reject(error)
    }
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift()
    if (chunk) return Promise.resolve({ done: false, value: this.#taken(chunk) })
    const failure = this.#failure
    this.#failure = undefined
    if (failure) return Promise.reject(failure.error)
    if (this.#over) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#over) {
      this.end()
      this.#source.drop()
    }
    this.#chunks = []
    this.#failure = undefined
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #taken(chunk: Uint8Array): Uint8Array {
    this.#waiting -= chunk.length
    if (this.#isPaused && this.#waiting < mostWaiting) {
      this.#isPaused = false
      this.#source.resume()
    }
    return chunk
  }

  #settle(): (result: IteratorResult<Uint8Array>) => void {
    const resolve = this.#resolve!
    this.#resolve = undefined
    this.#reject = undefined
    return resolve
  }
}
