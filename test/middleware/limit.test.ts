import fc from 'fast-check'
import { createLimit, type Limit, type Turn } from 'outrigger/middleware'
import { processLimit } from '../../middleware/limit.js'
import { turns } from './stack.js'

const agents = ['a', 'b', 'c', 'd'].map(name => ({ name }))

/** A limit, and the order in which what waited was served. */
function watched(limit: Limit) {
  const served: string[] = []
  const enter = (agent: object, label: string, atMost?: number): Turn => {
    const turn = limit.enter(agent, atMost)
    turn.ready.then(
      () => served.push(label),
      () => {},
    )
    return turn
  }
  return { served, enter }
}

describe('createLimit', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['null', null, /must be an object/],
    ['nothing', {}, /whole number from 1, got undefined/],
    ['0', { concurrency: 0 }, /got 0/],
    ['a half', { concurrency: 1.5 }, /got 1.5/],
    ['no end', { concurrency: Number.POSITIVE_INFINITY }, /got Infinity/],
    ['a text', { concurrency: '3' }, /got "3"/],
    ['an unknown option', { concurrency: 3, rate: 1 }, /unknown option "rate"/],
  ]

  it.each(bad)('refuses %s at once', (_, options, message) => {
    const make = () => createLimit(options as never)
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(TypeError|RangeError)$/) }))
  })

  it('refuses a bound that is none', () => {
    expect(() => createLimit({ concurrency: 3 }).enter({}, 0)).toThrow(RangeError)
  })

  it('lets so many run, and says how many do', () => {
    const limit = createLimit({ concurrency: 2 })
    const [one, two, three] = [limit.enter(agents[0]!), limit.enter(agents[0]!), limit.enter(agents[0]!)] as const
    expect([one.running, two.running, three.running]).toEqual([true, true, false])
    expect([limit.concurrency, limit.running, limit.waiting]).toEqual([2, 2, 1])
    two.done()
    two.done()
    expect([three.running, limit.running, limit.waiting]).toEqual([true, 2, 0])
    three.leave(new Error('too late to leave'))
    one.done()
    three.done()
    expect([limit.running, limit.waiting]).toEqual([0, 0])
  })

  it('serves an agent first come, first served, and the agents in turn', async () => {
    const limit = createLimit({ concurrency: 1 })
    const { served, enter } = watched(limit)
    const [a, b] = agents as [object, object]
    const all = [enter(a, 'running'), ...[1, 2, 3, 4].map(n => enter(a, `a${n}`)), ...[1, 2].map(n => enter(b, `b${n}`))]
    while (limit.running > 0) {
      all.find(turn => turn.running)!.done()
      await turns(1)
    }
    expect(served).toEqual(['running', 'a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
  })

  it('an agent with 1,000 waiting calls does not starve another', async () => {
    const limit = createLimit({ concurrency: 3 })
    const { served, enter } = watched(limit)
    const many = Array.from({ length: 1003 }, (_, n) => enter(agents[0]!, `a${n}`))
    enter(agents[1]!, 'b')
    many[0]!.done()
    many[1]!.done()
    await turns(1)
    expect(served.slice(3)).toEqual(['a3', 'b'])
  })

  it('who leaves the line is rejected with the reason, and frees its place; who is done before its turn has left', async () => {
    const limit = createLimit({ concurrency: 1 })
    const { served, enter } = watched(limit)
    const running = enter(agents[0]!, 'running')
    const [first, second, third] = [enter(agents[0]!, 'first'), enter(agents[0]!, 'second'), enter(agents[0]!, 'third')] as const
    const reason = new Error('enough')
    const left = first.ready.catch((error: unknown) => error)
    first.leave(reason)
    second.done()
    expect(await left).toBe(reason)
    running.done()
    await turns(1)
    expect([served, third.running, limit.waiting]).toEqual([['running', 'third'], true, 0])
  })

  it('keeps the lowest that anyone asks for who waits or runs', () => {
    const limit = createLimit({ concurrency: 4 })
    const wide = [1, 2, 3].map(() => limit.enter(agents[0]!))
    const narrow = limit.enter(agents[1]!, 2)
    expect([narrow.running, limit.concurrency, limit.waiting]).toEqual([false, 2, 1])
    const later = limit.enter(agents[0]!)
    expect(later.running).toBe(false)
    wide[0]!.done()
    expect(narrow.running).toBe(false)
    wide[1]!.done()
    expect([narrow.running, limit.running]).toEqual([true, 2])
    narrow.done()
    expect([later.running, limit.concurrency, limit.running]).toEqual([true, 4, 2])
  })

  it('of the process is one, for every copy of the package', () => {
    let other: typeof import('../../middleware/limit.js') | undefined
    jest.isolateModules(() => {
      other = require('../../middleware/limit.js')
    })
    expect(other!.processLimit).not.toBe(processLimit)
    expect(other!.processLimit()).toBe(processLimit())
    expect(processLimit().concurrency).toBe(Number.POSITIVE_INFINITY)
  })

  it('never lets more run than it may, loses no slot, and is fair, whatever comes and goes', async () => {
    type Step = {
      readonly do: 'enter' | 'leave' | 'done'
      readonly pick: number
      readonly agent: number
      readonly atMost: number | undefined
    }
    const step: fc.Arbitrary<Step> = fc.record({
      do: fc.constantFrom('enter', 'enter', 'leave', 'done', 'done'),
      pick: fc.nat(1000),
      agent: fc.nat(agents.length - 1),
      atMost: fc.constantFrom(undefined, undefined, undefined, 1, 2, 5),
    })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 120 }), async (concurrency, steps) => {
        const model = new LimitModel(concurrency)
        for (const one of steps) model.step(one)
        model.drain()
        expect([model.limit.running, model.limit.waiting]).toEqual([0, 0])
      }),
      { numRuns: 300 },
    )
  })
})

interface Entry {
  readonly turn: Turn
  readonly agent: number
  readonly atMost: number
  readonly at: number
}

/** What is known of a limit from outside: who entered when, and who ran by then. */
class LimitModel {
  readonly limit: Limit
  readonly #most: number
  #entries: Entry[] = []
  #waiting: Entry[] = []
  #at = 0
  /** When each agent's line was last served, and since when somebody has stood in it. */
  readonly #served = new Map<number, number>()
  readonly #since = new Map<number, number>()

  constructor(most: number) {
    this.#most = most
    this.limit = createLimit({ concurrency: most })
  }

  step({ do: what, pick, agent, atMost }: { do: string; pick: number; agent: number; atMost: number | undefined }): void {
    this.#at++
    const of = (list: readonly Entry[]) => list[pick % Math.max(1, list.length)]
    const running = this.#entries.filter(({ turn }) => turn.running)
    if (what === 'enter') this.#enter(agent, atMost)
    if (what === 'leave') this.#drop(of(this.#waiting), entry => entry.turn.leave(new Error('left')))
    if (what === 'done') this.#drop(of(running), entry => entry.turn.done())
    this.#check()
  }

  drain(): void {
    for (let running = this.#running(); running.length > 0; running = this.#running()) {
      this.#at++
      this.#drop(running[0], entry => entry.turn.done())
      this.#check()
    }
  }

  #running(): Entry[] {
    return this.#entries.filter(({ turn }) => turn.running)
  }

  #enter(agent: number, atMost: number | undefined): void {
    const turn = this.limit.enter(agents[agent]!, atMost)
    turn.ready.catch(() => {})
    const entry = { turn, agent, atMost: atMost ?? this.#most, at: this.#at }
    this.#entries.push(entry)
    this.#waiting.push(entry)
    if (!this.#since.has(agent)) this.#since.set(agent, this.#at)
  }

  #drop(entry: Entry | undefined, how: (entry: Entry) => void): void {
    if (!entry) return
    this.#entries = this.#entries.filter(other => other !== entry)
    if (!entry.turn.running) this.#waiting = this.#waiting.filter(other => other !== entry)
    how(entry)
  }

  #check(): void {
    const served = this.#waiting.filter(({ turn }) => turn.running)
    this.#waiting = this.#waiting.filter(({ turn }) => !turn.running)
    this.#checkOrder(served)
    for (const { agent } of served) this.#served.set(agent, this.#at)
    for (const [agent] of this.#since) if (!this.#waiting.some(entry => entry.agent === agent)) this.#since.delete(agent)
    const running = this.#running().length
    const bound = Math.min(this.#most, ...this.#entries.map(({ atMost }) => atMost))
    // A low bound that comes late ends nothing that runs: only what begins keeps it.
    if (served.length > 0) expect(running).toBeLessThanOrEqual(bound)
    expect(running).toBeLessThanOrEqual(this.#most)
    if (this.#waiting.length > 0) expect(running).toBeGreaterThanOrEqual(bound)
    expect([this.limit.running, this.limit.waiting]).toEqual([running, this.#waiting.length])
  }

  /** First come, first served in each line; and nobody is served twice while another has waited all the time, nor twice more at once. */
  #checkOrder(served: readonly Entry[]): void {
    const times = (agent: number) => served.filter(entry => entry.agent === agent).length
    for (const { agent, at } of served) {
      expect(this.#waiting.filter(other => other.agent === agent && other.at < at)).toEqual([])
      const last = this.#served.get(agent) ?? -1
      const starved = this.#waiting.filter(other => {
        if (other.agent === agent) return false
        if (times(agent) > times(other.agent) + 1) return true
        // In what order those were served that were served at once is not seen from outside.
        if (times(other.agent) > 0) return false
        const since = this.#since.get(other.agent)!
        return since < last && (this.#served.get(other.agent) ?? -1) < last
      })
      expect(starved).toEqual([])
    }
  }
}
