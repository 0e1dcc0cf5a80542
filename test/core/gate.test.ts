import { AgentPausedError, createSidecar, defineMiddleware, type Host } from '../../lib/index.js'
import { VirtualClock } from '../../lib/testing/index.js'

/** A layer that waits for a second and then passes the gate again. */
function waiting(clock: VirtualClock, fail: 'open' | 'closed', heard: string[]) {
  let host: Host
  const attach = (given: Host) => {
    host = given
    const forget = given.whenShut(() => heard.push('shut'))
    given.whenShut(() => heard.length >= 2 && forget())
  }
  return defineMiddleware({ name: 'withWait', fail, patienceMs: 60_000, attach }, async (ctx, next) => {
    await new Promise<void>(resolve => void clock.after(1000, resolve))
    await host.gate(ctx)
    await next()
  })
}

describe('the gate, for a layer that has kept an action waiting', () => {
  it.each(['open', 'closed'] as const)('refuses, or holds back, as at the beginning (%s layer)', async fail => {
    const clock = new VirtualClock()
    for (const whenPaused of ['reject', 'wait'] as const) {
      const sidecar = createSidecar({
        agent: { name: 'kept', send: async () => 'sent' },
        use: [waiting(clock, fail, [])],
        clock,
        whenPaused,
      })
      const sent = sidecar.send('go').catch((error: unknown) => error)
      await clock.advance(500)
      sidecar.pause('a person looks')
      await clock.advance(5000)
      sidecar.resume()
      expect(await sent).toEqual(whenPaused === 'wait' ? 'sent' : expect.any(AgentPausedError))
      expect(clock.pending).toBe(0)
    }
  })

  it('tells when it shuts, until it is told to forget', async () => {
    const heard: string[] = []
    const clock = new VirtualClock()
    const sidecar = createSidecar({ agent: { name: 'kept', send: async () => 'sent' }, use: [waiting(clock, 'closed', heard)], clock })
    sidecar.pause('once')
    sidecar.pause('twice')
    sidecar.pause('and again')
    await sidecar.close()
    expect(heard).toEqual(['shut', 'shut'])
  })
})
