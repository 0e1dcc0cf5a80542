import { isOutriggerError, ViolationError } from '../../lib/core/errors.js'
import type { Context } from '../../lib/core/types.js'
import { startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { ask, failure, mounted, mounts } from './mounts.js'

const early = async () => {
  throw new ViolationError({ ruleId: 'early' })
}

const late = async (_: Context, next: () => Promise<void>) => {
  await next()
  throw new ViolationError({ ruleId: 'late' })
}

describe.each(mounts)('isOutriggerError (%s)', mount => {
  it.each([
    ['before the request', early],
    ['after the answer', late],
  ])('knows a refusal %s, however it is thrown', async (_, layer) => {
    const server = await startServer(script.text('hello'))
    const { client, close } = await mounted(mount, server.url, { use: [layer] })
    const thrown = [
      await failure(client.messages.create(ask)),
      await failure(
        (async () => {
          for await (const event of await client.messages.create({ ...ask, stream: true })) void event
        })(),
      ),
      await failure(client.messages.stream(ask).finalMessage()),
      await failure(client.beta.messages.stream(ask).finalMessage()),
      await failure((async () => client.beta.messages.toolRunner({ ...ask, tools: [] }))()),
      await failure((async () => client.beta.messages.toolRunner({ ...ask, stream: true, tools: [] }))()),
    ]
    for (const error of thrown) {
      expect(isOutriggerError(error)).toBe(true)
      expect(isOutriggerError(error, 'ERR_VIOLATION')).toBe(true)
      expect(isOutriggerError(error, 'ERR_BUDGET')).toBe(false)
    }
    await close()
    await server.close()
  })

  it("does not take the API's own errors for ours", async () => {
    const server = await startServer(script.fail({ status: 400, errorCode: 'credit_balance_too_low' }))
    const { client, close } = await mounted(mount, server.url)
    expect(isOutriggerError(await failure(client.messages.create(ask)))).toBe(false)
    await close()
    await server.close()
  })
})
