import Anthropic from '@anthropic-ai/sdk'
import { type MessagesServer, type Received, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { ask, bareClient, failure, key, type Mount, mounted, runnable, until } from './mounts.js'

type Scenario = (client: Anthropic, server: MessagesServer) => Promise<unknown>
type Script = Scripted | readonly Scripted[]

interface Seen {
  readonly result: unknown
  readonly requests: readonly Received[]
}

const governed: readonly Mount[] = ['claude', 'middleware']

const transport = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date']

function headersOf(headers: Headers): object {
  return Object.fromEntries([...headers].filter(([name]) => !transport.includes(name) && name !== 'x-should-retry'))
}

function facts(error: any): object {
  const { status, error: body, type, errorCode, requestID, workspaceID, message, details, apiMessage } = error
  const headers = error.headers ? headersOf(error.headers) : undefined
  return {
    class: error.constructor,
    name: error.name,
    status,
    body,
    type,
    errorCode,
    requestID,
    workspaceID,
    message,
    details,
    apiMessage,
    headers,
  }
}

/** What the scenario resolves to, or the facts of what it rejects with. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await work }
  } catch (error) {
    return { thrown: facts(error) }
  }
}

async function seen(answers: Script, scenario: Scenario, mount?: Mount): Promise<Seen> {
  const server = await startServer(answers)
  const guarded = mount && (await mounted(mount, server.url, { client: { maxRetries: 0 } }))
  try {
    const result = await outcome(scenario(guarded ? guarded.client : bareClient(server.url, { maxRetries: 0 }), server))
    return { result, requests: [...server.requests] }
  } finally {
    await guarded?.close()
    await server.close()
  }
}

const sent = ({ requests }: Seen) => requests.map(({ method, url, bodyText }) => ({ method, url, bodyText }))

/** Without us and with us: the same outcome, and the same requests at the server, byte for byte. */
function same(name: string, answers: () => Script, scenario: Scenario): void {
  it.each(governed)(`${name} (%s)`, async mount => {
    const bare = await seen(answers(), scenario)
    const ours = await seen(answers(), scenario, mount)
    expect(bare.requests).not.toHaveLength(0)
    expect(ours.result).toEqual(bare.result)
    expect(sent(ours)).toEqual(sent(bare))
  })
}

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const event of events) list.push(event)
  return list
}

const spoken = script.reply({ thinking: 'Think of the tide.', text: ['Two miles. ', 'Mind the reef: 🌊.'] })
const toolTurns = () => [script.tool('distance', { to: 'reef' }, { toolUseId: 'toolu_1' }), script.text('It is two miles.')]

const distance = (runs?: unknown[]) => runnable('distance', 'two miles', runs)

describe('the SDK behaves as without us', () => {
  describe('requests that succeed', () => {
    same(
      'create',
      () => spoken,
      async client => {
        const message = await client.messages.create(ask)
        return { message, id: message._request_id }
      },
    )
    same(
      'create with thinking, system, tools and betas',
      () => spoken,
      client =>
        client.beta.messages.create({
          ...ask,
          max_tokens: 4096,
          system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
          thinking: { type: 'enabled', budget_tokens: 2048 },
          tools: [{ name: 'distance', input_schema: { type: 'object' } }],
          betas: ['context-1m-2025-08-07'],
          metadata: { user_id: 'ü\u2028"' },
        }),
    )
    same(
      'create({ stream: true }), event for event',
      () => spoken,
      async client => all(await client.messages.create({ ...ask, stream: true })),
    )
    same(
      'the raw bytes of a stream',
      () => spoken,
      async client => {
        const response = await client.messages.create({ ...ask, stream: true }).asResponse()
        return { text: await response.text(), status: response.status, headers: headersOf(response.headers) }
      },
    )
    same(
      'a stream with comments, pings and CRLF, byte for byte',
      () => {
        const text = ': hello\r\n\r\nevent: ping\ndata: {"type":"ping"}\n\n'
        return asked => {
          const answer = spoken(asked)
          return { ...answer, chunks: [answer.chunks[0]!, text, ...answer.chunks.slice(1), ': bye\n\n'] }
        }
      },
      async client => (await client.messages.create({ ...ask, stream: true }).asResponse()).text(),
    )
    same(
      'a stream in chunks of one byte',
      () => asked => {
        const answer = spoken(asked)
        return { ...answer, chunks: [...Buffer.from(answer.chunks.join(''))].map(byte => Buffer.of(byte)) }
      },
      async client => all(await client.messages.create({ ...ask, stream: true })),
    )
    same(
      'a stream with frames that the SDK passes over, event for event',
      () => asked => {
        const answer = spoken(asked)
        const odd = ['event: ping\ndata: still here\n\n', 'data: {"not":"an event"}\n\n']
        return { ...answer, chunks: [answer.chunks[0]!, ...odd, ...answer.chunks.slice(1), 'data: [DONE]\n\n'] }
      },
      async client => all(await client.messages.create({ ...ask, stream: true })),
    )
    for (const type of ['Text/Event-Stream', 'text/plain', 'application/octet-stream', undefined]) {
      same(
        `a stream of the content type ${type}`,
        () => asked => {
          const { 'content-type': _, ...headers } = spoken(asked).headers
          return { ...spoken(asked), headers: type === undefined ? headers : { ...headers, 'content-type': type } }
        },
        async client => all(await client.messages.create({ ...ask, stream: true })),
      )
    }
    same(
      'messages.stream(): final message and text events',
      () => spoken,
      async client => {
        const texts: string[] = []
        const stream = client.messages.stream(ask).on('text', text => texts.push(text))
        return { message: await stream.finalMessage(), texts, id: stream.request_id }
      },
    )
    same(
      'stream().withResponse()',
      () => spoken,
      async client => {
        const { data, request_id, response } = await client.messages.stream(ask).withResponse()
        return { events: await all(data), request_id, url: new URL(response.url).pathname }
      },
    )
    same(
      'withResponse()',
      () => spoken,
      async client => {
        const { data, request_id, response } = await client.messages.create(ask).withResponse()
        return { data, request_id, status: response.status, url: new URL(response.url).pathname, headers: headersOf(response.headers) }
      },
    )
    same(
      'asResponse()',
      () => spoken,
      async client => {
        const response = await client.messages.create(ask).asResponse()
        return { body: await response.json(), headers: headersOf(response.headers) }
      },
    )
    same(
      'countTokens',
      () => [],
      client => client.messages.countTokens({ model: ask.model, messages: ask.messages }),
    )
    same(
      'models.list and models.retrieve',
      () => [],
      async client => ({ all: await all(client.models.list()), one: await client.models.retrieve('claude-opus-4-6') }),
    )
    same('beta.messages.toolRunner, the second turn by its thread', toolTurns, async client => {
      const runs: unknown[] = []
      const message = await client.beta.messages.toolRunner({ ...ask, tools: [distance(runs)] })
      return { message, runs }
    })
    same('beta.messages.toolRunner, streamed', toolTurns, async client => {
      const runs: unknown[] = []
      const runner = client.beta.messages.toolRunner({ ...ask, stream: true, tools: [distance(runs)] })
      const events: unknown[] = []
      for await (const stream of runner) events.push(await all(stream))
      return { events, runs, message: await runner.done() }
    })
    same('beta.messages.toolRunner, streamed, tools run eagerly', toolTurns, async client => {
      const runs: unknown[] = []
      const runner = client.beta.messages.toolRunner({ ...ask, stream: true, runToolsEagerly: true, tools: [distance(runs)] })
      const message = await runner
      return { message, runs }
    })
    same(
      'ten calls at once',
      () => spoken,
      client => Promise.all(Array.from({ length: 10 }, () => client.messages.create(ask).then(({ content }) => content))),
    )
  })

  describe('answers that are errors', () => {
    const statuses = [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529]
    for (const status of statuses) {
      const answer = () =>
        script.fail({
          status,
          message: `scripted ${status}`,
          headers: { 'anthropic-workspace-id': 'wrkspc_1', 'retry-after': '7', 'x-should-retry': 'true' },
        })
      same(`${status}`, answer, client => client.messages.create(ask))
      same(`${status}, streamed`, answer, client => client.messages.stream(ask).finalMessage())
    }
    same(
      'a status beyond what HTTP knows',
      () => asked => ({ ...script.fail({ status: 500, message: 'scripted 999' })(asked), status: 999 }),
      client => client.messages.create(ask),
    )
    same(
      'a code that has a class of its own',
      () => script.fail({ status: 429, errorCode: 'enforced_spend_limit_reached' }),
      client => client.messages.create(ask),
    )
    same('an error page of a proxy', script.html529, client => client.messages.create(ask))
    same(
      'an error without a body',
      () => () => ({ status: 503, headers: {}, chunks: [], ending: 'end' }),
      client => client.messages.create(ask),
    )
    same(
      'an error event within a stream',
      () => script.sseError(4),
      client => client.messages.stream(ask).finalMessage(),
    )
    same(
      'an error event within a stream, event for event',
      () => script.sseError(4),
      async client => {
        const events: unknown[] = []
        const error = await failure(
          (async () => {
            for await (const event of await client.messages.create({ ...ask, stream: true })) events.push(event)
          })(),
        )
        return { events, error: facts(error) }
      },
    )
    same(
      'an unknown model',
      () => [],
      client => client.models.retrieve('claude-none'),
    )
  })

  describe('aborts', () => {
    const stalled = () => script.stall(5)

    same(
      'a signal that has fired before',
      () => [script.text('one'), script.text('two')],
      async client => {
        await client.messages.create(ask)
        return client.messages.create(ask, { signal: AbortSignal.abort() })
      },
    )
    same('a signal that fires before the head', script.silent, async (client, server) => {
      const abort = new AbortController()
      const call = client.messages.create(ask, { signal: abort.signal })
      call.catch(() => {})
      await until(() => server.requests.length === 1)
      abort.abort(new Error('enough'))
      return call
    })
    same('a signal that fires within a stream', stalled, async client => {
      const abort = new AbortController()
      const events: unknown[] = []
      for await (const event of await client.messages.create({ ...ask, stream: true }, { signal: abort.signal })) {
        events.push(event)
        if (event.type === 'content_block_delta') abort.abort(new Error('enough'))
      }
      return events.length > 0
    })
    same('stream.controller.abort()', stalled, async client => {
      const events: unknown[] = []
      const stream = await client.messages.create({ ...ask, stream: true })
      for await (const event of stream) {
        events.push(event)
        if (event.type === 'content_block_delta') stream.controller.abort()
      }
      return events.length > 0
    })
    same('messages.stream().abort()', stalled, client => {
      const stream = client.messages.stream(ask)
      stream.once('text', () => stream.abort())
      return stream.finalMessage()
    })
    same('a break', stalled, async client => {
      for await (const event of await client.messages.create({ ...ask, stream: true })) if (event.type === 'content_block_delta') break
      return 'left'
    })
    same('body.cancel()', stalled, async client => {
      const response = await client.messages.create({ ...ask, stream: true }).asResponse()
      const reader = response.body!.getReader()
      const { done } = await reader.read()
      await reader.cancel()
      return { done }
    })
  })

  describe('what differs by design', () => {
    it('gives the time-out of the SDK as its own class', async () => {
      const { result } = await seen(script.silent(), client => client.messages.create(ask, { timeout: 30 }), 'claude')
      expect(result).toMatchObject({ thrown: { class: Anthropic.APIConnectionTimeoutError } })
    })

    it('gives a lost connection as the class of the SDK, with our facts as its cause', async () => {
      const server = await startServer(script.reset())
      const { client, close } = await mounted('claude', server.url)
      const error = await failure(client.messages.create(ask))
      expect(error).toBeInstanceOf(Anthropic.APIConnectionError)
      expect(error.cause).toMatchObject({ name: 'UpstreamError', code: 'ERR_UPSTREAM' })
      expect(error.cause.cause).toBeUndefined()
      expect(server.requests).toHaveLength(1)
      await close()
      await server.close()
    })
  })
})

describe('headers on the wire', () => {
  const both = async (mount: Mount) => {
    const scenario: Scenario = client => client.messages.create(ask, { headers: { 'X-Mine': 'yes', Cookie: 'a=b' } })
    const [bare] = (await seen(script.text('hello'), scenario)).requests
    const [ours] = (await seen(script.text('hello'), scenario, mount)).requests
    const names = new Set([...Object.keys(bare!.headers), ...Object.keys(ours!.headers)])
    return [...names].filter(name => bare!.headers[name] !== ours!.headers[name]).sort()
  }

  it('differ only in those of the transport and in what is not listed: in process', async () => {
    expect(await both('claude')).toEqual(['accept-encoding', 'accept-language', 'cookie', 'host', 'sec-fetch-mode', 'x-mine'])
  })

  it('differ only in those of the transport: as a middleware', async () => {
    expect(await both('middleware')).toEqual(['host'])
  })

  it('bear the credential once', async () => {
    const { requests } = await seen(script.text('hello'), client => client.messages.create(ask), 'claude')
    expect(requests[0]!.headers).toMatchObject({ authorization: `Bearer ${key}` })
    expect(JSON.stringify(requests[0]!.headers).split(key)).toHaveLength(2)
  })
})
