import { holdText } from '../../lib/core/hold-text.js'
import type { LayerInput, Push, Tap } from '../../lib/core/types.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { ask, failure, mounted, mounts, until } from './mounts.js'

let server: MessagesServer

beforeEach(async () => {
  server = await startServer(
    script.reply({ thinking: 'Think of the tide.', text: 'Two miles.', toolUse: { name: 'Bash', input: { command: 'ls' } } }),
  )
})

afterEach(() => server.close())

/** Louder, letter for letter. */
const loud = (): Tap => ({
  event(event: any, push: Push) {
    push(event.delta?.type === 'text_delta' ? { ...event, delta: { ...event.delta, text: event.delta.text.toUpperCase() } } : event)
  },
})

it('a tap that throws when the source is waited for leaves no rejection behind that nobody hears of', async () => {
  const lost: unknown[] = []
  const note = (error: unknown) => void lost.push(error)
  process.on('unhandledRejection', note)
  const broken: LayerInput = async (ctx, next) => {
    ctx.tap({ waiting: () => JSON.parse('not JSON') })
    await next()
  }
  const { client, close } = await mounted('claude', server.url, { use: [broken] })
  expect(await failure(client.messages.create(ask))).toMatchObject({ code: 'ERR_LAYER' })
  await until(() => server.openSockets === 0, 'the end of the connection')
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(lost).toEqual([])
  await close()
})

describe.each(mounts)('a tap (%s)', mount => {
  const withTap = (make: () => Tap) =>
    mounted(mount, server.url, {
      use: [
        async (ctx, next) => {
          ctx.tap(make())
          await next()
        },
      ],
    })

  it('changes what the client gets, streamed or not, and nothing else', async () => {
    const plain = await mounted(mount, server.url)
    const { client, close } = await withTap(loud)
    const bare = await plain.client.messages.create(ask)
    const whole = await client.messages.create(ask)
    const streamed = await client.messages.stream(ask).finalMessage()
    const content = bare.content.map(block => (block.type === 'text' ? { ...block, text: 'TWO MILES.' } : block))
    const ids = /_mock_\d+/g
    expect(JSON.stringify(whole.content).replace(ids, '')).toBe(JSON.stringify(content).replace(ids, ''))
    expect(streamed.content).toMatchObject([{ thinking: 'Think of the tide.' }, { text: 'TWO MILES.' }, { input: { command: 'ls' } }])
    expect(whole).toMatchObject({ stop_reason: 'tool_use', usage: bare.usage })
    await close()
    await plain.close()
  })

  it('sees the same pieces, streamed or not', async () => {
    const texts: string[][] = []
    const { client, close } = await withTap(() => {
      const seen: string[] = ['', '', '']
      texts.push(seen)
      return {
        event(event: any, push) {
          if (event.type === 'content_block_delta')
            seen[event.index] += event.delta.text ?? event.delta.thinking ?? event.delta.partial_json ?? ''
          push(event)
        },
      }
    })
    await client.messages.create(ask)
    await client.messages.stream(ask).finalMessage()
    expect(texts).toEqual(Array(2).fill(['Think of the tide.', 'Two miles.', '{"command":"ls"}']))
    await close()
  })

  it('that holds text releases every byte of it', async () => {
    const judged: string[] = []
    const { client, close } = await withTap(() => holdText({ until: 'block', judge: text => void judged.push(text) }))
    const plain = await mounted(mount, server.url)
    const ids = /_(mock|test)_\d+/g
    const bytes = async (from: typeof client) =>
      (await (await from.messages.create({ ...ask, stream: true }).asResponse()).text()).replace(ids, '')
    expect(await bytes(client)).toBe(await bytes(plain.client))
    expect(judged).toEqual(['Two miles.'])
    await close()
    await plain.close()
  })
})
