import type Anthropic from '@anthropic-ai/sdk'
import { startAimock } from '../support/aimock.js'
import { conversation, numbers, transparent } from './conversations.js'
import { ask, bareClient, mounted, mounts, runnable } from './mounts.js'

describe('transparency', () => {
  it('holds where every chunk is one byte', async () => {
    for (let seed = 0; seed < 10; seed++)
      expect(await transparent({ ...conversation(numbers(seed)), chunkBytes: 1, streamed: true })).toBe(true)
  })

  it('would be seen to fail: an answer that is missing on one side', async () => {
    const talk = conversation(numbers(1))
    await expect(transparent({ ...talk, answers: [...talk.answers, { text: 'nobody asks' }] })).resolves.toBe(false)
  })

  describe.each(mounts)('with a server that we did not write (%s)', mount => {
    const answers = [
      { text: 'Two miles, and mind the 🌊.' },
      { tool: { name: 'distance', input: { to: 'reef', n: 2 }, id: 'toolu_1' } },
      { text: 'It is two miles.' },
    ]

    const talk = async (client: Anthropic, runs: unknown[]) => {
      const tool = runnable('distance', 'two miles', runs)
      const events: unknown[] = []
      const stream = client.messages.stream(ask).on('streamEvent', event => events.push(event))
      const first = await stream.finalMessage()
      const last = await client.beta.messages.toolRunner({ ...ask, stream: true, tools: [tool] })
      return { events, first, last, runs }
    }

    // aimock makes a fresh id for each answer.
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value).replace(/"msg_[\w-]+"/g, '"msg"'))

    it.each([1, 3, 50])('in deltas of %s characters', async chunkSize => {
      const [one, two] = [await startAimock(answers, { chunkSize }), await startAimock(answers, { chunkSize })]
      const { client, close } = await mounted(mount, two.url)
      const bare = await talk(bareClient(one.url), [])
      const ours = await talk(client, [])
      expect(bare.runs).toHaveLength(1)
      expect(plain(ours)).toEqual(plain(bare))
      expect(plain(two.requests().map(({ body }) => body))).toEqual(plain(one.requests().map(({ body }) => body)))
      await close()
      await one.close()
      await two.close()
    })
  })
})
