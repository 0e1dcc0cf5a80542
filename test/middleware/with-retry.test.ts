import { BudgetExceededError, type Clock, createSidecar, DeadlineError, TruncatedStreamError, UpstreamError } from 'outrigger'
import type { Upstream } from 'outrigger/claude'
import { createRetryBudget, withBudget, withMetrics, withRetry, type WithRetryOptions } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { asking, fixed, seeded, streaming, turns } from './stack.js'

const answer = { text: 'done', usage: { input_tokens: 3, output_tokens: 7 } }
const last = () => 1 - Number.EPSILON
const first = () => 0

function mounted(
  options: WithRetryOptions = {},
  more: { mock?: ReturnType<typeof mockModel>; agent?: ReturnType<typeof asking>; upstream?: Upstream } = {},
) {
  const mock = more.mock ?? mockModel()
  const clock = new VirtualClock()
  const sidecar = createSidecar({
    agent: more.agent ?? asking(),
    use: [withRetry(options), withMetrics()],
    claude: { upstream: more.upstream ?? mock.upstream },
    clock,
  })
  return { sidecar, mock, clock }
}

/** A model that always fails in the same way. */
function failing(fail: (mock: ReturnType<typeof mockModel>) => unknown, times = 10): ReturnType<typeof mockModel> {
  const mock = mockModel()
  for (let i = 0; i < times; i++) fail(mock)
  return mock
}

const overloaded = (times = 10) => failing(mock => mock.fail({ status: 529 }), times)

/** Starts a send, lets all waits pass, and says what came of it. */
async function run({ sidecar, clock }: ReturnType<typeof mounted>): Promise<unknown> {
  const sent = sidecar.send('go').catch((error: unknown) => error)
  await turns()
  await clock.run()
  return sent
}

describe('withRetry', () => {
  describe('when the sidecar is paused in back-off', () => {
    it('sends nothing more: the call is refused as paused', async () => {
      const at = mounted({}, { mock: overloaded(1).reply(answer) })
      const sent = at.sidecar.send('go').catch((error: unknown) => error)
      await turns()
      at.sidecar.pause('a person looks at it')
      await at.clock.run()
      expect(await sent).toMatchObject({ code: 'ERR_PAUSED', reason: 'a person looks at it' })
      expect(at.mock.requests).toHaveLength(1)
    })

    it('goes on after resume(), where a paused sidecar holds its actions back', async () => {
      const mock = overloaded(1).reply(answer)
      const clock = new VirtualClock()
      const sidecar = createSidecar({
        agent: asking(),
        use: [withRetry(), withMetrics()],
        claude: { upstream: mock.upstream },
        clock,
        whenPaused: 'wait',
      })
      const sent = sidecar.send('go')
      await turns()
      sidecar.pause('a person looks at it')
      await clock.run()
      await turns()
      expect(mock.requests).toHaveLength(1)
      await clock.advance(5_000)
      sidecar.resume()
      expect(await sent).toBe(7)
      expect(sidecar.metrics.ms.stopped).toBeGreaterThanOrEqual(5_000)
    })
  })

  describe('options', () => {
    const bad: readonly (readonly [string, unknown, RegExp])[] = [
      ['null', null, /must be an object/],
      ['a number', 3, /must be an object/],
      ['an unknown option', { attemps: 3 }, /unknown option "attemps"/],
      ['no attempts', { attempts: 0 }, /whole number from 1, got 0/],
      ['attempts as text', { attempts: '3' }, /whole number from 1, got "3"/],
      ['half an attempt', { attempts: 1.5 }, /got 1.5/],
      ['endless attempts', { attempts: Number.POSITIVE_INFINITY }, /got Infinity/],
      ['a negative delay', { baseDelayMs: -1 }, /baseDelayMs must be milliseconds from 0, got -1/],
      ['NaN', { maxDelayMs: Number.NaN }, /maxDelayMs .* got NaN/],
      ['an endless deadline', { deadlineMs: Number.POSITIVE_INFINITY }, /deadlineMs .* got Infinity/],
      ['a deadline as text', { deadlineMs: '30s' }, /deadlineMs .* got "30s"/],
      ['a budget that is none', { budget: {} }, /createRetryBudget/],
      ['random as a number', { random: 0.5 }, /must be a function/],
    ]

    it.each(bad)('refuse %s at once', (_, options, message) => {
      const make = () => withRetry(options as WithRetryOptions)
      expect(make).toThrow(message)
      expect(make).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(TypeError|RangeError)$/) }))
    })

    it('in effect are in explain()', () => {
      expect(mounted({ attempts: 5, deadlineMs: 9000 }).sidecar.explain()).toMatch(/withRetry.*5.*2000.*30000.*9000/)
    })
  })

  describe('wire requests = configured attempts', () => {
    const status = (code: number) => (mock: ReturnType<typeof mockModel>) => mock.fail({ status: code })
    const code = (name: string) => (mock: ReturnType<typeof mockModel>) => mock.disconnect({ code: name })
    const spendLimits = ['enforced_spend_limit_reached', 'contract_spend_limit_reached', 'linked_organization_spend_limit_reached']
    type Row = readonly [name: string, fail: (mock: ReturnType<typeof mockModel>) => unknown, again: boolean]
    const rows: readonly Row[] = [
      ...[400, 401, 402, 403, 404, 413, 422].map((n): Row => [`${n}`, status(n), false]),
      ...[408, 409, 429, 500, 502, 503, 504, 529].map((n): Row => [`${n}`, status(n), true]),
      ...spendLimits.map((errorCode): Row => [`429 ${errorCode}`, mock => mock.fail({ status: 429, errorCode }), false]),
      ['a 400 that says it should be retried (R03)', mock => mock.fail({ status: 400, headers: { 'x-should-retry': 'true' } }), false],
      ['a 529 that says it should not (R03)', mock => mock.fail({ status: 529, headers: { 'x-should-retry': 'false' } }), true],
      ...['ECONNRESET', 'ECONNREFUSED', 'ENOTFOUND', 'CERT_HAS_EXPIRED', 'UND_ERR_SOCKET'].map((name): Row => [name, code(name), true]),
    ]
    const streamed: readonly Row[] = [
      ['an error event before anything was released', mock => mock.sseError({ after: 1 }), true],
      ['a stream that ends before anything was released', mock => mock.cut({ after: 2 }), true],
      ['a stream that is empty', mock => mock.cut({ after: 0 }), true],
      ['a connection lost before anything was released', mock => mock.disconnect({ after: 1 }), true],
      ['an error event within the answer', mock => mock.sseError({ after: 4 }), false],
      ['a stream that ends within the answer', mock => mock.cut({ after: 4 }), false],
      ['a connection lost within the answer', mock => mock.disconnect({ after: 4 }), false],
      ['an error event that is no overload', mock => mock.sseError({ after: 1, type: 'invalid_request_error' }), false],
    ]

    describe.each([1, 2, 3, 5])('%i', attempts => {
      it.each(rows)('%s', async (_, fail, again) => {
        const mount = mounted({ attempts, random: first }, { mock: failing(fail) })
        expect(await run(mount)).toBeInstanceOf(Error)
        expect(mount.mock.requests).toHaveLength(again ? attempts : 1)
      })

      it.each(streamed)('%s', async (_, fail, again) => {
        const mount = mounted({ attempts, random: first }, { mock: failing(fail), agent: streaming() })
        expect(await run(mount)).toBeInstanceOf(Error)
        expect(mount.mock.requests).toHaveLength(again ? attempts : 1)
      })
    })

    it('three by default, and the error of the last', async () => {
      const mount = mounted(
        {},
        { mock: mockModel().fail({ status: 500 }).fail({ status: 529 }).fail({ status: 503, message: 'the third' }) },
      )
      expect(await run(mount)).toMatchObject({ status: 503, message: expect.stringContaining('the third') })
      expect(mount.mock.requests).toHaveLength(3)
    })

    it('until one succeeds, each with the same body', async () => {
      const mount = mounted({ attempts: 5 }, { mock: mockModel().fail({ status: 529 }).disconnect().reply(answer) })
      expect(await run(mount)).toBe(7)
      expect(new Set(mount.mock.requests.map(({ bodyText }) => bodyText)).size).toBe(1)
      expect(mount.mock.requests).toHaveLength(3)
    })

    it('none after something was released, and the error is typed (R22)', async () => {
      const mount = mounted({}, { mock: failing(mock => mock.cut({ after: 5 })), agent: streaming() })
      expect(await run(mount)).toMatchObject({ cause: expect.any(TruncatedStreamError) })
      expect(mount.clock.monotonic()).toBe(0)
    })

    it('a refusal of a layer inside it is no failure to try again', async () => {
      const mock = mockModel()
      const clock = new VirtualClock()
      const sidecar = createSidecar({
        agent: asking(),
        use: [withRetry(), withBudget({ usd: '0.05', prices: fixed })],
        claude: { upstream: mock.upstream },
        clock,
      })
      await expect(sidecar.send('go')).rejects.toBeInstanceOf(BudgetExceededError)
      expect(clock.pending).toBe(0)
    })
  })

  describe('the wait', () => {
    /** Milliseconds of each wait. */
    async function waits(options: WithRetryOptions, mock: ReturnType<typeof mockModel>): Promise<readonly number[]> {
      const at: number[] = []
      const clock = new VirtualClock()
      const upstream: Upstream = (request, abort) => {
        at.push(clock.monotonic())
        return mock.upstream(request, abort)
      }
      const sidecar = createSidecar({ agent: asking(), use: [withRetry(options)], claude: { upstream }, clock })
      const sent = sidecar.send('go').catch(() => {})
      await turns()
      await clock.run()
      await sent
      return at.slice(1).map((time, i) => time - at[i]!)
    }

    it('is never shorter than 100 ms (R17)', async () => {
      expect(await waits({ attempts: 6, random: first }, overloaded())).toEqual([100, 100, 100, 100, 100])
    })

    it('doubles, up to the most', async () => {
      const drawn = await waits({ attempts: 7, random: last }, overloaded())
      expect(drawn.map(Math.round)).toEqual([4000, 8000, 16_000, 30_000, 30_000, 30_000])
    })

    it('is bounded by maxDelayMs, also below the floor', async () => {
      expect((await waits({ attempts: 3, random: last, maxDelayMs: 500 }, overloaded())).map(Math.round)).toEqual([500, 500])
      expect(await waits({ attempts: 3, random: last, maxDelayMs: 20 }, overloaded())).toEqual([20, 20])
    })

    const asked: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
      ['in seconds', { 'retry-after': '3' }, 3000],
      ['in milliseconds', { 'retry-after-ms': '1500' }, 1500],
      ['as a date', { date: 'Thu, 01 Jan 2026 00:00:00 GMT', 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 7000],
      ['for longer than maxDelayMs', { 'retry-after': '90' }, 90_000],
    ]

    it.each(asked)('is at least what the server asks for %s', async (_, headers, ms) => {
      const mock = () => failing(model => model.fail({ status: 429, headers }))
      expect(await waits({ random: first }, mock())).toEqual([ms, ms])
    })

    it('is longer than what the server asks for, where that was drawn', async () => {
      const mock = failing(model => model.fail({ status: 529, headers: { 'retry-after-ms': '200' } }))
      expect((await waits({ attempts: 2, random: last }, mock)).map(Math.round)).toEqual([4000])
    })

    it('spreads callers that failed together: no 100 ms have more than 5 % of 1,000 (R16)', async () => {
      const clock = new VirtualClock()
      const random = seeded(16)
      const retriedAt: number[] = []
      const mock = overloaded(2000)
      const upstream: Upstream = (request, abort) => {
        if (clock.monotonic() > 0) retriedAt.push(clock.monotonic())
        return mock.upstream(request, abort)
      }
      const budget = createRetryBudget({ most: 1000 })
      const sidecar = createSidecar({ agent: asking(), use: [withRetry({ attempts: 2, random, budget })], claude: { upstream }, clock })
      const sent = Promise.allSettled(Array.from({ length: 1000 }, () => sidecar.send('go')))
      while (clock.pending < 1000) await turns(1)
      await clock.run()
      await sent
      const bins = new Map<number, number>()
      for (const at of retriedAt) bins.set(Math.floor(at / 100), (bins.get(Math.floor(at / 100)) ?? 0) + 1)
      expect(retriedAt).toHaveLength(1000)
      expect(Math.max(...bins.values())).toBeLessThanOrEqual(50)
      expect(Math.min(...retriedAt)).toBeGreaterThanOrEqual(100)
    })

    it('is throttle time, not token time', async () => {
      const mount = mounted({ attempts: 2, random: first }, { mock: mockModel().fail({ status: 529 }).reply(answer) })
      await run(mount)
      expect(mount.sidecar.metrics.ms).toMatchObject({ throttle: 100, token: 0, wall: 100, net: 0 })
    })

    it('is measured by the monotonic clock: a clock that is set changes nothing (R36)', async () => {
      const mount = mounted({ attempts: 2, random: first }, { mock: mockModel().fail({ status: 529 }).reply(answer) })
      const sent = mount.sidecar.send('go')
      await turns()
      mount.clock.jump(3_600_000)
      await mount.clock.advance(99)
      expect(mount.mock.requests).toHaveLength(1)
      mount.clock.jump(-7_200_000)
      await mount.clock.advance(1)
      expect(mount.mock.requests).toHaveLength(2)
      await sent
    })
  })

  describe('when the signal aborts in back-off', () => {
    it('rejects with the reason at once, without a timer, and nothing is sent later (R09)', async () => {
      const { sidecar, mock, clock } = mounted({ attempts: 5 }, { mock: overloaded() })
      const caller = new AbortController()
      const reason = new RangeError('enough')
      const sent = sidecar.send('go', { signal: caller.signal })
      await turns()
      expect(clock.pending).toBe(1)
      caller.abort(reason)
      await expect(sent).rejects.toBe(reason)
      expect(clock.pending).toBe(0)
      await clock.advance(600_000)
      expect(mock.requests).toHaveLength(1)
    })

    it('a reaped sidecar waits no longer', async () => {
      const { sidecar, mock, clock } = mounted({}, { mock: overloaded() })
      const sent = sidecar.send('go')
      await turns()
      sidecar.reap('it spins')
      await expect(sent).rejects.toMatchObject({ code: 'ERR_REAPED' })
      expect(clock.pending).toBe(0)
      expect(mock.requests).toHaveLength(1)
    })
  })

  describe('deadlineMs', () => {
    /** Each attempt takes `ms` and then fails. */
    function slow(ms: number, clock: () => VirtualClock): Upstream {
      const mock = mockModel()
      return (request, abort) => {
        void mock.next().then(pending => clock().after(ms, () => pending.aborted || pending.fail({ status: 529 })))
        return mock.upstream(request, abort)
      }
    }

    it('spans attempts and waits: 3 attempts of 20 s in 30 s end at 30 s (R35)', async () => {
      let wire = 0
      const upstream: Upstream = (request, abort) => {
        wire++
        return slow(20_000, () => mount.clock)(request, abort)
      }
      const mount = mounted({ deadlineMs: 30_000, random: first }, { upstream })
      const sent = mount.sidecar.send('go').catch((error: unknown) => ({ error, at: mount.clock.monotonic() }))
      await turns()
      await mount.clock.advance(29_999)
      expect(wire).toBe(2)
      await mount.clock.advance(1)
      expect(await sent).toEqual({ error: expect.any(DeadlineError), at: 30_000 })
    })

    it('aborts what runs, upstream too', async () => {
      const mount = mounted({ deadlineMs: 1000 }, { mock: mockModel().hang() })
      const sent = mount.sidecar.send('go')
      const failed = expect(sent).rejects.toMatchObject({ code: 'ERR_DEADLINE', deadline: 'retry', ms: 1000 })
      await turns()
      await mount.clock.advance(1000)
      await failed
      expect(mount.mock.requests[0]!.aborted).toBe(true)
      expect(mount.clock.pending).toBe(0)
    })

    it('a wait that would pass it is not begun: the failure comes at once', async () => {
      const mount = mounted({ deadlineMs: 2000 }, { mock: failing(mock => mock.fail({ status: 429, headers: { 'retry-after': '5' } })) })
      await expect(mount.sidecar.send('go')).rejects.toMatchObject({ status: 429 })
      expect(mount.clock.monotonic()).toBe(0)
      expect(mount.clock.pending).toBe(0)
    })

    it('counts the time that the attempt took: a wait that would pass the deadline now is not begun', async () => {
      const mount = mounted(
        { deadlineMs: 1000, baseDelayMs: 250, random: last },
        { upstream: (...call) => slow(900, () => mount.clock)(...call) },
      )
      const sent = mount.sidecar.send('go').catch((error: unknown) => ({ error, at: mount.clock.monotonic() }))
      await turns()
      await mount.clock.run()
      expect(await sent).toEqual({ error: expect.objectContaining({ status: 529 }), at: 900 })
    })

    it('begins no attempt when the wait ended late, and throws the last failure', async () => {
      const clock = new VirtualClock()
      const late: Clock = {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        after: (ms, fn) => clock.after(ms === 100 ? 1000 : ms, fn),
      }
      const mock = overloaded()
      const use = [withRetry({ deadlineMs: 1000, random: first })]
      const sidecar = createSidecar({ agent: asking(), use, claude: { upstream: mock.upstream }, clock: late })
      const sent = sidecar.send('go').catch((error: unknown) => error)
      await turns()
      await clock.run()
      expect(await sent).toMatchObject({ status: 529 })
      expect(mock.requests).toHaveLength(1)
    })

    it('leaves no timer behind an answer', async () => {
      const mount = mounted({ deadlineMs: 2000 }, { mock: mockModel().reply(answer) })
      expect(await mount.sidecar.send('go')).toBe(7)
      expect(mount.clock.pending).toBe(0)
    })
  })

  describe('tools', () => {
    async function runTool(idempotent: boolean | undefined, fail: () => Error, times = 2): Promise<{ runs: number; result: unknown }> {
      const { sidecar, clock } = mounted({ attempts: 3, random: first })
      let runs = 0
      const tool = sidecar.tool({
        name: 'lookup',
        ...(idempotent === undefined ? {} : { idempotent }),
        run: async (_: object) => {
          if (++runs <= times) throw fail()
          return 'found'
        },
      })
      const result = Promise.resolve(tool.run({})).catch((error: unknown) => error)
      await turns()
      await clock.run()
      return { runs, result: await result }
    }

    it('are run again only if they declare idempotent (R33)', async () => {
      const fail = () => new Error('no network')
      expect(await runTool(true, fail)).toEqual({ runs: 3, result: 'found' })
      expect(await runTool(false, fail)).toEqual({ runs: 1, result: expect.any(Error) })
      expect(await runTool(undefined, fail)).toEqual({ runs: 1, result: expect.any(Error) })
    })

    it('are not run again after a refusal, direct or as a cause', async () => {
      const refusal = () => new BudgetExceededError({ unit: 'nanoUsd', needed: 2, remaining: 1, allocated: 1, spent: 0, account: 'a' })
      expect((await runTool(true, refusal)).runs).toBe(1)
      expect((await runTool(true, () => new Error('wrapped', { cause: refusal() }))).runs).toBe(1)
    })
  })

  it('never repeats a send', async () => {
    let sends = 0
    const agent = {
      name: 'failing',
      send: async (): Promise<number> => {
        sends++
        throw new UpstreamError('overloaded', { status: 529, retryable: true })
      },
    }
    const mount = mounted({}, { agent })
    expect(await run(mount)).toBeInstanceOf(UpstreamError)
    expect(sends).toBe(1)
  })

  describe('the retry budget', () => {
    it('is shared by all sidecars of one upstream, and by no other', async () => {
      const mock = overloaded(1000)
      const callers = Array.from({ length: 30 }, () => mounted({ attempts: 10, random: first }, { mock }))
      for (const caller of callers) await run(caller)
      expect(mock.requests.length).toBeLessThanOrEqual(30 + 100 + Math.ceil(30 * 0.08) + 10)
      expect(mock.requests.length).toBeGreaterThan(30 + 90)
      const other = mounted({ attempts: 10, random: first }, { mock: overloaded() })
      await run(other)
      expect(other.mock.requests).toHaveLength(10)
    })

    it('of the caller is used in its place', async () => {
      const budget = createRetryBudget({ most: 1, ratio: 0, minPerSecond: 0 })
      const mount = mounted({ attempts: 5, random: first, budget }, { mock: overloaded() })
      await run(mount)
      expect(mount.mock.requests).toHaveLength(2)
      expect(budget.balance).toBe(0)
    })

    it('keeps a dead upstream at 1.10 times the offered calls: 1,000 a second for 60 s (R14)', async () => {
      const { sidecar, clock } = mounted({ attempts: 3, random: seeded(14) })
      let wire = 0
      const dead = sidecar.tool({
        name: 'dead',
        idempotent: true,
        run: async (_: object) => {
          wire++
          throw new UpstreamError('overloaded', { status: 529, retryable: true })
        },
      })
      const offered = 60_000
      const ended: Promise<unknown>[] = []
      for (let call = 0; call < offered; call += 10) {
        for (let i = 0; i < 10; i++) ended.push(Promise.resolve(dead.run({})).catch(() => {}))
        await clock.advance(10)
      }
      await clock.run()
      await Promise.all(ended)
      expect(wire).toBeLessThanOrEqual(1.1 * offered)
      expect(wire).toBeGreaterThan(1.05 * offered)
    }, 60_000)

    it('fills again when the upstream recovers: nobody is locked out (R15)', async () => {
      const budget = createRetryBudget({ most: 20 })
      const clock = new VirtualClock()
      const random = seeded(15)
      let share = 1
      const sidecar = createSidecar({ agent: asking(), use: [withRetry({ budget, random })], clock })
      const tool = sidecar.tool({
        name: 'flaky',
        idempotent: true,
        run: async (_: object) => {
          if (random() < share) throw new UpstreamError('overloaded', { status: 529, retryable: true })
          return 'good'
        },
      })
      const good = async (calls: number) => {
        const ended = []
        for (let i = 0; i < calls; i++) {
          ended.push(Promise.resolve(tool.run({})).catch(() => 'bad'))
          await clock.advance(5)
        }
        await clock.run()
        return (await Promise.all(ended)).filter(result => result === 'good').length / calls
      }
      expect(await good(500)).toBe(0)
      share = 0.1
      await good(500)
      expect(budget.balance).toBeGreaterThan(1)
      expect(await good(500)).toBeGreaterThan(0.98)
    })
  })
})
