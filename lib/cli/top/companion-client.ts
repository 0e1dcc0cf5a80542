import { SseDecoder } from '../../claude/sse.js'
import type { Clock } from '../../core/clock.js'
import type { AgentSnapshot, ServerSnapshot } from '../../server/types.js'
import { readAgent, readServer } from './read-agent.js'
import type { Source } from './view.js'

/** A companion could not be asked, or said no. The message is one line, and shows no token. */
export class CompanionError extends Error {
  override readonly name = 'CompanionError'
}

/** What happens at a companion. */
export type Happening =
  | { readonly type: 'snapshot'; readonly server: ServerSnapshot }
  | { readonly type: 'agent'; readonly agent: AgentSnapshot }
  | { readonly type: 'removed'; readonly name: string }

/** The largest frame and answer that is read, in bytes: whatever answers may send what it likes. */
const mostBytes = 16 * 2 ** 20
/** Milliseconds within which an answer has to come. */
const answerMs = 5_000
/** Milliseconds of silence after which a stream counts as broken: it gives a sign of life every 15 seconds. */
const silenceMs = 40_000

/** Speaks to one companion, over the same routes as the live page. */
export class CompanionClient {
  readonly #source: Source
  readonly #clock: Clock

  constructor(source: Source, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** @throws CompanionError */
  snapshot(signal: AbortSignal): Promise<ServerSnapshot> {
    return this.#during(signal, async alive => {
      alive(answerMs)
      const response = await this.#ask('/v1/snapshot', {}, alive.signal)
      return readServer(JSON.parse(await textOf(response)))
    })
  }

  /** Pauses, resumes or reaps an agent. @throws CompanionError */
  steer(name: string, verb: 'pause' | 'resume' | 'reap', reason: string, signal: AbortSignal): Promise<void> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ reason }) }
    return this.#during(signal, async alive => {
      alive(answerMs)
      await textOf(await this.#ask(`/v1/agents/${encodeURIComponent(name)}/${verb}`, init, alive.signal))
    })
  }

  /** Hears what happens until the stream ends. @throws CompanionError */
  follow(heard: (happening: Happening) => void, signal: AbortSignal): Promise<void> {
    return this.#during(signal, async alive => {
      alive(answerMs)
      const response = await this.#ask('/v1/events', {}, alive.signal)
      const decoder = new SseDecoder({ maxFrameBytes: mostBytes })
      alive(silenceMs)
      for await (const chunk of response.body ?? []) {
        alive(silenceMs)
        for (const { event, data } of decoder.push(chunk as Uint8Array)) for (const happening of happeningsIn(event, data)) heard(happening)
      }
    })
  }

  async #ask(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    const { baseURL, token } = this.#source
    const headers = { ...init.headers, authorization: `Bearer ${token}` }
    // A companion never points elsewhere: the token goes nowhere else.
    const response = await fetch(`${baseURL}${path}`, { ...init, headers, signal, redirect: 'error' })
    if (response.ok) return response
    throw new CompanionError(await refusalOf(response))
  }

  /** Ends the work when its time is over. */
  async #during<T>(outer: AbortSignal, work: (alive: Alive) => Promise<T>): Promise<T> {
    const stop = new AbortController()
    let forget = () => {}
    const alive: Alive = Object.assign(
      (ms: number) => {
        forget()
        forget = this.#clock.after(ms, () => stop.abort(new CompanionError('it does not answer')))
      },
      { signal: stop.signal },
    )
    const leave = () => stop.abort(outer.reason)
    outer.addEventListener('abort', leave)
    if (outer.aborted) leave()
    try {
      return await work(alive)
    } catch (error) {
      throw stop.signal.aborted && stop.signal.reason instanceof CompanionError ? stop.signal.reason : companionError(error)
    } finally {
      forget()
      outer.removeEventListener('abort', leave)
      stop.abort()
    }
  }
}

/** Says that it is alive for so many milliseconds more. */
type Alive = ((ms: number) => void) & { readonly signal: AbortSignal }

function companionError(error: unknown): CompanionError {
  if (error instanceof CompanionError) return error
  const { code } = ((error as { cause?: unknown } | null)?.cause ?? {}) as { code?: unknown }
  return new CompanionError(typeof code === 'string' ? `it cannot be reached (${code})` : 'it cannot be reached, or is no companion')
}

const words: Readonly<Record<number, string>> = {
  401: 'it refuses the token',
  403: 'it needs the admin token for that',
  404: 'there is no such agent, or no such route',
}

async function refusalOf(response: Response): Promise<string> {
  await response.body?.cancel()
  const { status } = response
  return `${words[status] ?? 'it says no'} (${status})`
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > mostBytes) throw new CompanionError('its answer is too long')
  }
  return text
}

function happeningsIn(event: string | null, data: string): readonly Happening[] {
  if (event === 'snapshot') return [{ type: event, server: readServer(JSON.parse(data)) }]
  if (event === 'agent') return [readAgent(JSON.parse(data))].flatMap(agent => (agent ? [{ type: 'agent' as const, agent }] : []))
  if (event !== 'removed') return []
  const { name } = JSON.parse(data) as { name?: unknown }
  return typeof name === 'string' ? [{ type: event, name }] : []
}
