import fc from 'fast-check'
import { CircuitOpenError } from 'outrigger'
import { type CircuitBreaker, type CircuitBreakerOptions, type CircuitVerdict, createCircuitBreaker } from 'outrigger/middleware'

const settings = { openAt: 0.5, least: 4, windowMs: 10_000, openMs: 1_000, maxOpenMs: 4_000, probeMs: 2_000 }

/** Attempts one after the other, each with its verdict. */
function run(breaker: CircuitBreaker, verdicts: readonly CircuitVerdict[], at = 0): void {
  for (const verdict of verdicts) breaker.enter('m', at)(verdict, at)
}

const stateOf = (breaker: CircuitBreaker, at: number) => breaker.circuits(at).get('m')?.state

/** The wait that a refusal names; `undefined` where the attempt is let through (and goes on). */
function refused(breaker: CircuitBreaker, at: number): number | undefined {
  try {
    breaker.enter('m', at)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(CircuitOpenError)
    return (error as CircuitOpenError).retryAfterMs
  }
}

function opened(): CircuitBreaker {
  const breaker = createCircuitBreaker(settings)
  run(breaker, ['bad', 'bad', 'bad', 'bad'])
  return breaker
}

describe('createCircuitBreaker', () => {
  it('stays closed below the least number of attempts, and below the share', () => {
    const few = createCircuitBreaker(settings)
    run(few, ['bad', 'bad', 'bad'])
    expect(refused(few, 0)).toBeUndefined()
    const most = createCircuitBreaker(settings)
    run(most, ['good', 'good', 'good', 'bad', 'bad'])
    expect(refused(most, 0)).toBeUndefined()
  })

  it('opens when enough of them failed, and says when the next probe goes', () => {
    const breaker = createCircuitBreaker(settings)
    run(breaker, ['good', 'bad', 'good', 'bad'])
    expect(refused(breaker, 0)).toBe(1_000)
    expect(refused(breaker, 400)).toBe(600)
    expect(stateOf(breaker, 400)).toBe('open')
    expect(stateOf(breaker, 1_000)).toBe('halfOpen')
  })

  it('does not count what is neutral', () => {
    const breaker = createCircuitBreaker(settings)
    run(breaker, ['bad', 'neutral', 'neutral', 'neutral', 'bad', 'neutral', 'bad'])
    expect(refused(breaker, 0)).toBeUndefined()
    expect(breaker.circuits(0).get('m')).toEqual({ state: 'closed', attempts: 3, failures: 3 })
  })

  it('forgets what has left the window', () => {
    const breaker = createCircuitBreaker(settings)
    run(breaker, ['bad', 'bad', 'bad'], 0)
    run(breaker, ['bad'], 10_000)
    expect(refused(breaker, 10_000)).toBeUndefined()
  })

  it('lets one probe through of a thousand callers, and the next only when it has ended', () => {
    const breaker = opened()
    const through = Array.from({ length: 1_000 }, () => refused(breaker, 1_000)).filter(wait => wait === undefined)
    expect(through).toHaveLength(1)
    expect(refused(breaker, 1_500)).toBe(1_500)
  })

  it('closes after a good probe, with nothing held against it', () => {
    const breaker = opened()
    breaker.enter('m', 1_000)('good', 1_100)
    expect(breaker.circuits(1_100).get('m')).toBeUndefined()
    run(breaker, ['bad', 'bad', 'bad'], 1_100)
    expect(stateOf(breaker, 1_100)).toBe('closed')
  })

  it('opens for twice as long after each bad probe, up to the longest', () => {
    const breaker = opened()
    const waits: number[] = []
    for (let at = 1_000, n = 0; n < 4; n++) {
      breaker.enter('m', at)('bad', at)
      waits.push(refused(breaker, at)!)
      at += waits.at(-1)!
    }
    expect(waits).toEqual([2_000, 4_000, 4_000, 4_000])
  })

  it('probes again at once where the probe showed nothing', () => {
    const breaker = opened()
    breaker.enter('m', 1_000)('neutral', 1_200)
    expect(refused(breaker, 1_200)).toBeUndefined()
  })

  it('gives a probe up that does not come back, and hears nothing of it later', () => {
    const breaker = opened()
    const late = breaker.enter('m', 1_000)
    const second = breaker.enter('m', 3_000)
    late('bad', 3_100)
    expect(refused(breaker, 3_100)).toBe(1_900)
    second('good', 3_200)
    expect(refused(breaker, 3_200)).toBeUndefined()
  })

  it('does not hear of attempts that began before it opened', () => {
    const breaker = createCircuitBreaker(settings)
    const slow = breaker.enter('m', 0)
    run(breaker, ['bad', 'bad', 'bad', 'bad'])
    const probe = breaker.enter('m', 1_000)
    slow('good', 1_050)
    expect(refused(breaker, 1_060)).toBeGreaterThan(0)
    probe('bad', 1_100)
    expect(refused(breaker, 1_100)).toBe(2_000)
  })

  it('keeps a circuit for each name', () => {
    const breaker = opened()
    expect(() => breaker.enter('other', 0)).not.toThrow()
    expect([...breaker.circuits(0).keys()]).toEqual(['m', 'other'])
  })

  it('forgets names that nobody uses any more', () => {
    const breaker = createCircuitBreaker(settings)
    for (let n = 0; n < 100; n++) breaker.enter(`m${n}`, 0)('good', 0)
    expect(breaker.circuits(0).size).toBe(100)
    expect(breaker.circuits(20_000).size).toBe(0)
  })

  it('time goes forward, whatever clocks its callers have', () => {
    const breaker = opened()
    expect(refused(breaker, -5_000)).toBe(1_000)
  })

  it.each<[CircuitBreakerOptions | null, string]>([
    [null, 'must be an object'],
    [{ openAt: 0 }, 'openAt must be a share above 0, up to 1, got 0'],
    [{ openAt: 1.1 }, 'openAt must be a share above 0, up to 1, got 1.1'],
    [{ least: 0 }, 'least must be a whole number from 1, got 0'],
    [{ windowMs: Number.POSITIVE_INFINITY }, 'windowMs must be milliseconds above 0, got Infinity'],
    [{ openMs: '5' as never }, 'openMs must be milliseconds above 0, got "5"'],
    [{ openMs: 10, maxOpenMs: 5 }, 'openMs (10) must not be above maxOpenMs (5)'],
    [{ opn: 1 } as never, 'unknown option "opn"; known are openAt, least'],
  ])('refuses %j', (options, message) => {
    expect(() => createCircuitBreaker(options as never)).toThrow(message)
  })

  it('never has two probes within the time of one, and is never open for longer than it says', () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 3_000 }),
      verdict: fc.constantFrom<CircuitVerdict>('good', 'bad', 'neutral'),
    })
    fc.assert(
      fc.property(fc.array(fc.record({ step, overlap: fc.boolean() }), { maxLength: 60 }), steps => {
        const breaker = createCircuitBreaker(settings)
        let now = 0
        let openAt: number | undefined
        let probe: { at: number; over: boolean } | undefined
        for (const {
          step: { waitMs, verdict },
          overlap,
        } of steps) {
          now += waitMs
          const was = stateOf(breaker, now)
          try {
            const ended = breaker.enter('m', now)
            expect(was).not.toBe('open')
            if (was === 'halfOpen') {
              if (probe && !probe.over) expect(now - probe.at).toBeGreaterThanOrEqual(settings.probeMs)
              probe = { at: now, over: !overlap }
            }
            if (!overlap) ended(verdict, now)
          } catch (error) {
            if (!(error instanceof CircuitOpenError)) throw error
            expect(was).not.toBe('closed')
            expect(error.retryAfterMs).toBeLessThanOrEqual(settings.maxOpenMs)
            expect(error.retryAfterMs).toBeGreaterThan(0)
          }
          const state = stateOf(breaker, now)
          if (state === 'open') openAt ??= now
          else openAt = undefined
          if (openAt !== undefined) expect(now - openAt).toBeLessThanOrEqual(settings.maxOpenMs)
        }
      }),
    )
  })
})
