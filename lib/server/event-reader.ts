import type { ServerResponse } from 'node:http'
import type { FeedEvent, FeedReader } from './feed.js'
import type { Seat } from './desk.js'

/** What may wait for a reader, in bytes, before it is cut off: one that does not read costs no more memory than that and one event. */
export const mostUnread: number = 2 ** 20

/** Writes a feed out as server-sent events. */
export class EventReader implements FeedReader {
  readonly only?: Seat
  readonly #response: ServerResponse

  constructor(response: ServerResponse, only?: Seat) {
    this.#response = response
    if (only) this.only = only
  }

  send(event: FeedEvent, json: string): void {
    this.#write(`event: ${event}\ndata: ${json}\n\n`)
    // Its token opens nothing any more.
    if (event === 'removed' && this.only) this.#response.end()
  }

  ping(): void {
    this.#write(': \n\n')
  }

  #write(text: string): void {
    const response = this.#response
    if (response.destroyed || response.writableEnded) return
    if (response.writableLength > mostUnread) response.destroy()
    else response.write(text)
  }
}
