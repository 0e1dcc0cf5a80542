import { AgentReapedError, createSidecar, defineMiddleware, type Middleware } from '../../lib/index.js'
import { mockModel, VirtualClock } from '../../lib/testing/index.js'
import { withBudget } from '../../middleware/index.js'

const forever = () => new Promise<never>(() => {})
const request = { model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hi' }] }

function hung(layer: Middleware) {
  const clock = new VirtualClock()
  const model = mockModel({ otherwise: () => 'Hello.' })
  const sidecar = createSidecar({
    agent: { name: 'held', send: async (_: string, { claude }) => claude.messages.create(request) },
    use: [defineMiddleware({ name: 'withHang', on: ['model'] }, layer), withBudget({ tokens: 10_000 })],
    claude: { upstream: model.upstream },
    clock,
  })
  return { clock, sidecar }
}

describe('a closed layer that ignores its signal', () => {
  it.each<[string, Middleware]>([
    ['before next()', forever],
    [
      'after next()',
      async (_, next) => {
        await next()
        await forever()
      },
    ],
  ])('does not hold a caller who aborts while it hangs %s', async (_, layer) => {
    const { clock, sidecar } = hung(layer)
    const abort = new AbortController()
    const reply = sidecar.send('go', { signal: abort.signal }).catch(error => error)
    await clock.advance(5_000)
    const reason = new Error('enough')
    abort.abort(reason)
    await clock.advance(1_000)
    expect(await reply).toBe(reason)
    expect(clock.pending).toBe(0)
  })

  it('does not hold a send that is aborted while its chain is being entered, from a layer or from the agent', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const reason = new Error('enough')
    let reaping = false
    const hang = defineMiddleware({ name: 'withHang' }, async (_, next) => {
      if (reaping) await next().finally(forever)
      abort.abort(reason)
      await forever()
    })
    const sidecar = createSidecar({ agent: { name: 'last', send: async (): Promise<void> => sidecar.reap('over') }, use: [hang], clock })
    const aborted = sidecar.send('go', { signal: abort.signal }).catch(error => error)
    reaping = true
    const reaped = sidecar.send('go').catch(error => error)
    await clock.advance(1_000)
    expect(sidecar.snapshot().inFlight).toBe(0)
    expect([await aborted, await reaped]).toEqual([reason, expect.any(AgentReapedError)])
  })

  it('does not hold reap() or a caller of the guarded client', async () => {
    const { clock, sidecar } = hung(forever)
    const answer = sidecar.io.claude.messages.create(request).catch(error => error)
    await clock.advance(10)
    sidecar.reap('over')
    await clock.advance(1_000)
    expect(await answer).toBeInstanceOf(AgentReapedError)
    expect(sidecar.snapshot().inFlight).toBe(0)
  })

  it('leaves the usage of the sidecar unknown until it ends, and no longer', async () => {
    let end!: () => void
    const late = new Promise<void>(resolve => {
      end = resolve
    })
    const { clock, sidecar } = hung((_, next) => next().finally(() => late))
    const answer = sidecar.io.claude.messages.create(request).catch(() => {})
    await clock.advance(10)
    sidecar.reap('over')
    await clock.advance(1_000)
    await answer
    expect(sidecar.tokenUsage.certainty).toBe('unknown')
    end()
    await clock.advance(0)
    expect(sidecar.tokenUsage).toMatchObject({ certainty: 'measured', output: expect.any(Number) })
  })

  it('keeps what was held inside it: nothing that was spent is lost', async () => {
    const { clock, sidecar } = hung(async (_, next) => {
      await next()
      await forever()
    })
    const abort = new AbortController()
    const sent: boolean[] = []
    sidecar.subscribe(event => event.type === 'action.ended' && event.kind === 'model' && sent.push(event.outcome.sent))
    const reply = sidecar.send('go', { signal: abort.signal }).catch(() => {})
    await clock.advance(10)
    abort.abort()
    await clock.advance(1_000)
    await reply
    expect(sidecar.budget.tokens).toMatchObject({ held: 0, spent: expect.any(Number) })
    expect((sidecar.budget.tokens as { spent: number }).spent).toBeGreaterThan(0)
    expect(sidecar.tokenUsage.certainty).toBe('unknown')
    expect(sent).toEqual([true])
  })

  it('costs nothing once the action has ended: a late abort arms no timer', async () => {
    const { clock, sidecar } = hung((_, next) => next())
    const abort = new AbortController()
    const answer = await sidecar.io.claude.messages.create({ ...request, stream: true }, { signal: abort.signal })
    for await (const _ of answer);
    answer.controller.abort()
    abort.abort()
    sidecar.reap('over')
    expect(clock.pending).toBe(0)
  })
})
