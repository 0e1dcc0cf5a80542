import { type ClaudeOptions, createSidecar, type LayerInput, type SidecarEvent } from 'outrigger'
import { type CompanionServer, createServer, outsideAgent, type Served } from 'outrigger/server'
import { type MockModel, mockModel, VirtualClock } from 'outrigger/testing'

export type Fields = { readonly [name: string]: unknown }

/** A message of the API, as a client reads it. */
export interface Answer {
  readonly status: number
  readonly text: string
  readonly body: Fields & { readonly content?: readonly Fields[]; readonly stop_reason?: string }
}

/** An agent outside, behind a companion, with a model that a test scripts. */
export class Outside {
  readonly clock: VirtualClock
  readonly model: MockModel
  readonly server: CompanionServer
  readonly events: readonly SidecarEvent[]
  readonly served: Served

  constructor(parts: Pick<Outside, 'clock' | 'model' | 'server' | 'events' | 'served'>) {
    this.clock = parts.clock
    this.model = parts.model
    this.server = parts.server
    this.events = parts.events
    this.served = parts.served
  }

  get sidecar(): Served['sidecar'] & { readonly [member: string]: any } {
    return this.served.sidecar
  }

  /** The ends of tool actions so far. */
  get tools(): readonly { readonly name: string | undefined; readonly status: string; readonly error?: unknown }[] {
    return this.events.flatMap(event =>
      event.type === 'action.ended' && event.kind === 'tool'
        ? [{ name: event.name, status: event.outcome.status, ...(event.outcome.error ? { error: event.outcome.error } : {}) }]
        : [],
    )
  }

  get running(): number {
    return Number(this.sidecar.snapshot().inFlight)
  }

  /** One request of the Messages API, as any client sends it. */
  async ask(messages: readonly Fields[], more: Fields = {}): Promise<Answer> {
    const body = { model: 'claude-opus-4-8', max_tokens: 100, messages, ...more }
    return answerOf(await this.post('/v1/messages', body))
  }

  /** What a client's hook sends. */
  async hook(body: unknown, token = this.served.token): Promise<{ readonly status: number; readonly body: Fields }> {
    const response = await this.post('/v1/hook', body, token)
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Fields) }
  }

  post(path: string, body: unknown, token = this.served.token): Promise<Response> {
    return fetch(this.server.baseURL + path, {
      method: 'POST',
      headers: { 'x-api-key': token, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  }

  /** The clock stands still: what closing waits for is let pass. */
  async close(): Promise<void> {
    this.sidecar.reap('the test is over')
    const closed = this.server.close({ drainMs: 0 })
    await this.clock.advance(10_000)
    await closed
  }

  /** Until an event of this kind has come. */
  until(is: (event: SidecarEvent) => boolean): Promise<void> {
    if (this.events.some(is)) return Promise.resolve()
    return new Promise(resolve => {
      const stop = this.sidecar.subscribe(event => {
        if (!is(event)) return
        stop()
        resolve()
      })
    })
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : {} }
}

/** Makes one; `close` it. */
export async function outside(use: readonly LayerInput[], claude: ClaudeOptions = {}, name = 'scribe'): Promise<Outside> {
  const clock = new VirtualClock()
  const model = mockModel({ otherwise: () => ({ text: 'done' }) })
  const sidecar = createSidecar({ agent: outsideAgent(name), use, clock, claude: { upstream: model.upstream, ...claude } })
  const events: SidecarEvent[] = []
  sidecar.subscribe(event => void events.push(event))
  const server = await createServer({ agents: [{ sidecar }], clock })
  return new Outside({ clock, model, server, events, served: server.agents[0]! })
}

export const bash = (id: string, command = 'ls') => ({ id, name: 'Bash', input: { command } })

/** What a client says of calls that were asked for: the answer, then their results. */
export function turn(
  calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[],
  results: readonly Fields[],
): readonly Fields[] {
  return [
    { role: 'assistant', content: calls.map(call => ({ type: 'tool_use', ...call })) },
    { role: 'user', content: results },
  ]
}

export const result = (id: string, content = 'ok', more: Fields = {}): Fields => ({
  type: 'tool_result',
  tool_use_id: id,
  content,
  ...more,
})

export const question: Fields = { role: 'user', content: 'go' }
/** The tools that requests of these tests offer. */
export const offered = { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }
