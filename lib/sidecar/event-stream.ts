import { Channel } from '../core/channel.js'
import type { Clock } from '../core/clock.js'
import type { Sink } from '../core/context.js'
import type { SidecarStream } from './types.js'

/** Starts a send that releases into `sink`; tells `onAbandon` how to abort it. */
type Starter<Out> = (sink: Sink, onAbandon: (abort: (reason: unknown) => void) => void) => Promise<Out>

/** A streamed send as its consumer sees it. It begins with the first pull, or with the first look at `reply`. */
export class EventStream<Event, Out> implements SidecarStream<Event, Out> {
  readonly #channel: Channel<Event>
  readonly #start: Starter<Out>
  #abort: ((reason: unknown) => void) | undefined
  #reply: Promise<Out> | undefined
  #iterated = false
  #dropped = false

  constructor(clock: Clock, idleMs: number, start: Starter<Out>) {
    this.#start = start
    this.#channel = new Channel<Event>({
      clock,
      idleMs,
      abandon: () => this.#abort?.(new DOMException('The consumer stopped reading', 'AbortError')),
    })
  }

  get reply(): Promise<Out> {
    const reply = this.#begun()
    // Nobody may iterate after this turn: then the events have no reader and are dropped.
    queueMicrotask(() => {
      if (this.#iterated) return
      this.#dropped = true
      this.#channel.drop()
    })
    return reply
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void> {
    if (this.#iterated) throw new TypeError('a stream can be read once')
    if (this.#dropped) throw new TypeError('the events of this stream are gone: reply was awaited before anybody read them; iterate first')
    this.#iterated = true
    this.#begun()
    try {
      for (let item = await this.#channel.next(); !item.done; item = await this.#channel.next()) yield item.value
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
    // An abort after the end would still reach what the agent has handed its signal to.
    const over = () => {
      this.#abort = undefined
    }
    reply.then(over, over)
    reply.then(
      () => this.#channel.end(),
      error => this.#channel.fail(error),
    )
    return reply
  }
}
