import type { Upstream, WireReply, WireRequest } from './wire.js'

/** Ends one request on the wire, without a reason. An `AbortSignal` of it is made for those that want one: it costs more than all the rest of this. */
export class WireAbort {
  #aborted = false
  #controller: AbortController | undefined
  #listener: (() => void) | undefined

  get aborted(): boolean {
    return this.#aborted
  }

  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#controller?.abort()
    this.#listener?.()
  }

  /** Calls `fn` when it fires; there is one listener. */
  onAbort(fn: () => void): void {
    this.#listener = fn
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }
}

/** A way upstream that needs no signal. */
export type DirectUpstream = (request: WireRequest, abort: WireAbort) => Promise<WireReply>

/** Where an upstream of ours has its way without a signal. */
export const direct: unique symbol = Symbol('direct')

/** Sends a request by the lighter of the ways that an upstream has. */
export function sendBy(
  upstream: Upstream & { readonly [direct]?: DirectUpstream },
  request: WireRequest,
  abort: WireAbort,
): Promise<WireReply> {
  const light = upstream[direct]
  return light ? light(request, abort) : upstream(request, abort.signal)
}
