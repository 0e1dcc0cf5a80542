import type { Clock } from 'outrigger'
import type { HealthSettings } from './options.js'
import type { Finding } from './status.js'
import type { Watched } from './watched.js'

/** The watch never looks more often than that by itself, in milliseconds. */
const leastMs = 1_000
const silentSignals = { send: 'silent-agent', model: 'silent-model', tool: 'silent-tool', spawn: 'silent-agent' } as const

/** How long an action may still be silent. */
interface Left {
  readonly ms: number
  readonly phase: string
  readonly deadlineMs: number
}

/** What is running, and how long each part of it has been silent. Sets one timer, for the next deadline: it keeps no process alive. */
export class Running {
  readonly #clock: Clock
  readonly #settings: HealthSettings
  readonly #mayBeBusy: () => boolean
  readonly #onStall: () => void
  readonly #actions = new Map<string, Watched>()
  /** Actions that belong to no send of this sidecar: while one runs, any agent may wait for it. */
  #unlinked = 0
  #models = 0
  #stalled = false
  #dueAt = Number.POSITIVE_INFINITY
  #stop: (() => void) | undefined

  /** @param mayBeBusy - do children work, for whom their parent waits? */
  constructor(clock: Clock, settings: HealthSettings, mayBeBusy: () => boolean, onStall: () => void) {
    this.#clock = clock
    this.#settings = settings
    this.#mayBeBusy = mayBeBusy
    this.#onStall = onStall
  }

  get size(): number {
    return this.#actions.size
  }

  get models(): number {
    return this.#models
  }

  /** Was something silent for too long when it was last looked at? */
  get stalled(): boolean {
    return this.#stalled
  }

  get(id: string): Watched | undefined {
    return this.#actions.get(id)
  }

  /** When the oldest began, wall time. */
  get since(): number | undefined {
    const [oldest] = this.#actions.values()
    return oldest?.at
  }

  add(action: Watched): void {
    this.#actions.set(action.id, action)
    this.#count(action, 1)
  }

  delete(action: Watched): void {
    if (!this.#actions.delete(action.id)) return
    this.#count(action, -1)
    if (this.#actions.size === 0) this.disarm()
  }

  /** The agent around `action`, or any of them where nobody knows which, has shown something. */
  stirred(action?: Watched): void {
    const now = this.#clock.monotonic()
    if (action?.send) action.send.silence?.broken(now)
    else if (action?.kind !== 'send') for (const { silence } of this.#actions.values()) silence?.broken(now)
  }

  /** Who has been silent for too long. */
  silent(): readonly Finding[] {
    const now = this.#clock.monotonic()
    const found: Finding[] = []
    for (const action of this.#actions.values()) {
      const left = this.#left(action, now)
      if (left && left.ms <= 0) found.push({ signal: silentSignals[action.kind], text: told(action, left) })
    }
    this.#stalled = found.length > 0
    return found
  }

  /** Something has been shown: what was silent may be so no more, and the next deadline is waited for. */
  look(): void {
    if (this.#stalled) this.silent()
    this.#arm()
  }

  /** A deadline of one action has begun, or has become another. */
  expect(action: Watched): void {
    const now = this.#clock.monotonic()
    const ms = this.#left(action, now)?.ms
    if (ms !== undefined) this.#armAt(now, now + ms)
  }

  /** Waits for the next deadline of all, where nothing is waited for. */
  #arm(): void {
    if (this.#stop) return
    for (const action of this.#actions.values()) this.expect(action)
  }

  disarm(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  #armAt(now: number, dueAt: number): void {
    const at = Math.max(now + leastMs, dueAt)
    if (at >= this.#dueAt) return
    this.#stop?.()
    this.#dueAt = at
    this.#stop = this.#clock.after(at - now, () => this.#due())
  }

  #due(): void {
    this.disarm()
    if (this.silent().length > 0) this.#onStall()
    else this.#arm()
  }

  #count({ kind, send }: Watched, by: 1 | -1): void {
    if (kind === 'model') this.#models += by
    if (send) send.inner += by
    else if (kind !== 'send') this.#unlinked += by
  }

  /** `undefined` where nobody can say. */
  #left(action: Watched, now: number): Left | undefined {
    const { firstByteMs, idleMs, toolMs } = this.#settings
    const { kind, model, silence } = action
    if (model) {
      if (!model.waits) return undefined
      return model.flows ? left('idle content', idleMs, model.quietMs(now)) : left('first byte', firstByteMs, model.quietMs(now))
    }
    if (!silence?.waits || (kind === 'send' && this.#isAtWork(action))) return undefined
    return kind === 'tool' ? left('tool', toolMs!, silence.quietMs(now)) : left('first byte', firstByteMs, silence.quietMs(now))
  }

  /** Does an agent wait for something that is watched by itself? */
  #isAtWork({ inner }: Watched): boolean {
    return inner > 0 || this.#unlinked > 0 || this.#mayBeBusy()
  }
}

function left(phase: string, deadlineMs: number, quietMs: number): Left {
  return { ms: deadlineMs - quietMs, phase, deadlineMs }
}

function told({ name }: Watched, { phase, deadlineMs }: Left): string {
  return `${name} has shown nothing for the ${phase} deadline of ${deadlineMs} ms`
}
