import type { Clock } from '../../core/clock.js'
import { CompanionError } from './companion-client.js'
import { Follower } from './follower.js'
import type { CompanionView, Selection, Source } from './view.js'

/** Follows all companions that are there: begins with those that come, ends with those that go. */
export class Followers {
  readonly #sources: () => readonly Source[]
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #all = new Map<string, { readonly follower: Follower; readonly ended: Promise<void> }>()
  readonly #stop = new AbortController()

  constructor(sources: () => readonly Source[], clock: Clock, changed: () => void) {
    this.#sources = sources
    this.#clock = clock
    this.#changed = changed
  }

  get views(): readonly CompanionView[] {
    return [...this.#all.values()].map(({ follower }) => follower.view)
  }

  /** Looks which are there. */
  refresh(): void {
    const sources = new Map(this.#sources().map(source => [keyOf(source), source]))
    for (const [key, { follower }] of this.#all)
      if (!sources.has(key)) {
        follower.stop()
        this.#all.delete(key)
      }
    for (const [key, source] of sources) if (!this.#all.has(key)) this.#begin(key, source)
  }

  /** @throws CompanionError */
  async steer({ baseURL, name }: Selection, verb: 'pause' | 'resume' | 'reap', reason: string): Promise<void> {
    const found = [...this.#all.values()].find(({ follower }) => follower.view.source.baseURL === baseURL)
    if (!found) throw new CompanionError('its companion is not there any more')
    await found.follower.client.steer(name, verb, reason, this.#stop.signal)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    const all = [...this.#all.values()]
    for (const { follower } of all) follower.stop()
    await Promise.all(all.map(({ ended }) => ended))
  }

  #begin(key: string, source: Source): void {
    const follower = new Follower(source, this.#clock, this.#changed)
    this.#all.set(key, { follower, ended: follower.run() })
  }
}

/** A companion that was started again is another one, on the same port too. */
const keyOf = ({ baseURL, pid, startedAt }: Source): string => JSON.stringify([baseURL, pid, startedAt])
