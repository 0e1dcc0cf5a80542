import { createHash } from 'node:crypto'
import { createSidecar } from '../../lib/index.js'
import { mockModel } from '../../lib/testing/index.js'
import { withBudget, withRetry } from '../../middleware/index.js'

const request = { model: 'claude-haiku-4-5', max_tokens: 4_000, messages: [{ role: 'user' as const, content: 'Grüße, 漢字' }] }
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')

describe('the wire digest of an attempt', () => {
  it('is of the bytes that left, each attempt its own, also after the request was narrowed', async () => {
    const model = mockModel().fail({ status: 529 }).reply('Hello.')
    const sidecar = createSidecar({
      agent: { name: 'digest', send: async (_: string, { claude }) => claude.messages.create(request) },
      use: [withRetry({ baseDelayMs: 0 }), withBudget({ tokens: 1_000, whenShort: 'clamp' })],
      claude: { upstream: model.upstream },
    })
    const { attempts } = await sidecar.call('go')
    expect(JSON.parse(model.requests[0]!.bodyText).max_tokens).toBeLessThan(1_000)
    expect(attempts.map(attempt => attempt.wireDigest)).toEqual(model.requests.map(({ bodyText }) => digestOf(bodyText)))
  })

  it('is absent when nothing left', async () => {
    const model = mockModel()
    const sidecar = createSidecar({
      agent: { name: 'digest', send: async (_: string, { claude }) => claude.messages.create(request) },
      use: [withBudget({ tokens: 1 })],
      claude: { upstream: model.upstream },
    })
    const ended: unknown[] = []
    sidecar.subscribe(event => event.type === 'attempt.ended' && event.kind === 'model' && ended.push(event.attempt.wireDigest))
    await expect(sidecar.send('go')).rejects.toThrow('budget')
    expect(ended).toEqual([undefined])
    expect(model.requests).toHaveLength(0)
  })
})
