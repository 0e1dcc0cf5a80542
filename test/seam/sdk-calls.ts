import type { MessagesServer } from '../support/messages-server.js'
import type Anthropic from '@anthropic-ai/sdk'
import type { AimockAnswer } from '../support/aimock.js'
import { type Scripted, script } from '../support/script.js'
import { ask, failure, runnable, until } from './mounts.js'

/** A program that uses the SDK; `requests` of the server tells it when its request has come. */
export type Scenario = (client: Anthropic, server: Pick<MessagesServer, 'requests'>) => Promise<unknown>
export type Script = Scripted | readonly Scripted[]

/** Registers a test that a scenario behaves as without us, where the server answers by script; `aimock`: the same for a server that we did not write. */
export type Same = (name: string, answers: () => Script, scenario: Scenario, aimock?: readonly AimockAnswer[]) => void

const transport = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date']

export function headersOf(headers: Headers): object {
  return Object.fromEntries([...headers].filter(([name]) => !transport.includes(name) && name !== 'x-should-retry'))
}

export function facts(error: any): object {
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

export async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const event of events) list.push(event)
  return list
}

const spoken = script.reply({ thinking: 'Think of the tide.', text: ['Two miles. ', 'Mind the reef: 🌊.'] })
const toolTurns = () => [script.tool('distance', { to: 'reef' }, { toolUseId: 'toolu_1' }), script.text('It is two miles.')]

const said: readonly AimockAnswer[] = Array(10).fill({ text: 'Two miles. Mind the reef: 🌊.' })
const calledTool: readonly AimockAnswer[] = [
  { tool: { name: 'distance', input: { to: 'reef' }, id: 'toolu_1' } },
  { text: 'It is two miles.' },
]
const refused = (status: number): readonly AimockAnswer[] => [{ status, type: 'api_error', message: `scripted ${status}` }]

const distance = (runs?: unknown[]) => runnable('distance', 'two miles', runs)

/** Every kind of call that the SDK makes, and every way in which one ends: each goes to `same` as a test. */
export function everySdkCall(same: Same): void {
  describe('requests that succeed', () => {
    same(
      'create',
      () => spoken,
      async client => {
        const message = await client.messages.create(ask)
        return { message, id: message._request_id }
      },
      said,
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
      said,
    )
    same(
      'create({ stream: true }), event for event',
      () => spoken,
      async client => all(await client.messages.create({ ...ask, stream: true })),
      said,
    )
    same(
      'the raw bytes of a stream',
      () => spoken,
      async client => {
        const response = await client.messages.create({ ...ask, stream: true }).asResponse()
        return { text: await response.text(), status: response.status, headers: headersOf(response.headers) }
      },
      said,
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
      said,
    )
    same(
      'stream().withResponse()',
      () => spoken,
      async client => {
        const { data, request_id, response } = await client.messages.stream(ask).withResponse()
        return { events: await all(data), request_id, url: new URL(response.url).pathname }
      },
      said,
    )
    same(
      'withResponse()',
      () => spoken,
      async client => {
        const { data, request_id, response } = await client.messages.create(ask).withResponse()
        return { data, request_id, status: response.status, url: new URL(response.url).pathname, headers: headersOf(response.headers) }
      },
      said,
    )
    same(
      'asResponse()',
      () => spoken,
      async client => {
        const response = await client.messages.create(ask).asResponse()
        return { body: await response.json(), headers: headersOf(response.headers) }
      },
      said,
    )
    same(
      'countTokens',
      () => [],
      client => client.messages.countTokens({ model: ask.model, messages: ask.messages }),
      [],
    )
    same(
      'models.list and models.retrieve',
      () => [],
      async client => ({ all: await all(client.models.list()), one: await client.models.retrieve('claude-opus-4-6') }),
      [],
    )
    same(
      'beta.messages.toolRunner, the second turn by its thread',
      toolTurns,
      async client => {
        const runs: unknown[] = []
        const message = await client.beta.messages.toolRunner({ ...ask, tools: [distance(runs)] })
        return { message, runs }
      },
      calledTool,
    )
    same(
      'beta.messages.toolRunner, streamed',
      toolTurns,
      async client => {
        const runs: unknown[] = []
        const runner = client.beta.messages.toolRunner({ ...ask, stream: true, tools: [distance(runs)] })
        const events: unknown[] = []
        for await (const stream of runner) events.push(await all(stream))
        return { events, runs, message: await runner.done() }
      },
      calledTool,
    )
    same(
      'beta.messages.toolRunner, streamed, tools run eagerly',
      toolTurns,
      async client => {
        const runs: unknown[] = []
        const runner = client.beta.messages.toolRunner({ ...ask, stream: true, runToolsEagerly: true, tools: [distance(runs)] })
        const message = await runner
        return { message, runs }
      },
      calledTool,
    )
    for (const code of ['thread_not_found', 'thread_unsupported_request']) {
      const [call, end] = toolTurns()
      const lost: Scripted = () => ({
        status: 400,
        headers: { 'content-type': 'application/json' },
        chunks: [
          JSON.stringify({
            type: 'error',
            error: { type: 'invalid_request_error', message: 'no', details: { error_code: code, unsupported: ['x'] } },
          }),
        ],
        ending: 'end',
      })
      same(
        `beta.messages.toolRunner, after ${code} again with the whole conversation`,
        () => [call!, lost, end!],
        async (client, server) => {
          const message = await client.beta.messages.toolRunner({ ...ask, stream: true, tools: [distance()] })
          return { message, asked: server.requests.length }
        },
      )
    }
    same(
      'ten calls at once',
      () => spoken,
      async client => {
        const contents = await Promise.all(Array.from({ length: 10 }, () => client.messages.create(ask).then(({ content }) => content)))
        // Over sockets of their own, the first to ask need not be the first to be heard.
        return contents.map(content => JSON.stringify(content)).sort()
      },
      said,
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
      same(`${status}`, answer, client => client.messages.create(ask), refused(status))
      same(`${status}, streamed`, answer, client => client.messages.stream(ask).finalMessage(), refused(status))
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
}
