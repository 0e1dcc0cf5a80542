import type { Clock } from '../../core/clock.js'
import type { AgentSnapshot } from '../../server/types.js'
import { CompanionClient, type Happening } from './companion-client.js'
import type { CompanionView, Source } from './view.js'

/** Milliseconds before a companion is asked again that was lost: doubled with each try. */
const [firstMs, mostMs] = [500, 15_000]

/** What one companion shows, kept up to date; a connection that breaks is made anew, with a back-off. */
export class Follower {
  readonly client: CompanionClient
  readonly #source: Source
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #stop = new AbortController()
  readonly #agents = new Map<string, AgentSnapshot>()
  #link: CompanionView['link'] = 'connecting'
  #why: string | null = null
  #since: number
  #waitMs = firstMs

  constructor(source: Source, clock: Clock, changed: () => void) {
    this.client = new CompanionClient(source, clock)
    this.#source = source
    this.#clock = clock
    this.#changed = changed
    this.#since = clock.now()
  }

  get view(): CompanionView {
    return { source: this.#source, link: this.#link, why: this.#why, since: this.#since, agents: [...this.#agents.values()] }
  }

  /** Never rejects; resolves after `stop()`. */
  async run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const why = await this.client
        .follow(happening => this.#heard(happening), signal)
        .then(
          () => 'it has ended the stream',
          (error: Error) => error.message,
        )
      if (!signal.aborted) await this.#lost(why)
    }
  }

  stop(): void {
    this.#stop.abort()
  }

  #heard(happening: Happening): void {
    if (happening.type === 'snapshot') this.#begin(happening.server.agents)
    else if (happening.type === 'agent') this.#agents.set(happening.agent.name, happening.agent)
    else this.#agents.delete(happening.name)
    this.#changed()
  }

  #begin(agents: readonly AgentSnapshot[]): void {
    this.#agents.clear()
    for (const agent of agents) this.#agents.set(agent.name, agent)
    this.#become('live', null)
    this.#waitMs = firstMs
  }

  async #lost(why: string): Promise<void> {
    this.#become('lost', why)
    this.#changed()
    await this.#pause(this.#waitMs)
    this.#waitMs = Math.min(mostMs, this.#waitMs * 2)
  }

  #become(link: CompanionView['link'], why: string | null): void {
    if (this.#link !== link) this.#since = this.#clock.now()
    this.#link = link
    this.#why = why
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stop
    return new Promise(resolve => {
      const forget = this.#clock.after(ms, done, { awaited: true })
      function done() {
        forget()
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
    })
  }
}
