import { createSidecar } from '../../lib/sidecar.js'
import { mockModel } from '../../lib/testing/index.js'
import { withBudget } from '../../middleware/index.js'

describe('cooperative', () => {
  it('lets pass what is no call of the Messages API: the client asks for a credential of its own', async () => {
    const ran: string[] = []
    const sidecar = createSidecar({
      agent: { name: 'probe', send: async (message: string) => message },
      use: [
        async (ctx, next) => {
          ran.push(ctx.id)
          await next()
        },
      ],
    })
    const request = { url: 'https://api.anthropic.com/v1/oauth/token', method: 'POST', headers: new Headers(), body: 'grant_type=refresh' }
    const answer = new Response('token')
    const given: unknown[] = []
    const next = async (asked: unknown) => {
      given.push(asked)
      return answer
    }
    expect(await sidecar.middleware(request as never, next, { options: undefined } as never)).toBe(answer)
    expect(given).toEqual([request])
    expect(ran).toEqual([])
  })

  it('refuses a client that belongs to a sidecar already: its calls would be charged twice', async () => {
    const model = mockModel({ otherwise: () => 'Hello.' })
    const sidecar = createSidecar({
      agent: { name: 'probe', send: async (message: string) => message },
      use: [withBudget({ usd: 1 })],
      claude: { upstream: model.upstream },
    })
    const twice = sidecar.io.claude.withOptions({ middleware: [sidecar.middleware] })
    const asked = twice.messages.create({ model: 'claude-haiku-4-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] })
    await expect(asked).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('belongs to a sidecar already') })
    expect(model.requests).toHaveLength(0)
  })
})
