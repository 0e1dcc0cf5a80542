import Anthropic from '@anthropic-ai/sdk'
import { isDeepStrictEqual } from 'node:util'
import { memoryLog } from 'outrigger/ctx'
import {
  withBudget,
  withDeadline,
  withHealth,
  withLimit,
  withLogging,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
} from 'outrigger/middleware'
import { type Checker, type Rule, rules } from 'outrigger/policy'
import type { Agent, Call } from '../../lib/sidecar/agent-contract.js'
import { toWire } from '../../lib/claude/client.js'
import type { Upstream, WireReply } from '../../lib/claude/wire.js'
import type { LayerInput } from '../../lib/core/types.js'
import { createSidecar } from '../../lib/sidecar.js'
import { mockModel, type MockReply } from '../../lib/testing/mock-model.js'

/** One conversation: what the user says, what the model answers, and how it travels. */
export interface Conversation {
  readonly says: readonly string[]
  /** Answers in order; one with a tool call is followed by another. */
  readonly answers: readonly MockReply[]
  readonly streamed: boolean
  /** Bytes a chunk on the wire; 0: an event each. */
  readonly chunkBytes: number
  readonly layers: 'none' | 'plain' | 'taps' | 'rules' | 'full'
  /** Bodies that the agent sends with. */
  readonly extra: Readonly<Record<string, unknown>>
}

/** A stream of numbers from 0 to 1 that only the seed decides (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const pieces = [
  'reef',
  'tide ',
  '🌊',
  'ü',
  '\n\n',
  'data: x\n',
  '"',
  '\\u0000',
  '\u2028',
  '{"a":1}',
  'event: error',
  '\r\n',
  ' ',
  'e\u0301',
  ':',
]

/** Makes a conversation at random. */
export function conversation(random: () => number): Conversation {
  const int = (most: number) => Math.floor(random() * (most + 1))
  const text = (most = 8) => Array.from({ length: int(most) }, () => pieces[int(pieces.length - 1)]).join('')
  const shape = () => ({
    chunkChars: 1 + int(40),
    ping: random() < 0.7,
    ...(random() < 0.3 ? { usage: { cache_read_input_tokens: int(99), cache_creation_input_tokens: null } } : {}),
  })
  const input = () => ({ path: text(4), n: int(1e9), deep: [text(2), null, { [text(2)]: random() < 0.5 }] })
  const asks = (): MockReply => ({
    ...shape(),
    ...(random() < 0.3 ? { thinking: text() } : {}),
    ...(random() < 0.6 ? { text: text() || 'x' } : {}),
    toolUse: Array.from({ length: 1 + int(2) }, (_, i) => ({ name: `tool${i}`, input: random() < 0.2 ? {} : input() })),
  })
  const ends = (): MockReply => ({
    ...shape(),
    ...(random() < 0.3 ? { thinking: text() } : {}),
    text: random() < 0.2 ? [text(), text()] : text() || 'done',
    ...(random() < 0.1 ? { stopReason: 'max_tokens' } : {}),
  })
  const says = Array.from({ length: 1 + int(1) }, () => text() || 'hello')
  const answers = says.flatMap(() => [...Array.from({ length: random() < 0.5 ? 0 : 1 + int(1) }, asks), ends()])
  const chunkBytes = [0, 0, 0, 1, 13, 64, 64, 64, 1000, 1000][int(9)]!
  const layers = (['none', 'plain', 'taps', 'rules', 'full'] as const)[int(4)]!
  return {
    says,
    answers,
    streamed: random() < 0.6,
    chunkBytes,
    layers,
    extra: random() < 0.3 ? { system: text() || 's', temperature: 0.5, metadata: { user_id: text() } } : {},
  }
}

const layersOf: Record<Conversation['layers'], () => readonly LayerInput[]> = {
  none: () => [],
  plain: () => [async (_, next) => next(), async (_, next) => next()],
  taps: () => [
    async (ctx, next) => {
      ctx.tap({ event: (event, push) => push(event), toolUse: () => {} })
      await next()
    },
  ],
  rules: () => [withViolations({ rules: [kept('withhold', () => undefined), kept('release', async () => undefined)] })],
  full: () => [
    withLogging({ logger: silent }),
    withHealth(),
    withSigning({ log: memoryLog() }),
    withViolations({ rules: [kept('release', () => undefined)] }),
    withRetry(),
    withLimit(),
    withDeadline({ idleMs: 60_000 }),
    withMetrics(),
    withBudget({ usd: 1_000 }),
  ],
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A rule that looks at everything and is never broken. */
function kept(onResult: 'withhold' | 'release', check: Checker): Rule {
  return rules.rule({ id: onResult, onResult, stages: ['action', 'result'], check })
}

/** What a user of the agent sees of it. */
interface Seen {
  readonly replies: unknown[]
  readonly events: unknown[]
  readonly bodies: readonly string[]
  readonly left: number
}

/** The tools that a conversation's answers call. */
const offered = [0, 1, 2].map(n => ({ name: `tool${n}`, input_schema: { type: 'object' } }))

/** An agent that talks to Claude by hand, with tools. Its reply is everything that it was told. */
function agent({ streamed, extra }: Conversation): Agent<string, unknown, unknown> {
  const messages: Anthropic.MessageParam[] = []

  async function* stream(message: string, { claude }: Pick<Call, 'claude'>): AsyncGenerator<unknown, unknown> {
    const told: unknown[] = []
    messages.push({ role: 'user', content: message })
    for (;;) {
      const request = {
        model: 'claude-haiku-4-5',
        max_tokens: 500,
        messages: [...messages],
        tools: offered,
        ...extra,
      } as Anthropic.MessageCreateParamsNonStreaming
      const answer = streamed ? yield* events(claude, request) : await claude.messages.create(request)
      told.push(answer, (answer as { _request_id?: string | null })._request_id)
      messages.push({ role: 'assistant', content: answer.content })
      const calls = answer.content.filter(block => block.type === 'tool_use')
      if (calls.length === 0) return told
      messages.push({
        role: 'user',
        content: calls.map(({ id, input }) => ({ type: 'tool_result' as const, tool_use_id: id, content: JSON.stringify(input) })),
      })
    }
  }

  return { name: 'talker', stream }
}

async function* events(claude: Anthropic, request: Anthropic.MessageCreateParamsNonStreaming): AsyncGenerator<unknown, Anthropic.Message> {
  const stream = claude.messages.stream(request)
  for await (const event of stream) yield event
  return stream.finalMessage()
}

/** The bytes of a body in chunks of a size, whatever the events are. */
function rechunked(upstream: Upstream, size: number): Upstream {
  if (size === 0) return upstream
  return async (request, abort) => {
    const reply = await upstream(request, abort)
    return { ...reply, body: cut(reply.body, size) }
  }
}

async function* cut(body: WireReply['body'], size: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk as string)
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
}

/** A `fetch` for a bare client that leads to the same mock. */
function fetchFrom(upstream: Upstream): typeof fetch {
  return async (input, init) => {
    const { status, headers, body } = await upstream(await toWire(input as string, init), new AbortController().signal)
    const bytes = new ReadableStream<Uint8Array>({
      async start(controller) {
        for await (const chunk of body) controller.enqueue(Buffer.from(chunk as string))
        controller.close()
      },
    })
    return new Response(bytes, { status, headers })
  }
}

function scripted({ answers }: Conversation): ReturnType<typeof mockModel> {
  const mock = mockModel()
  for (const answer of answers) mock.reply(answer)
  return mock
}

async function without(talk: Conversation): Promise<Seen> {
  const mock = scripted(talk)
  const claude = new Anthropic({
    apiKey: 'k',
    baseURL: 'http://mock',
    maxRetries: 0,
    fetch: fetchFrom(rechunked(mock.upstream, talk.chunkBytes)),
  })
  const own = agent(talk)
  const seen: unknown[] = []
  const replies: unknown[] = []
  for (const message of talk.says) {
    const run = own.stream!(message, { claude } as Call)
    for (let step = await run.next(); ; step = await run.next()) {
      if (step.done) {
        replies.push(step.value)
        break
      }
      seen.push(step.value)
    }
  }
  return { replies, events: seen, bodies: mock.requests.map(({ bodyText }) => bodyText), left: mock.queued }
}

async function within(talk: Conversation, by: 'send' | 'stream'): Promise<Seen> {
  const mock = scripted(talk)
  const upstream = rechunked(mock.upstream, talk.chunkBytes)
  const sidecar = createSidecar({
    agent: agent(talk),
    use: layersOf[talk.layers]() as readonly [],
    claude: { baseURL: 'http://mock', upstream },
  })
  const seen: unknown[] = []
  const replies: unknown[] = []
  for (const message of talk.says) {
    if (by === 'send') replies.push(await sidecar.send(message))
    else {
      const stream = sidecar.stream(message)
      for await (const event of stream) seen.push(event)
      replies.push(await stream.reply)
    }
  }
  return { replies, events: seen, bodies: mock.requests.map(({ bodyText }) => bodyText), left: mock.queued }
}

/** Does the agent behind a sidecar, sent to and streamed, say and ask exactly what it does without one? */
export async function transparent(talk: Conversation): Promise<boolean> {
  const bare = await without(talk)
  const sent = await within(talk, 'send')
  const streamed = await within(talk, 'stream')
  return bare.left === 0 && isDeepStrictEqual(streamed, bare) && isDeepStrictEqual({ ...sent, events: bare.events }, bare)
}
