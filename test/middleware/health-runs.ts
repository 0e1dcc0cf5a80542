import { type Call, createSidecar, defineMiddleware, type SidecarEvent, type Tool } from 'outrigger'
import { withBudget, withHealth, withRetry } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { seeded } from './stack.js'

const model = 'claude-haiku-4-5'
const minute = 60_000
const hour = 60 * minute

/** One thing that an agent does. */
type Step = (world: World, call: Call) => Promise<unknown>
type Steps = Readonly<Record<string, Step>>

/** What a run is made of: a sidecar with a scripted model, and a clock that moves in random steps. */
class World {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: () => number
  readonly told: string[] = []
  readonly sidecar: any
  /** What is under way in a send. */
  readonly #works: ((call: Call) => Promise<unknown>)[] = []
  readonly #answers = new Map<string, (pending: any) => void>()
  #count = 0

  constructor(seed: number) {
    this.random = seeded(seed)
    const mock = mockModel({ clock: this.clock })
    const take = async (): Promise<never> => {
      for (;;) this.#answer(await mock.next())
    }
    void take()
    this.sidecar = createSidecar({
      agent: { name: 'worker', send: (_: string, call: Call) => this.#works.shift()!(call) },
      use: [
        withHealth({ polling: ['job_status'] }),
        this.#holds(),
        withRetry({ attempts: 3, random: this.random }),
        this.#limits(),
        withBudget({ usd: 50 }),
      ],
      whenPaused: 'wait',
      claude: { upstream: mock.upstream },
      clock: this.clock,
    })
    this.sidecar.subscribe((event: SidecarEvent) => event.type === 'health' && this.told.push(event.to))
  }

  /** A whole number from `least` to `most`. */
  int(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1))
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!
  }

  /** A word that has not been said before. */
  fresh(): string {
    return `word${this.#count++}`
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.clock.after(ms, resolve))
  }

  /** Asks the model; `answer` is what it does. */
  ask(
    call: Call,
    answer: (pending: any) => void,
    options: { stream?: boolean; content?: string; signal?: AbortSignal } = {},
  ): Promise<any> {
    const mark = this.fresh()
    this.#answers.set(mark, answer)
    const content = options.content ?? `question ${mark}`
    const request = { model, max_tokens: 64, messages: [{ role: 'user' as const, content }], metadata: { user_id: mark } }
    const given = options.signal ? { signal: options.signal } : {}
    return options.stream ? call.claude.messages.stream(request, given).finalMessage() : call.claude.messages.create(request, given)
  }

  tool(call: Call, name: string, run: (input: any) => unknown): Tool {
    return call.tool({ name, run: async (input: unknown) => run(input) })
  }

  send(work: (call: Call) => Promise<unknown>): Promise<unknown> {
    this.#works.push(work)
    return this.sidecar.send(this.fresh())
  }

  /** Moves time on in random steps until `work` has ended, and asks for health in between. */
  async until(work: Promise<unknown>): Promise<void> {
    let over = false
    const end = () => {
      over = true
    }
    work.then(end, end)
    for (let steps = 0; !over && steps < 20_000; steps++) {
      await this.clock.advance(this.int(1, 20 * minute))
      this.sidecar.health()
    }
    if (!over) throw new Error('a run does not end')
  }

  #answer(pending: any): void {
    const mark = pending.request.metadata.user_id as string
    this.#answers.get(mark)!(pending)
  }

  /** A person is asked before some tools run. */
  #holds() {
    return defineMiddleware({ name: 'holds', on: ['tool'] }, async (ctx, next) => {
      if (ctx.action.kind === 'tool' && ctx.action.name.startsWith('approved'))
        await ctx.during('stopped', () => this.sleep(this.int(minute, 20 * hour)))
      await next()
    })
  }

  /** Some calls wait for their turn. */
  #limits() {
    return defineMiddleware({ name: 'limits', on: ['model'], perAttempt: true }, async (ctx, next) => {
      if (this.random() < 0.1) await ctx.during('throttle', () => this.sleep(this.int(1000, 15 * minute)))
      await next()
    })
  }
}

const times = <T>(n: number, make: (at: number) => T): T[] => Array.from({ length: n }, (_, at) => make(at))

/** What healthy agents do. */
const healthy: Steps = {
  'a long stream': (world, call) => {
    const reply = { [world.pick(['text', 'thinking'])]: world.fresh().padEnd(400, 'x'), chunkChars: world.int(10, 60) }
    // A ping after the head brings nothing.
    const ping = world.random() < 0.5
    const betweenMs = world.int(1000, (ping ? 2.5 : 5) * minute - 1)
    return world.ask(call, pending => pending.reply({ ...reply, ping, betweenMs, delayMs: world.int(0, 10 * minute - 1) }), {
      stream: true,
    })
  },
  'a whole answer that takes long': (world, call) =>
    world.ask(call, pending => pending.reply({ text: world.fresh(), delayMs: world.int(0, 10 * minute - 1) })),
  'answers all alike': async (world, call) => {
    for (const _ of times(world.int(4, 12), n => n)) await world.ask(call, pending => pending.reply('yes'))
  },
  'a vote': (world, call) => {
    const content = world.fresh()
    const vote = () => world.ask(call, pending => pending.reply({ text: 'no', delayMs: world.int(0, minute) }), { content })
    return Promise.all(times(8, vote))
  },
  '16 tools side by side': (world, call) => {
    const work = world.tool(call, 'work', () => world.sleep(world.int(0, 3 * hour)))
    return Promise.all(times(16, at => work.run({ at: at < 3 ? 0 : at, of: 'side by side' })))
  },
  'a person is asked': (world, call) =>
    Promise.resolve(world.tool(call, 'ask_user', () => world.sleep(world.int(minute, 48 * hour)).then(() => world.fresh())).run({})),
  'a person allows': (world, call) => Promise.resolve(world.tool(call, 'approved_shell', () => world.fresh()).run({ command: 'ls' })),
  'a declared poll': async (world, call) => {
    const status = world.tool(call, 'job_status', () => 'running')
    for (const _ of times(world.int(5, 40), n => n)) {
      await status.run({ job: 1 })
      await world.sleep(minute)
    }
  },
  'a poll whose answer changes': async (world, call) => {
    const status = world.tool(call, 'progress', () => world.fresh())
    for (const _ of times(world.int(5, 40), n => n)) await status.run({ job: 1 })
  },
  'a batch of edits': async (world, call) => {
    const edit = world.tool(call, 'edit', () => 'ok')
    for (const _ of times(world.int(10, 50), n => n)) await edit.run({ file_path: world.fresh(), old: 'a', new: 'b' })
  },
  pages: async (world, call) => {
    const list = world.tool(call, 'list', ({ cursor }) => ({ rows: [], next: cursor }))
    for (const _ of times(world.int(10, 50), n => n)) await list.run({ cursor: world.fresh() })
  },
  'edits and failing tests': async (world, call) => {
    const edit = world.tool(call, 'edit', () => 'ok')
    const test = world.tool(call, 'test', () => '1 failed')
    for (const _ of times(world.int(3, 10), n => n)) {
      await edit.run({ text: world.fresh() })
      await test.run({})
    }
  },
  'a file read again': async (world, call) => {
    const path = world.fresh()
    const read = world.tool(call, 'read', () => 'text')
    for (const _ of times(world.int(1, 3), n => n)) await read.run({ path })
  },
  'an overload that passes': (world, call) => {
    const failures = world.int(1, 2)
    let tried = 0
    return world.ask(call, pending =>
      tried++ < failures
        ? pending.fail({ status: 529, headers: { 'retry-after': String(world.int(1, 1800)) } })
        : pending.reply({ text: world.fresh(), delayMs: world.int(0, 9 * minute) }),
    )
  },
  // Some of them may follow each other.
  'thoughts of its own': world => world.sleep(world.int(0, 2 * minute)),
  'a caller who goes away': async (world, call) => {
    const caller = new AbortController()
    const asked = world.ask(call, pending => pending.hang({ after: 3 }), { stream: true, signal: caller.signal }).catch(() => {})
    await world.sleep(world.int(1, 4 * minute))
    caller.abort()
    await asked
  },
  'a pause': async (world, call) => {
    world.sidecar.pause('a person looks')
    world.clock.after(world.int(minute, 20 * hour), () => world.sidecar.resume())
    await world.ask(call, pending => pending.reply(world.fresh()))
  },
}

/** Failures that end soon. Not side by side with others: three in a row are a spiral wherever they come from. */
const stumbling: Steps = {
  'a tool that fails': async (world, call) => {
    const open = world.tool(call, 'open', ({ path }) => Promise.reject(new Error(`no file ${path}`)))
    for (const _ of times(world.int(1, 2), n => n)) await Promise.resolve(open.run({ path: world.fresh() })).catch(() => {})
    await world.ask(call, pending => pending.reply(world.fresh()))
  },
  'a request that is refused': async (world, call) => {
    await world.ask(call, pending => pending.fail({ status: 400 })).catch(() => {})
    await world.ask(call, pending => pending.reply(world.fresh()))
  },
}

/** Does some of what healthy agents do, alone and side by side. */
async function work(world: World, call: Call): Promise<void> {
  for (const _ of times(world.int(1, 4), n => n)) {
    const chance = world.random()
    if (chance < 0.2) await world.pick(Object.values(stumbling))(world, call)
    else await Promise.all(times(chance < 0.6 ? 1 : world.int(2, 4), () => world.pick(Object.values(healthy))(world, call)))
  }
}

/** What the run did, for messages. */
const unhealthy = (told: readonly string[]): readonly string[] => told.filter(status => status !== 'healthy' && status !== 'paused')

/** A random run of a healthy agent. @returns the false verdicts */
export async function healthyRun(seed: number): Promise<readonly string[]> {
  const world = new World(seed)
  for (const _ of times(world.int(1, 3), n => n)) {
    await world.until(world.send(call => work(world, call)))
    await world.clock.advance(world.int(0, 12 * hour))
    world.sidecar.health()
  }
  await world.sidecar.close()
  return unhealthy(world.told)
}

/** What an ill agent does, what must be said of it, and by when: after how much silence, or when it is over. */
interface Illness {
  readonly status: string
  readonly withinMs?: number
  readonly step: Step
}

const forever = (): Promise<never> => new Promise(() => {})
/** Never answered before the run is given up. */
const silentAfter =
  (after: number | undefined): Step =>
  (world, call) =>
    world.ask(call, pending => pending.hang(after === undefined ? {} : { after, reply: 'some text that is not finished' }), {
      stream: after !== undefined || world.random() < 0.5,
    })

/** Arguments that ask for the same, each time in other words. */
function disguised(world: World, input: Readonly<Record<string, unknown>>): unknown {
  const now = world.clock.now()
  const disguises = [
    () => input,
    () => Object.fromEntries(Object.entries(input).reverse()),
    () => ({ ...input, nonce: world.fresh(), request_id: world.fresh() }),
    () => ({ ...input, command: ` ls${' '.repeat(world.int(1, 5))}-l\n` }),
  ]
  return { ...(world.pick(disguises)() as object), at: world.pick([now, new Date(now).toISOString(), Math.floor(now / 1000)]) }
}

const illnesses: Readonly<Record<string, Illness>> = {
  'a model that says nothing': { status: 'stalled', withinMs: 10 * minute, step: silentAfter(undefined) },
  'a stream that stops': { status: 'stalled', withinMs: 5 * minute, step: (world, call) => silentAfter(world.int(3, 5))(world, call) },
  'a stream of pings': {
    status: 'stalled',
    withinMs: 5 * minute,
    step: (world, call) =>
      world.ask(
        call,
        async pending => {
          for (;;) {
            pending.event({ type: 'ping' })
            await world.sleep(15_000)
          }
        },
        { stream: true },
      ),
  },
  'an agent that waits for nothing': { status: 'stalled', withinMs: 10 * minute, step: forever },
  'one silent call among others': {
    status: 'stalled',
    withinMs: 10 * minute,
    step: (world, call) =>
      Promise.all([
        silentAfter(undefined)(world, call),
        ...times(3, () =>
          world.ask(call, pending => pending.reply({ text: world.fresh(), betweenMs: 4 * minute, ping: false }), { stream: true }),
        ),
      ]),
  },
  'a cycle of calls': {
    status: 'spinning',
    step: async (world, call) => {
      const period = world.int(1, 8)
      const inputs = times(period, () => ({ path: world.fresh(), command: 'ls -l' }))
      const look = world.tool(call, 'look', ({ path }) => ({ found: 0, path }))
      for (let at = 0; at < 4 * period; at++) await look.run(disguised(world, inputs[at % period]!))
    },
  },
  'a cycle side by side': {
    status: 'spinning',
    step: async (world, call) => {
      const inputs = times(world.int(2, 8), () => ({ path: world.fresh(), command: 'ls -l' }))
      const look = world.tool(call, 'look', ({ path }) => world.sleep(world.int(0, 1000)).then(() => path))
      for (const _ of times(4, n => n)) await Promise.all(inputs.map(input => look.run(disguised(world, input))))
    },
  },
  'empty calls that fail': {
    status: 'spinning',
    step: async (world, call) => {
      const broken = world.tool(call, 'broken', () => Promise.reject(new Error(`line ${world.int(1, 99)} is wrong`)))
      for (const _ of times(4, n => n)) {
        await Promise.resolve(broken.run({})).catch(() => {})
        await world.ask(call, pending => pending.reply({ text: world.fresh(), toolUse: { name: 'broken' } }))
      }
    },
  },
  'the same words': {
    status: 'spinning',
    step: async (world, call) => {
      const content = world.fresh()
      for (const _ of times(4, n => n))
        await world.ask(call, pending => pending.reply({ text: 'I go on.', thinking: world.fresh() }), {
          content,
          stream: world.random() < 0.5,
        })
    },
  },
  'failures in a row': {
    status: 'errorSpiral',
    step: async (world, call) => {
      const fail = world.tool(call, 'open', () => Promise.reject(new Error(world.fresh())))
      for (const _ of times(3, n => n)) {
        const failing =
          world.random() < 0.5
            ? Promise.resolve(fail.run({ path: world.fresh() }))
            : world.ask(call, pending => pending.fail({ status: 400 }))
        await failing.catch(() => {})
      }
    },
  },
  'an answer that is cut': {
    status: 'malfunction',
    step: (world, call) => world.ask(call, pending => pending.cut({ after: world.int(4, 5) }), { stream: true }).catch(() => {}),
  },
}

/** A run of an agent that is well for a while and then ill in one way. @returns what is wrong with what was said of it */
export async function illRun(seed: number): Promise<string | undefined> {
  const world = new World(seed)
  const name = world.pick(Object.keys(illnesses))
  const { status, withinMs, step } = illnesses[name]!
  await world.until(world.send(call => work(world, call)))
  const early = unhealthy(world.told)
  world.told.length = 0
  const ended = world.send(call => step(world, call))
  ended.catch(() => {})
  const late = await (withinMs === undefined ? world.until(ended) : foundWithin(world, withinMs)).catch(String)
  const [first] = unhealthy(world.told)
  world.sidecar.reap('the run is over')
  await world.clock.advance(hour)
  if (early.length > 0) return `${name}: ${early} was said while it was well`
  return late ?? (first === status ? undefined : `${name}: ${first} was said, not ${status}`)
}

/** A silence is told when its deadline has passed: after the limiter, and what else runs beside it. */
async function foundWithin(world: World, withinMs: number): Promise<void> {
  await world.clock.advance(withinMs - 1)
  if (world.told.length > 0) throw new Error(`${world.told} was said too early`)
  for (let minutes = 0; minutes < 180 && world.told.length === 0; minutes++) await world.clock.advance(minute)
}
