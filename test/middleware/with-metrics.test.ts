import { createSidecar, defineMiddleware } from 'outrigger'
import { withMetrics, withRetry } from 'outrigger/middleware'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { turns } from './stack.js'

const request = { model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello' }] }
const usage = { input_tokens: 12, output_tokens: 3 }

/** An agent that reads its message as steps: `m` asks the model, `t` runs a tool, `w` waits, all for 100 ms; `f` fails. */
function stepping(clock: VirtualClock) {
  const wait = (ms: number) => new Promise<void>(resolve => void clock.after(ms, resolve))
  const mock = mockModel({ clock, otherwise: () => ({ text: 'ok', usage, delayMs: 100 }) })
  const sidecar = createSidecar({
    agent: {
      name: 'stepping',
      send: async (steps: string, { claude, tool }) => {
        const lookup = tool({ name: 'lookup', run: (_: object) => wait(100) })
        for (const step of steps) {
          if (step === 'm') await claude.messages.create(request)
          if (step === 't') await lookup.run({})
          if (step === 'w') await wait(100)
          if (step === 'f') throw new Error('the agent fails')
        }
        return steps.length
      },
    },
    use: [withRetry({ attempts: 2, random: () => 0 }), withMetrics()],
    claude: { upstream: mock.upstream },
    clock,
  })
  return { sidecar, mock, send: (steps: string) => sidecar.send(steps).catch((error: unknown) => error) }
}

describe('withMetrics', () => {
  it.each([
    ['an option', { otel: true }],
    ['null', null],
  ])('refuses %s at once', (_, options) => {
    expect(() => withMetrics(options as never)).toThrow(TypeError)
  })

  it('shows nothing before the first action', () => {
    const { sidecar } = stepping(new VirtualClock())
    expect(sidecar.utilization).toBe(0)
    expect(sidecar.saturation).toBe(0)
    expect(sidecar.metrics).toEqual({
      ms: { token: 0, tool: 0, throttle: 0, stopped: 0, wall: 0, net: 0 },
      calls: 0,
      attempts: 0,
      errors: { send: 0, model: 0, tool: 0, spawn: 0 },
      self: { ms: 0, actions: 0 },
    })
  })

  describe('time', () => {
    it('of a send that asks, runs a tool and thinks', async () => {
      const clock = new VirtualClock()
      const { sidecar, send } = stepping(clock)
      const sent = send('mtw')
      await clock.advance(300)
      await sent
      expect(sidecar.metrics.ms).toEqual({ token: 100, tool: 100, throttle: 0, stopped: 0, wall: 300, net: 300 })
      expect(sidecar.utilization).toBeCloseTo(1 / 3)
      expect(sidecar.saturation).toBeCloseTo(2 / 3)
    })

    it('of sends that overlap is counted once', async () => {
      const clock = new VirtualClock()
      const { sidecar, send } = stepping(clock)
      const sent = [send('mm')]
      await clock.advance(50)
      sent.push(send('tt'))
      await clock.advance(50)
      sent.push(send('mw'))
      await clock.run()
      await Promise.all(sent)
      expect(sidecar.metrics.ms).toEqual({ token: 200, tool: 200, throttle: 0, stopped: 0, wall: 300, net: 300 })
      expect(sidecar.utilization).toBeCloseTo(2 / 3)
      expect(sidecar.saturation).toBeCloseTo(250 / 300)
    })

    it('between sends is nobody’s', async () => {
      const clock = new VirtualClock()
      const { sidecar, send } = stepping(clock)
      for (let i = 0; i < 2; i++) {
        const sent = send('m')
        await clock.advance(100)
        await sent
        await clock.advance(10_000)
      }
      expect(sidecar.metrics.ms).toMatchObject({ token: 200, wall: 200 })
      expect(sidecar.utilization).toBe(1)
    })

    it('can be read while it runs', async () => {
      const clock = new VirtualClock()
      const { sidecar, send } = stepping(clock)
      const sent = send('wm')
      await clock.advance(150)
      expect(sidecar.metrics.ms).toMatchObject({ token: 50, wall: 150 })
      expect(sidecar.utilization).toBeCloseTo(1 / 3)
      await clock.advance(50)
      await sent
      expect(sidecar.utilization).toBeCloseTo(1 / 2)
    })

    it('in back-off is throttle time, out of net while nothing else is done', async () => {
      const clock = new VirtualClock()
      const { sidecar, mock, send } = stepping(clock)
      mock.fail({ status: 529 })
      const sent = send('m')
      await clock.run()
      await sent
      expect(sidecar.metrics.ms).toEqual({ token: 100, tool: 0, throttle: 100, stopped: 0, wall: 200, net: 100 })
      expect(sidecar.utilization).toBe(1)
    })

    it('in back-off beside a call in flight keeps both shares within 1', async () => {
      const clock = new VirtualClock()
      const { sidecar, mock, send } = stepping(clock)
      mock.fail({ status: 529, headers: { 'retry-after-ms': '900' } })
      const sent = [send('m'), send('m')]
      await turns()
      await clock.run()
      await Promise.all(sent)
      expect(sidecar.metrics.ms).toEqual({ token: 200, tool: 0, throttle: 900, stopped: 0, wall: 1000, net: 200 })
      expect(sidecar.utilization).toBe(1)
      expect(sidecar.saturation).toBe(1)
    })

    it('in a pause is stopped time', async () => {
      const clock = new VirtualClock()
      const sidecar = createSidecar({ agent: { name: 'idle', send: async () => 1 }, use: [withMetrics()], clock, whenPaused: 'wait' })
      sidecar.pause('a person thinks')
      const sent = sidecar.send('go')
      await clock.advance(5000)
      sidecar.resume()
      await sent
      expect(sidecar.metrics.ms).toMatchObject({ stopped: 5000, wall: 5000 })
    })

    it('in which a slow consumer holds the stream back is not token time', async () => {
      const clock = new VirtualClock()
      const mock = mockModel({ otherwise: () => ({ text: 'x'.repeat(100), chunkChars: 1, usage }) })
      const sidecar = createSidecar({
        agent: {
          name: 'slow',
          send: async (_: string, { claude }) => {
            let events = 0
            for await (const _event of await claude.messages.create({ ...request, stream: true })) {
              events++
              await new Promise<void>(resolve => void clock.after(10, resolve))
            }
            return events
          },
        },
        use: [withMetrics()],
        claude: { upstream: mock.upstream },
        clock,
      })
      const sent = sidecar.send('go')
      await clock.run()
      const events = await sent
      expect(sidecar.metrics.ms).toMatchObject({ token: 0, wall: events * 10 })
      expect(sidecar.utilization).toBe(0)
    })

    it('of a tool that ignores an abort goes on until it ends', async () => {
      const clock = new VirtualClock()
      const { sidecar } = stepping(clock)
      const caller = new AbortController()
      const sent = sidecar.send('t', { signal: caller.signal })
      await clock.advance(30)
      caller.abort(new RangeError('enough'))
      await expect(sent).rejects.toThrow('enough')
      await clock.advance(1000)
      expect(sidecar.metrics.ms.tool).toBe(sidecar.metrics.ms.wall)
      expect(sidecar.saturation).toBeLessThanOrEqual(1)
    })
  })

  describe('counts', () => {
    it('calls and attempts, retries included', async () => {
      const clock = new VirtualClock()
      const { sidecar, mock, send } = stepping(clock)
      mock.fail({ status: 529 }).reply('ok').reply('ok').fail({ status: 529 }).fail({ status: 529 })
      for (const steps of ['m', 'm', 'm']) {
        const sent = send(steps)
        await turns()
        await clock.run()
        await sent
      }
      expect(sidecar.metrics).toMatchObject({ calls: 3, attempts: 5, errors: { send: 1, model: 3, tool: 0, spawn: 0 } })
    })

    it('failures of each kind', async () => {
      const clock = new VirtualClock()
      const { sidecar, send } = stepping(clock)
      await send('f')
      const broken = sidecar.tool({ name: 'broken', run: (_: object) => Promise.reject(new Error('no')) })
      await broken.run({}).catch(() => {})
      expect(sidecar.metrics.errors).toEqual({ send: 1, model: 0, tool: 1, spawn: 0 })
      expect(sidecar.metrics).toMatchObject({ calls: 0, attempts: 0 })
    })

    it('the actions that the sidecar saw, and its own time without waits', async () => {
      const clock = new VirtualClock()
      const { sidecar, mock, send } = stepping(clock)
      mock.fail({ status: 529 })
      const sent = send('mtw')
      await turns()
      await clock.run()
      await sent
      expect(sidecar.metrics.self).toEqual({ ms: 0, actions: 3 })
    })

    it('the time that a layer takes as the sidecar’s own', async () => {
      const clock = new VirtualClock()
      const slow = defineMiddleware({ name: 'withSleep' }, async (_, next) => {
        await new Promise<void>(resolve => void clock.after(40, resolve))
        await next()
      })
      const sidecar = createSidecar({ agent: { name: 'idle', send: async () => 1 }, use: [slow, withMetrics()], clock })
      const sent = sidecar.send('go')
      await clock.run()
      await sent
      expect(sidecar.metrics.self).toEqual({ ms: 40, actions: 1 })
    })
  })

  it('what it shows is live, and a copy', () => {
    const { sidecar } = stepping(new VirtualClock())
    const before = sidecar.metrics
    expect(() => Object.assign(sidecar, { utilization: 7 })).toThrow(TypeError)
    Object.assign(before.errors, { send: 99 })
    expect(sidecar.metrics.errors.send).toBe(0)
    expect(sidecar.snapshot().layers).toMatchObject({ withMetrics: { utilization: 0, calls: 0 } })
  })
})
