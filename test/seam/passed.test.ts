import { createSidecar } from '../../lib/index.js'
import type { Upstream } from '../../lib/claude/wire.js'
import { rawUpstream } from '../support/raw-upstream.js'
import { allowNoUnhandled, failure, settled } from '../core/rig.js'

/** An upstream that never answers, and does not look at its abort either. */
function silent(): { readonly upstream: Upstream; readonly aborts: AbortSignal[] } {
  const aborts: AbortSignal[] = []
  const upstream: Upstream = (_, abort) => {
    aborts.push(abort)
    return new Promise(() => {})
  }
  return { aborts, upstream }
}

const count = { model: 'claude-haiku-4-5', messages: [{ role: 'user' as const, content: 'x' }] }
const idle = { name: 'a', send: async () => 'x' }

allowNoUnhandled()

async function until(check: () => boolean): Promise<void> {
  while (!check()) await settled()
}

describe('a request that passes without a chain', () => {
  it('is ended by reap, upstream too', async () => {
    const { upstream, aborts } = silent()
    const sidecar = createSidecar({ agent: idle, use: [], claude: { upstream } })
    const counted = failure(sidecar.io.claude.messages.countTokens(count))
    await until(() => aborts.length === 1)
    sidecar.reap('enough')
    expect(await counted).toMatchObject({ code: 'ERR_REAPED', reason: 'enough' })
    expect(aborts[0]!.aborted).toBe(true)
  })

  it('is ended with the send that makes it', async () => {
    const { upstream, aborts } = silent()
    const agent = { name: 'a', send: async (_: string, { claude }: { claude: any }) => claude.messages.countTokens(count) }
    const sidecar = createSidecar({ agent, use: [], claude: { upstream } })
    const controller = new AbortController()
    const sent = failure(sidecar.send('x', { signal: controller.signal }))
    await until(() => aborts.length === 1)
    controller.abort()
    await sent
    expect(aborts[0]!.aborted).toBe(true)
  })

  it('is not read beyond maxMessageBytes', async () => {
    let read = 0
    const upstream: Upstream = async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        for (; read < 1_000; read++) yield 'x'.repeat(1_000)
      })(),
    })
    const sidecar = createSidecar({ agent: idle, use: [], claude: { upstream, maxMessageBytes: 10_000 } })
    expect(await failure(sidecar.io.claude.messages.countTokens(count))).toMatchObject({
      code: 'ERR_UPSTREAM',
      upstream: { code: 'TOO_LARGE' },
    })
    expect(read).toBeLessThan(12)
  })

  it('is not led elsewhere: a redirect is an error', async () => {
    const upstream: Upstream = async () => ({ status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: (async function* () {})() })
    const sidecar = createSidecar({ agent: idle, use: [], claude: { upstream } })
    expect(await failure(sidecar.io.claude.messages.countTokens(count))).toMatchObject({
      code: 'ERR_UPSTREAM',
      upstream: { code: 'REDIRECTED' },
    })
  })

  it('does not keep the connection of a redirect, whose body nobody reads', async () => {
    const up = await rawUpstream(socket => void socket.write('HTTP/1.1 307 Temporary Redirect\r\ncontent-length: 1000\r\n\r\nhere'))
    const sidecar = createSidecar({ agent: idle, use: [], claude: { apiKey: 'sk-ant-of-this-test', baseURL: up.url } })
    for (const _ of [1, 2, 3]) await failure(sidecar.io.claude.messages.countTokens(count))
    expect(up.requests).toHaveLength(3)
    await until(() => up.openSockets === 0)
    await up.close()
  })

  it('ends with the signal of its caller, whatever the key or the upstream does', async () => {
    for (const claude of [{ upstream: silent().upstream }, { apiKey: () => new Promise<string>(() => {}), upstream: silent().upstream }]) {
      const sidecar = createSidecar({ agent: idle, use: [], claude })
      const controller = new AbortController()
      const counted = failure(sidecar.io.claude.messages.countTokens(count, { signal: controller.signal }))
      await settled()
      controller.abort()
      expect(((await counted) as Error).constructor.name).toBe('APIUserAbortError')
    }
  })
})
