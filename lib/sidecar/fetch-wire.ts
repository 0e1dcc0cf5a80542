import type { Scope } from '../core/scope.js'
import type { AnswerMeter } from './answer-meter.js'

/** A body that nobody reads or cancels is over when it is garbage. */
const unread = new FinalizationRegistry<() => void>(unlink => unlink())

/** What an answer says of the redirects that it came by. */
export type Led = Pick<Response, 'redirected' | 'type'>

/**
 * The connection of one guarded `fetch`. Until the head has come its action ends it; then, until the body has ended, failed or been
 * cancelled, its caller and what encloses the action.
 */
export class FetchWire {
  readonly #abort = new AbortController()
  readonly #outer: Scope
  readonly #caller: AbortSignal | undefined
  readonly #meter: AnswerMeter | undefined
  #unlink: () => void = () => {}

  constructor(outer: Scope, caller: AbortSignal | undefined, meter?: AnswerMeter) {
    this.#outer = outer
    this.#caller = caller
    this.#meter = meter
  }

  /**
   * Resolves to the answer when its head is there.
   * @param led - what a redirect that led here makes of the answer
   */
  async open(action: Scope, send: (signal: AbortSignal) => Promise<Response>, led?: Led): Promise<Response> {
    const forget = action.onAbort(reason => this.drop(reason))
    try {
      const head = () => send(this.#abort.signal)
      const answer = await (this.#meter ? this.#meter.wait('headersMs', head, reason => this.drop(reason)) : head())
      return this.#follow(answer, led)
    } finally {
      forget()
    }
  }

  /** Closes the connection: nobody shall read on. */
  drop(reason: unknown): void {
    this.#unlink()
    this.#abort.abort(reason)
  }

  #follow(response: Response, led: Led | undefined): Response {
    const facts = factsOf(response, led)
    if (!response.body) return led ? like(facts, response) : response
    this.#meter?.announced(response)
    this.#link()
    const body = followed(response, this.#unlink, this.#metered())
    unread.register(body, this.#unlink)
    return like(facts, new Response(body, { status: 200, headers: response.headers }))
  }

  /** How a part of the body is read under limits. What goes beyond them closes the connection. */
  #metered(): ReadPart {
    const meter = this.#meter
    if (!meter) return read => read()
    return async read => {
      const part = await meter.wait('idleMs', read, reason => this.drop(reason))
      try {
        meter.count(part.value?.byteLength ?? 0)
      } catch (error) {
        this.drop(error)
        throw error
      }
      return part
    }
  }

  #link(): void {
    const caller = this.#caller
    const left = () => this.drop(caller?.reason)
    const forget = this.#outer.onAbort(reason => this.drop(reason))
    caller?.addEventListener('abort', left, { once: true })
    this.#unlink = () => {
      forget()
      caller?.removeEventListener('abort', left)
    }
  }
}

type Part = ReadableStreamReadResult<Uint8Array<ArrayBuffer>>
type ReadPart = (read: () => Promise<Part>) => Promise<Part>

/** The body of an answer, read as it is pulled. Says when it is over. */
function followed(response: Response, over: () => void, readPart: ReadPart): ReadableStream<Uint8Array> {
  // The answer itself is kept: undici cancels a body whose answer is garbage.
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  const read = () => {
    reader ??= response.body!.getReader()
    return reader.read()
  }
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      try {
        const { done, value } = await readPart(read)
        if (!done) return controller.enqueue(value)
      } catch (error) {
        over()
        throw error
      }
      over()
      controller.close()
      controller.byobRequest?.respond(0)
    },
    cancel(reason) {
      over()
      return (reader ?? response.body!).cancel(reason)
    },
  })
}

type Facts = Pick<Response, 'url' | 'redirected' | 'type' | 'status' | 'statusText' | 'ok'>

function factsOf({ url, redirected, type, status, statusText, ok }: Response, led: Led | undefined): Facts {
  return { url, redirected, type, status, statusText, ok, ...led }
}

/** Gives a copy what the constructor of `Response` cannot be told, or refuses: servers answer beyond 599, and with any reason phrase. */
function like(facts: Facts, copy: Response): Response {
  const clone = () => like(facts, Response.prototype.clone.call(copy))
  for (const [name, value] of Object.entries({ ...facts, clone })) Object.defineProperty(copy, name, { value })
  return copy
}
