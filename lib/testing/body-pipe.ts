type Waiter = { readonly resolve: (result: IteratorResult<string>) => void; readonly reject: (error: unknown) => void }

const finished: IteratorResult<string> = { done: true, value: undefined }

/** A response body that is written by hand: what is pushed is read in that order, by one reader. */
export class BodyPipe implements AsyncIterable<string> {
  #chunks: string[] = []
  #read = 0
  readonly #onClose: (whole: boolean) => void
  #waiter: Waiter | undefined
  #ended: { readonly error?: unknown } | undefined
  #closed = false

  /** `onClose` is called once: with `true` when the reader has read to the end or the break, with `false` when it left before. */
  constructor(onClose: (whole: boolean) => void = () => undefined) {
    this.#onClose = onClose
  }

  /** Gives the reader one more chunk; does nothing when the body has ended or the reader has left. */
  push(chunk: string): void {
    if (this.#ended || this.#closed) return
    this.#chunks.push(chunk)
    this.#serve()
  }

  /** Ends the body after what has been pushed. */
  end(): void {
    this.#ended ??= {}
    this.#serve()
  }

  /** Breaks the body after what has been pushed: the reader gets `error`. */
  fail(error: unknown): void {
    this.#ended ??= { error }
    this.#serve()
  }

  /** Breaks the body at once: what has not been read is lost. */
  destroy(error: unknown): void {
    this.#chunks = []
    this.#ended = { error }
    this.#serve()
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.#close(false)
        return finished
      },
    }
  }

  #next(): Promise<IteratorResult<string>> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.#serve()
    })
  }

  #serve(): void {
    const waiter = this.#waiter
    if (waiter === undefined || !(this.#closed || this.#ended || this.#read < this.#chunks.length)) return
    this.#waiter = undefined
    const chunk = this.#chunks[this.#read++]
    if (chunk === undefined) this.#finish(waiter)
    else waiter.resolve({ done: false, value: chunk })
  }

  #finish(waiter: Waiter): void {
    const broken = !this.#closed && this.#ended !== undefined && 'error' in this.#ended
    if (broken) waiter.reject(this.#ended?.error)
    else waiter.resolve(finished)
    this.#close(true)
  }

  #close(whole: boolean): void {
    if (this.#closed) return
    this.#closed = true
    this.#chunks = []
    this.#serve()
    this.#onClose(whole)
  }
}
