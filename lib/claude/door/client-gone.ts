import type { ServerResponse } from 'node:http'
import type { CallerSignal } from '../../core/caller-signal.js'

/** Fires when a client goes away before it has its answer. One for each request, so no `AbortSignal`: that would cost more than the rest of the door. */
export class ClientGone implements CallerSignal {
  aborted = false
  reason: unknown
  #listener: (() => void) | undefined

  constructor(response: ServerResponse) {
    response.once('close', () => {
      if (!response.writableEnded) this.#gone()
    })
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined
  }

  #gone(): void {
    this.aborted = true
    this.reason = new DOMException('The client has gone', 'AbortError')
    this.#listener?.()
  }
}
