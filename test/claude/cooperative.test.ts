import { createSidecar } from '../../lib/sidecar.js'

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
})
