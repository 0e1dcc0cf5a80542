import { createSidecar, defineMiddleware } from 'outrigger'
import { countTokens, type Upstream, type WireReply } from 'outrigger/claude'
import { RequestWeight } from '../../lib/claude/request-weight.js'
import { knownRequestFields } from './request-lists.js'

const basic = { model: 'claude-haiku-4-5', max_tokens: 5, messages: [{ role: 'user' as const, content: 'hello' }] }

async function* text(message: object) {
  yield JSON.stringify(message)
}

const whole = (message: object): WireReply => ({ status: 200, headers: { 'content-type': 'application/json' }, body: text(message) })

/** A sidecar whose layer asks for a count, and what count_tokens was sent. */
function counting(more: object, layer: (ask: () => Promise<number>, again: (text: string) => void) => Promise<void>) {
  const counted: Record<string, unknown>[] = []
  const upstream: Upstream = async ({ url, body }) => {
    if (url.endsWith('/count_tokens')) {
      counted.push(JSON.parse(body!))
      return whole({ input_tokens: body!.length })
    }
    const usage = { input_tokens: 1, output_tokens: 1 }
    const message = { id: 'm', type: 'message', role: 'assistant', model: basic.model, content: [], stop_reason: 'end_turn', usage }
    return whole(message)
  }
  const asks = defineMiddleware({ name: 'withCount', on: ['model'], rewrites: true }, async (ctx, next) => {
    const rewrite = (content: string) => {
      const action = ctx.action as { readonly request: object }
      ctx.rewrite({ ...ctx.action, request: { ...action.request, messages: [{ role: 'user', content }] } } as never)
    }
    await layer(countTokens.get(ctx), rewrite)
    await next()
  })
  const agent = { name: 'asking', send: (_: string, { claude }: any) => claude.messages.create({ ...basic, ...more }) }
  return { sidecar: createSidecar({ agent, use: [asks], claude: { upstream, apiKey: 'key' } }), counted }
}

describe('the slot countTokens', () => {
  it('asks once for one request, and again for a request that was rewritten', async () => {
    const counts: number[] = []
    const { sidecar, counted } = counting({}, async (ask, rewrite) => {
      counts.push(...(await Promise.all([ask(), ask()])))
      rewrite('hello '.repeat(100))
      counts.push(await ask())
    })
    await sidecar.send('go')
    expect(counted.map(({ messages }) => JSON.stringify(messages).length > 500)).toEqual([false, true])
    expect(counts[1]).toBe(counts[0])
    expect(counts[2]).toBeGreaterThan(500)
  })

  const samples: Record<string, object | string> = {
    system: 'Be brief.',
    tools: [{ name: 'f', input_schema: {} }],
    thread: { type: 'continue', previous_message_id: 'msg_1' },
    fallbacks: [{ model: 'claude-fable-5' }],
    context_management: { edits: [{ type: 'clear_thinking_20251015' }] },
    mcp_servers: [{ type: 'url', name: 'm', url: 'https://m.example' }],
    cache_control: { type: 'ephemeral' },
    inference_geo: 'us',
    speed: 'fast',
  }
  const brings = (field: string): boolean => {
    const inputOf = (request: object) => {
      const { weights, images, windows, mcp, compactions, fallbacks } = new RequestWeight().read(request as never)
      return JSON.stringify({ weights, images, windows, mcp, compactions, fallbacks })
    }
    return inputOf({ [field]: samples[field] ?? { type: 'x' } }) !== inputOf({})
  }

  it.each(knownRequestFields.filter(field => !(field in basic)))(
    'counts all that %s brings, or refuses: a count without it would be too low',
    async field => {
      let outcome: unknown
      const { sidecar, counted } = counting({ [field]: samples[field] ?? { type: 'x' } }, async ask => {
        outcome = await ask().catch((error: unknown) => error)
      })
      await sidecar.send('go').catch(() => {})
      if (counted.length === 0) expect(outcome).toMatchObject({ code: 'ERR_UNBOUNDED' })
      else expect(Object.keys(counted[0]!).includes(field) || !brings(field)).toBe(true)
    },
  )

  it.each(['thread', 'container', 'compaction', 'fallbacks'])('refuses a request with %s', async field => {
    let outcome: unknown
    const { sidecar, counted } = counting({ [field]: samples[field] ?? { type: 'x' } }, async ask => {
      outcome = await ask().catch((error: unknown) => error)
    })
    await sidecar.send('go').catch(() => {})
    expect(outcome).toMatchObject({ code: 'ERR_UNBOUNDED' })
    expect(counted).toEqual([])
  })
})
