import { type Clock, systemClock } from '../core/clock.js'
import type { SidecarEvent } from '../core/types.js'
import type { Seat } from './desk.js'
import type { House } from './house.js'
import { publicEvent } from './public-event.js'
import { agentSnapshot, serverSnapshot } from './snapshot.js'

/** Who reads a feed. */
export interface FeedReader {
  /** Its own agent, for one that may see no other. */
  readonly only?: Seat
  /** `json` is one line. */
  send(event: FeedEvent, json: string): void
  /** Nothing has happened: a sign of life. */
  ping(): void
}

/** What `GET /v1/events` sends. */
export type FeedEvent = 'snapshot' | 'agent' | 'event' | 'removed'

/** Milliseconds between two looks: an agent is told of at most that often. */
const lookMs = 250
/** Looks between two at all agents: some of what they show changes by time alone. */
const sweepLooks = 4
/** Looks between two signs of life: 15 seconds. */
const pingLooks = 60

/**
 * What the agents of a server do, for all readers at once. Agents of which something was heard are looked at again, and told of where they have
 * changed: the last state always comes. Nothing is looked at while nobody reads.
 */
export class Feed {
  readonly #house: House
  readonly #clock: Clock
  readonly #readers = new Set<FeedReader>()
  /** What was told of each agent last; undefined where readers may have heard different things. */
  readonly #told = new Map<Seat, string | undefined>()
  readonly #marks = new WeakMap<Seat, string>()
  readonly #changed = new Set<string>()
  #looks = 0
  #stop: (() => void) | undefined

  constructor(house: House) {
    this.#house = house
    this.#clock = house.options.clock ?? systemClock
  }

  /** How many read. */
  get size(): number {
    return this.#readers.size
  }

  /** Sends a snapshot, and from then on what changes. Returns what ends it. */
  join(reader: FeedReader): () => void {
    if (this.size === 0) this.#begin()
    this.#readers.add(reader)
    const seats = this.#seats(reader)
    reader.send('snapshot', JSON.stringify(serverSnapshot(seats, this.#clock.now())))
    // Others have not heard what this one has: at the next look everybody hears.
    for (const seat of seats) this.#told.set(seat, undefined)
    return () => this.#leave(reader)
  }

  #seats({ only }: FeedReader): readonly Seat[] {
    return only ? [only] : this.#house.desk.seats
  }

  #begin(): void {
    const unsubscribe = this.#house.companion.subscribe(event => this.#heard(event))
    let forget = () => {}
    const wait = () => {
      forget = this.#clock.after(lookMs, () => {
        wait()
        this.#look()
      })
    }
    wait()
    this.#stop = () => {
      forget()
      unsubscribe()
    }
  }

  #leave(reader: FeedReader): void {
    if (!this.#readers.delete(reader) || this.size > 0) return
    this.#stop?.()
    this.#told.clear()
    this.#changed.clear()
  }

  #heard(event: SidecarEvent): void {
    this.#changed.add(event.agent)
    const json = JSON.stringify(publicEvent(event))
    for (const reader of this.#readers) if (!reader.only || reader.only.sidecar.id === event.agent) reader.send('event', json)
  }

  #look(): void {
    this.#looks++
    const { seats } = this.#house.desk
    const changed = new Set(this.#changed)
    this.#changed.clear()
    this.#tellOfRemoved(seats)
    for (const seat of seats) if (this.#isDue(seat, changed)) this.#tellOf(seat)
    if (this.#looks % pingLooks === 0) for (const reader of this.#readers) reader.ping()
  }

  #isDue(seat: Seat, changed: ReadonlySet<string>): boolean {
    const mark = markOf(seat)
    const moved = this.#marks.get(seat) !== mark
    this.#marks.set(seat, mark)
    return moved || this.#looks % sweepLooks === 0 || changed.has(seat.sidecar.id) || this.#told.get(seat) === undefined
  }

  #tellOf(seat: Seat): void {
    const json = JSON.stringify(agentSnapshot(seat))
    if (this.#told.get(seat) === json) return
    this.#told.set(seat, json)
    this.#send(seat, 'agent', json)
  }

  #tellOfRemoved(seats: readonly Seat[]): void {
    const there = new Set(seats)
    for (const seat of this.#told.keys()) {
      if (there.has(seat)) continue
      this.#told.delete(seat)
      this.#send(seat, 'removed', JSON.stringify({ name: seat.name }))
    }
  }

  #send(seat: Seat, event: FeedEvent, json: string): void {
    for (const reader of this.#readers) if (!reader.only || reader.only === seat) reader.send(event, json)
  }
}

/** What changes without an event, and costs next to nothing to look at. */
function markOf({ open, sidecar: { state }, seam: { runtime } }: Seat): string {
  return `${open} ${state} ${runtime.paused ?? ''}`
}
