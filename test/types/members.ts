/** Lines that must not compile, by `@ts-expect-error`: checked by `tsc -p tsconfig.test.json`, never run. */
import { type Context, createSidecar, defineMiddleware, type Layer, type LayerInput, type Middleware } from 'outrigger'

interface Meter {
  readonly utilization: number
  readonly metrics: { readonly calls: number }
}
const withMeter = (): Layer<Meter> =>
  defineMiddleware(
    {
      name: 'withMeter',
      expose: {
        get utilization() {
          return 1
        },
        get metrics() {
          return { calls: 1 }
        },
      },
    },
    (_, next) => next(),
  )
const withPurse = (_options: { readonly usd?: number } = {}) =>
  defineMiddleware({ name: 'withPurse', expose: { budget: { spent: 1 } } }, (_, next) => next())
const withPlain = () => defineMiddleware({ name: 'withPlain' }, (_, next) => next())
const plain: Middleware = async (_, next) => next()

const agent = { name: 'a', send: async (message: string) => message.length }
declare const maybe: boolean

export async function flatMembers(): Promise<void> {
  const sidecar = createSidecar({ agent, use: [withPlain(), [withMeter()], plain, false, withPurse()] })
  const shares: number = sidecar.utilization + sidecar.budget.spent + sidecar.metrics.calls
  const reply: number = await sidecar.send('x')
  // @ts-expect-error: the agent takes strings
  await sidecar.send(3)
  // @ts-expect-error: the reply is a number
  const wrong: string = await sidecar.send('x')
  // @ts-expect-error: no layer of the stack shows it
  sidecar.violations
  // @ts-expect-error: not a string
  const text: string = sidecar.utilization
  // @ts-expect-error: members are read-only
  sidecar.utilization = 1
  // @ts-expect-error: so are those of the sidecar
  sidecar.state = 'done'
  void [shares, reply, wrong, text]
}

export function optionalMembers(): void {
  const sidecar = createSidecar({ agent, use: [withMeter(), ...(maybe ? [withPurse()] : [])] })
  const sure: number = sidecar.utilization
  const perhaps: number | undefined = sidecar.budget?.spent
  // @ts-expect-error: the layer may be absent
  sidecar.budget.spent
  const middle = createSidecar({ agent, use: [withPlain(), ...(maybe ? [withPurse()] : []), withMeter()] })
  const last: number = middle.utilization
  // @ts-expect-error: the layer may be absent
  middle.budget.spent
  const both = createSidecar({ agent, use: [withPlain(), ...(maybe ? [withPurse(), withMeter()] : [])] })
  const [one, two]: [number | undefined, number | undefined] = [both.utilization, both.budget?.spent]
  // @ts-expect-error: no layer that may be there shows it
  both.violations
  void [sure, perhaps, last, one, two]
}

export function conditionalMembers(): void {
  const sidecar = createSidecar({ agent, use: [withMeter(), maybe && withPurse()] })
  const sure: number = sidecar.utilization
  const perhaps: number | undefined = sidecar.budget?.spent
  // @ts-expect-error: the layer may be absent
  sidecar.budget.spent
  const other = createSidecar({ agent, use: [maybe ? withPurse() : undefined, withPlain()] })
  const absent: number | undefined = other.budget?.spent
  const both = createSidecar({ agent, use: [maybe && [withPurse(), withMeter()]] })
  const [one, two]: [number | undefined, number | undefined] = [both.utilization, both.budget?.spent]
  // @ts-expect-error: the layers may be absent
  both.metrics.calls
  // @ts-expect-error: two layers would show utilization
  createSidecar({ agent, use: [withMeter(), maybe && withMeter()] })
  void [sure, perhaps, absent, one, two]
}

export function switchedOff(): void {
  const sidecar = createSidecar({ agent, use: [withMeter(), false, undefined] })
  // @ts-expect-error: absent
  sidecar.budget
}

export function widened(list: readonly LayerInput[]): void {
  const sidecar = createSidecar({ agent, use: list })
  void sidecar.explain()
  // @ts-expect-error: a widened list keeps only what every sidecar has
  sidecar.utilization
}

export function clashes(): void {
  const again = defineMiddleware({ name: 'withOther', expose: { utilization: 2 } }, (_, next) => next())
  // @ts-expect-error: two layers show utilization
  createSidecar({ agent, use: [withMeter(), again] })
  // @ts-expect-error: the same layer twice
  createSidecar({ agent, use: [withPurse(), withPurse()] })
  // @ts-expect-error: every sidecar has send
  createSidecar({ agent, use: [defineMiddleware({ name: 'withSend', expose: { send: 1 } }, (_, next) => next())] })
}

export function wrongUse(): void {
  // @ts-expect-error: a string is no layer
  createSidecar({ agent, use: ['withMeter'] })
  // @ts-expect-error: an object is no layer
  createSidecar({ agent, use: [{ name: 'withMeter' }] })
  // @ts-expect-error: null is no layer
  createSidecar({ agent, use: [null] })
  // @ts-expect-error: the factory was not called
  createSidecar({ agent, use: [withPurse] })
  // @ts-expect-error: misspelt
  createSidecar({ agent, uses: [] })
  // @ts-expect-error: misspelt
  createSidecar({ agent, use: [], whenPause: 'wait' })
  // @ts-expect-error: no such word
  createSidecar({ agent, use: [], whenPaused: 'later' })
  // @ts-expect-error: misspelt
  withPurse({ used: 1 })
  // @ts-expect-error: misspelt
  defineMiddleware({ name: 'a', reenter: true }, plain)
  // @ts-expect-error: no such kind
  defineMiddleware({ name: 'a', on: ['modell'] }, plain)
}

export function inline(): void {
  createSidecar({
    agent,
    use: [
      async (ctx, next) => {
        const known: Context = ctx
        const promise: Promise<void> = next()
        // @ts-expect-error: the context is closed
        ctx.state = 1
        // @ts-expect-error: replaced by ctx.rewrite() alone
        ctx.action = { kind: 'send', message: 'x' }
        // @ts-expect-error: next takes nothing
        next(1)
        void known
        await promise
      },
    ],
  })
  // @ts-expect-error: a layer returns a promise
  createSidecar({ agent, use: [(_ctx: Context, _next: () => Promise<void>) => 3] })
}

export async function streams(): Promise<void> {
  const own = createSidecar({
    agent: {
      name: 'a',
      async *stream(_: string) {
        yield 1
        return 'reply'
      },
    },
    use: [],
  })
  for await (const event of own.stream('x')) {
    const count: number = event
    void count
  }
  const text: string = await own.stream('x').reply
  const nested = createSidecar({ agent, use: [] })
  for await (const event of nested.stream('x')) {
    if (event.type === 'reply') {
      const reply: number = event.reply
      void reply
    }
    // @ts-expect-error: no such event
    if (event.type === 'text') return
  }
  void text
}

export function factories(): void {
  const sidecar = createSidecar({
    agent: io => {
      const tool = io.tool({ name: 't', run: (n: number) => n + 1 })
      return { name: 'a', send: async (message: string) => tool.run(message.length) }
    },
    use: [withMeter()],
  })
  const share: number = sidecar.utilization
  // @ts-expect-error: an agent needs a name
  createSidecar({ agent: { send: async () => 1 }, use: [] })
  void share
}
