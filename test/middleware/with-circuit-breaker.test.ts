import { type Agent, CircuitOpenError, createSidecar, type LayerInput } from 'outrigger'
import {
  createCircuitBreaker,
  withBudget,
  withCircuitBreaker,
  type WithCircuitBreakerOptions,
  withDeadline,
  withLimit,
  withMetrics,
  withRetry,
} from 'outrigger/middleware'
import { mockModel, type MockModel, VirtualClock } from 'outrigger/testing'

const figures = { openAt: 0.5, least: 4, windowMs: 10_000, openMs: 1_000, maxOpenMs: 4_000, probeMs: 2_000 }

interface Ask {
  readonly model?: string
  readonly stream?: boolean
}

const asker: Agent<Ask, void> = {
  name: 'asker',
  async send({ model = 'claude-haiku-4-5', stream = false }, { claude, signal }) {
    const request = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] }
    if (stream) await claude.messages.stream(request, { signal }).finalMessage()
    else await claude.messages.create(request, { signal })
  },
}

function harness(use: readonly LayerInput[] = [withCircuitBreaker(figures)], given?: MockModel) {
  const clock = new VirtualClock()
  const mock = given ?? mockModel({ clock })
  const make = (layers: readonly LayerInput[]) =>
    createSidecar({ agent: asker, use: layers as readonly LayerInput[], claude: { upstream: mock.upstream }, clock })
  const sidecar = make(use)
  const send = (ask: Ask = {}, options = {}) => sidecar.send(ask, options).catch((error: unknown) => error)
  const shown = () => (sidecar.snapshot() as { layers: { withCircuitBreaker: Record<string, unknown> } }).layers.withCircuitBreaker
  return { clock, mock, sidecar, make, send, shown }
}

async function times(n: number, work: () => Promise<unknown>): Promise<unknown[]> {
  const results: unknown[] = []
  for (let i = 0; i < n; i++) results.push(await work())
  return results
}

const named = (errors: readonly unknown[]) => errors.map(error => (error as Error | undefined)?.name)

describe('withCircuitBreaker', () => {
  it('refuses at once while the circuit is open: nothing is on the wire', async () => {
    const { mock, send, shown } = harness()
    for (let n = 0; n < 4; n++) mock.fail({ status: 500 })
    await times(4, send)
    const error = await send()
    expect(error).toBeInstanceOf(CircuitOpenError)
    expect(error).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', retryAfterMs: 1_000 })
    expect(mock.requests).toHaveLength(4)
    expect(shown()).toEqual({ 'claude-haiku-4-5': { state: 'open', attempts: 0, failures: 0 } })
  })

  it('keeps a circuit for each model', async () => {
    const { mock, send } = harness()
    for (let n = 0; n < 4; n++) mock.fail({ status: 529 })
    await times(4, send)
    mock.reply('ok')
    expect(await send({ model: 'claude-opus-4-8' })).toBeUndefined()
    expect(await send()).toBeInstanceOf(CircuitOpenError)
  })

  it('lets one probe of a thousand callers on the wire, and all of them after it was good', async () => {
    const { mock, send, clock } = harness()
    for (let n = 0; n < 4; n++) mock.fail({ status: 503 })
    await times(4, send)
    await clock.advance(1_000)
    const all = Array.from({ length: 1_000 }, () => send())
    const probe = await mock.next().catch(() => undefined)
    expect(mock.requests).toHaveLength(5)
    probe?.reply('well again')
    const errors = (await Promise.all(all)).filter(error => error !== undefined)
    expect(errors).toHaveLength(999)
    expect(errors.every(error => error instanceof CircuitOpenError)).toBe(true)
    mock.reply('ok')
    expect(await send()).toBeUndefined()
  })

  it('is shared by the agents of one upstream, and no other', async () => {
    const { mock, send, make } = harness()
    for (let n = 0; n < 4; n++) mock.fail({ status: 500 })
    await times(4, send)
    const beside = make([withCircuitBreaker(figures)])
    await expect(beside.send({})).rejects.toBeInstanceOf(CircuitOpenError)
    const elsewhere = harness()
    elsewhere.mock.reply('ok')
    expect(await elsewhere.send()).toBeUndefined()
  })

  it('with other options has circuits of its own', async () => {
    const { mock, send, make } = harness()
    for (let n = 0; n < 4; n++) mock.fail({ status: 500 })
    await times(4, send)
    mock.reply('ok')
    await expect(make([withCircuitBreaker({ ...figures, openAt: 1 })]).send({})).resolves.toBeUndefined()
  })

  it('takes a breaker that is given to it, over several upstreams', async () => {
    const breaker = createCircuitBreaker(figures)
    const first = harness([withCircuitBreaker({ breaker })])
    for (let n = 0; n < 4; n++) first.mock.fail({ status: 500 })
    await times(4, first.send)
    const second = harness([withCircuitBreaker({ breaker })])
    expect(await second.send()).toBeInstanceOf(CircuitOpenError)
  })

  describe('what counts as a failure of the model', () => {
    type Step = (mock: MockModel) => unknown
    const bad: readonly [string, Step, boolean?][] = [
      ['500', mock => mock.fail({ status: 500 })],
      ['529', mock => mock.fail({ status: 529 })],
      ['a lost connection', mock => mock.disconnect()],
      ['a connection that is refused', mock => mock.disconnect({ code: 'ECONNREFUSED' })],
      ['a stream that is cut', mock => mock.cut({ after: 3 }), true],
      ['an overload within a stream', mock => mock.sseError({ after: 3 }), true],
    ]
    it.each(bad)('%s', async (_, step, stream = false) => {
      const { mock, send } = harness()
      for (let n = 0; n < 4; n++) step(mock)
      await times(4, () => send({ stream }))
      expect(await send()).toBeInstanceOf(CircuitOpenError)
    })

    it('a deadline of its attempt', async () => {
      const { mock, send, clock } = harness([withCircuitBreaker(figures), withDeadline({ totalMs: { model: 100 } })])
      for (let n = 0; n < 4; n++) {
        mock.hang()
        const ended = send()
        await clock.run()
        expect(await ended).toMatchObject({ code: 'ERR_DEADLINE' })
      }
      expect(await send()).toBeInstanceOf(CircuitOpenError)
    })
  })

  describe('what says nothing of it', () => {
    const neutral: readonly [string, (mock: MockModel) => unknown, boolean?][] = [
      ['400', mock => mock.fail({ status: 400 })],
      ['401', mock => mock.fail({ status: 401 })],
      ['404', mock => mock.fail({ status: 404 })],
      ['429', mock => mock.fail({ status: 429 })],
      ['a rate limit within a stream', mock => mock.sseError({ after: 3, type: 'rate_limit_error' }), true],
    ]
    it.each(neutral)('%s', async (_, step, stream = false) => {
      const { mock, send, shown } = harness()
      for (let n = 0; n < 8; n++) step(mock)
      expect(named(await times(8, () => send({ stream })))).not.toContain('CircuitOpenError')
      expect(shown()).toEqual({})
    })

    it('an abort by the caller', async () => {
      const { mock, send, shown } = harness()
      for (let n = 0; n < 8; n++) {
        const abort = new AbortController()
        const ended = send({}, { signal: abort.signal })
        await mock.next()
        abort.abort(new Error('enough'))
        expect(await ended).toMatchObject({ message: 'enough' })
      }
      expect(shown()).toEqual({})
    })

    it('a refusal of a layer within: nothing was sent', async () => {
      const { send, shown } = harness([withCircuitBreaker(figures), withBudget({ usd: 0 })])
      expect(new Set(named(await times(8, send)))).toEqual(new Set(['BudgetExceededError']))
      expect(shown()).toEqual({})
    })
  })

  it('a probe that is refused within is no probe: the next caller is one', async () => {
    let refuse = false
    const picky = async (_: unknown, next: () => Promise<void>) => {
      if (refuse) throw new CircuitOpenError({ retryAfterMs: 1 })
      await next()
    }
    const { mock, send, clock } = harness([withCircuitBreaker(figures), picky])
    for (let n = 0; n < 4; n++) mock.fail({ status: 500 })
    await times(4, send)
    await clock.advance(1_000)
    refuse = true
    await send()
    refuse = false
    mock.reply('ok')
    expect(await send()).toBeUndefined()
  })

  it('stops the retries of an outage', async () => {
    const { mock, clock, send } = harness([
      withRetry({ attempts: 3, baseDelayMs: 1, random: () => 0 }),
      withLimit(),
      withCircuitBreaker(figures),
      withMetrics(),
    ])
    for (let n = 0; n < 20; n++) mock.fail({ status: 500 })
    const all = Array.from({ length: 5 }, () => send())
    await clock.run()
    await Promise.all(all)
    expect(mock.requests.length).toBeLessThan(10)
  })

  describe('options', () => {
    const bad: readonly (readonly [string, unknown, RegExp])[] = [
      ['null', null, /must be an object/],
      ['an unknown option', { max: 3 }, /unknown option "max"; known are openAt/],
      ['a share of nothing', { openAt: 0 }, /withCircuitBreaker: openAt must be a share/],
      ['a breaker that is none', { breaker: {} }, /createCircuitBreaker\(\)/],
      ['both', { breaker: createCircuitBreaker(), least: 3 }, /give one of the two/],
    ]

    it.each(bad)('refuse %s at once', (_, options, message) => {
      expect(() => withCircuitBreaker(options as WithCircuitBreakerOptions)).toThrow(message)
    })

    it('in effect are in explain()', () => {
      expect(harness().sidecar.explain()).toMatch(/withCircuitBreaker.*"openAt":0.5.*"least":4/)
    })
  })
})
