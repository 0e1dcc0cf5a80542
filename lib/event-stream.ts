import { Channel } from './core/channel.js'
import type { Clock } from './core/clock.js'
import type { Sink } from './core/context.js'
import type { SidecarStream } from './sidecar-types.js'

/** Starts a send that releases into `sink`; tells `onAbandon` how to abort it. */
type Starter<Out> = (sink: Sink, onAbandon: (abort: (reason: unknown) => void) => void) => Promise<Out>

/** A streamed send as its consumer sees it. It begins with the first pull, or with the first look at `reply`. */
export class EventStream<Event, Out> implements SidecarStream<Event, Out> {
  readonly #channel: Channel<Event>
  readonly #start: Starter<Out>
  #abort: ((reason: unknown) => void) | undefined
  #reply: Promise<Out> | undefined
  #iterated = false

  constructor(clock: Clock, idleMs: number, start: Starter<Out>) {
    this.#start = start
    this.#channel = new Channel<Event>({ clock, idleMs, abandon: () => this.#abort?.(new DOMException('The consumer stopped reading', 'AbortError')) })
  }

  get reply(): Promise<Out> {
    const reply = this.#begun()
    // Nobody may iterate after this turn: then the events have no reader and are dropped.
    queueMicrotask(() => {
      if (!this.#iterated) this.#channel.drop()
    })
    return reply
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void> {
    if (this.#iterated) throw new TypeError('a stream can be read once')
    this.#iterated = true
    this.#begun()
    try {
      for (;;) {
        const { done, value } = await this.#channel.next()
        if (done) return
        yield value
      }
    } finally {
      this.#channel.leave()
    }
  }

  #begun(): Promise<Out> {
    this.#reply ??= this.#run()
    return this.#reply
  }

  #run(): Promise<Out> {
    const sink: Sink = event => this.#channel.push(event as Event)
    const reply = this.#start(sink, abort => {
      this.#abort = abort
    })
    reply.then(
      () => this.#channel.end(),
      error => this.#channel.fail(error),
    )
    return reply
  }
}
