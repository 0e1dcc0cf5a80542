import { memoryLog } from 'outrigger/ctx'
import { createLedger, MemoryLedgerStore } from 'outrigger/ledger'
import {
  createLimit,
  createRetryBudget,
  type Limit,
  withBudget,
  withDeadline,
  withHealth,
  withLimit,
  withLogging,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
} from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import type { Upstream, WireReply } from '../../lib/claude/wire.js'
import type { LayerInput } from '../../lib/core/types.js'
import type { Agent, Call } from '../../lib/sidecar/agent-contract.js'
import { createSidecar } from '../../lib/sidecar.js'
import { mockModel } from '../../lib/testing/mock-model.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { numbers } from './conversations.js'

const usage = { input_tokens: 3, output_tokens: 7 }
const model = 'claude-haiku-4-5'

interface Line {
  readonly action?: string
  readonly message: string
}

/** Sidecars with the full stack behind one limit, and an upstream, agents, callers and a person that do anything at any time. */
class World {
  readonly clock: VirtualClock = new VirtualClock()
  readonly store: MemoryLedgerStore = new MemoryLedgerStore()
  readonly limit: Limit
  readonly lines: Line[] = []
  /** What must never be seen. */
  readonly wrong: string[] = []
  readonly sidecars: readonly any[]
  readonly work: Promise<unknown>[] = []
  readonly #random: () => number
  readonly #ledger = createLedger({ store: this.store })
  #onWire = 0

  constructor(seed: number) {
    this.#random = numbers(seed)
    this.limit = createLimit({ concurrency: 1 + this.#int(3) })
    const whenPaused = this.#maybe(0.5) ? ('wait' as const) : ('reject' as const)
    this.sidecars = Array.from({ length: 1 + this.#int(3) }, (_, at) =>
      createSidecar({
        agent: this.#agent(`agent-${at}`),
        use: this.#stack() as readonly [],
        claude: { upstream: this.#upstream(() => this.sidecars[at]) },
        clock: this.clock,
        whenPaused,
      }),
    )
  }

  /** One thing that somebody does. */
  async step(): Promise<void> {
    const sidecar = this.sidecars[this.#int(this.sidecars.length)]
    const what = this.#int(12)
    if (what < 7) this.work.push(this.#call(sidecar).catch(() => {}))
    else if (what < 8) sidecar.pause('for a person')
    else if (what < 10) sidecar.resume()
    else if (what < 11 && this.#maybe(0.1)) sidecar.reap('enough')
    else sidecar.health()
    await this.clock.advance(this.#int(800))
  }

  /** Until nothing is under way any more. */
  async settle(): Promise<void> {
    let settled = false
    void Promise.all(this.work).then(() => {
      settled = true
    })
    for (let second = 0; second < 600 && !settled; second++) {
      for (const sidecar of this.sidecars) sidecar.resume()
      await this.clock.advance(1_000)
    }
    if (!settled) this.wrong.push('some calls never end')
    // Agents that do not hear their signal read on.
    await this.clock.advance(10_000)
    if (this.clock.pending > 0) this.wrong.push(`timers that nobody waits for: ${this.clock.pending}`)
  }

  async close(): Promise<void> {
    const closed = Promise.all(this.sidecars.map(sidecar => sidecar.close({ drainMs: 10 })))
    await this.clock.advance(5_000)
    await closed
  }

  async #call(sidecar: any): Promise<void> {
    const abort = new AbortController()
    if (this.#maybe(0.4)) this.clock.after(this.#int(4_000), () => abort.abort(new Error('the caller')))
    if (this.#maybe(0.6)) await sidecar.send('go', { signal: abort.signal })
    else for await (const _ of sidecar.stream('go', { signal: abort.signal })) if (this.#maybe(0.1)) break
  }

  /** Asks once or more, in turn or at once, streamed or not; may leave a stream, read it slowly, and not hear its signal. */
  #agent(name: string): Agent<string, string> {
    const send = async (_: string, { claude, signal }: Call) => {
      const request = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello' }] }
      const options = this.#maybe(0.8) ? { signal } : {}
      const ask = async () => {
        if (this.#maybe(0.5)) return claude.messages.create(request, options)
        for await (const _ of await claude.messages.create({ ...request, stream: true }, options)) {
          if (this.#maybe(0.05)) break
          if (this.#maybe(0.05)) await new Promise<void>(resolve => this.clock.after(this.#int(3_000), resolve))
        }
      }
      const asks = 1 + this.#int(3)
      if (this.#maybe(0.3)) await Promise.allSettled(Array.from({ length: asks }, ask))
      else for (let n = 0; n < asks; n++) await ask()
      return 'done'
    }
    return { name, send }
  }

  #stack(): readonly LayerInput[] {
    const write = (facts: object, message: string) => void this.lines.push({ ...facts, message })
    const onResult = this.#maybe(0.3) ? ('withhold' as const) : ('release' as const)
    const check = this.#maybe(0.5) ? () => undefined : async () => undefined
    const deadlineMs = this.#maybe(0.5) ? { deadlineMs: 200 + this.#int(5_000) } : {}
    return [
      withLogging({ logger: { debug: write, info: write, warn: write, error: write } }),
      withHealth(),
      withSigning({ log: memoryLog() }),
      withViolations({ rules: [rules.rule({ id: 'kept', onResult, stages: ['action', 'result'], check })] }),
      withRetry({ budget: createRetryBudget({ minPerSecond: 100 }), random: this.#random, ...deadlineMs }),
      withLimit({ limit: this.limit }),
      withDeadline({
        firstTokenMs: 300 + this.#int(2_000),
        idleMs: 100 + this.#int(1_000),
        totalMs: { model: 3_000, send: 20_000 },
      }),
      withMetrics(),
      withBudget({ usd: 1_000, ledger: this.#ledger }),
    ]
  }

  #upstream(sidecarOf: () => any): Upstream {
    const mock = mockModel({ clock: this.clock })
    return async (wire, abort) => {
      const { paused, state } = sidecarOf().snapshot()
      if (paused !== null || state === 'failedReaped') this.wrong.push(`a request left while ${paused ?? state}`)
      this.#onWire++
      if (this.#onWire > this.limit.running) this.wrong.push('a request left without a turn')
      let open = true
      const end = () => {
        if (open) this.#onWire--
        open = false
      }
      this.#script(mock, JSON.parse(wire.body!).stream === true)
      try {
        const reply = await mock.upstream(wire, abort)
        return { ...reply, body: ended(reply.body, end) }
      } catch (error) {
        end()
        throw error
      }
    }
  }

  #script(mock: ReturnType<typeof mockModel>, streamed: boolean): void {
    const fault = this.#maybe(0.5) ? {} : { after: this.#int(5) }
    const what = this.#int(10)
    if (what < 5) mock.reply({ text: 'word '.repeat(5), usage, delayMs: this.#int(400), betweenMs: this.#int(3) * 40, chunkChars: 3 })
    else if (what < 6) mock.fail({ status: 529, headers: this.#maybe(0.5) ? { 'retry-after': '1' } : {} })
    else if (what < 7) mock.hang(fault)
    else if (what < 8) mock.disconnect(fault)
    else if (what < 9 || !streamed) mock.cut(fault)
    else mock.sseError(fault)
  }

  #int(below: number): number {
    return Math.floor(this.#random() * below)
  }

  #maybe(share: number): boolean {
    return this.#random() < share
  }
}

/** The same chunks; tells when the last has been read, or the reader has left. */
async function* ended(body: WireReply['body'], tell: () => void): AsyncGenerator<Uint8Array | string> {
  try {
    yield* body
  } finally {
    tell()
  }
}

describe('the full stack, whatever happens', () => {
  it('gives back every turn, timer and hold, sends nothing behind a shut gate, and tells the end of every action once', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const world = new World(seed)
      for (let step = 0; step < 40; step++) await world.step()
      await world.settle()
      expect(world.sidecars.map(sidecar => sidecar.snapshot().inFlight)).toEqual(world.sidecars.map(() => 0))
      expect({ seed, running: world.limit.running, waiting: world.limit.waiting }).toEqual({ seed, running: 0, waiting: 0 })
      await world.close()
      expect({ seed, wrong: world.wrong, timers: world.clock.pending }).toEqual({ seed, wrong: [], timers: 0 })
      expect(world.store.history().entries.length).toBeGreaterThan(0)
      const accounts = world.sidecars.map(({ id }) => id as string)
      const holds = (await Promise.all(accounts.map(account => world.store.holds({ account })))).flat()
      expect(holds.filter(({ state }) => state !== 'unknown')).toEqual([])
      const told = (message: string) => world.lines.flatMap(line => (line.message === message ? [line.action] : []))
      const ends = told('action ended')
      expect([new Set(ends).size, told('action started').filter(id => !ends.includes(id))]).toEqual([ends.length, []])
    }
  })
})
