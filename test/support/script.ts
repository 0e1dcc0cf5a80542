import { gzipSync } from 'node:zlib'
import type { MessagesStreamEvent } from '../../lib/claude/accumulate.js'
import { encodeSse } from '../../lib/claude/sse.js'
import { errorBodyOf, errorOf, eventsOf, type FailSpec, messageOf, type ReplySpec, replySpec } from '../../lib/testing/messages.js'

/** What a script may look at: the request, and what the server's own count says about it. */
export interface Asked {
  readonly n: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly bodyText: string
  readonly body: { readonly [key: string]: unknown }
  readonly usage: NonNullable<ReplySpec['usage']>
}

/** One answer on the wire: head, chunks, and how it ends. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly chunks: readonly (string | Buffer)[]
  /** `end`: whole as HTTP goes. `stall`: open and silent. `reset`: the socket is destroyed. */
  readonly ending: 'end' | 'stall' | 'reset'
  /** `now` (default): the head goes out. `never`: silence from the start. `reset`: the socket is destroyed before the head. */
  readonly head?: 'now' | 'never' | 'reset'
  /** Gates: the head and each chunk, by place, wait for theirs. */
  readonly headGate?: Promise<unknown>
  readonly gates?: Readonly<Record<number, Promise<unknown>>>
}

export type Scripted = (asked: Asked) => Answer

const json = { 'content-type': 'application/json' }
const sse = { 'content-type': 'text/event-stream; charset=utf-8' }
const whole = { status: 200, ending: 'end' } as const

const reply =
  (spec: ReplySpec | string): Scripted =>
  asked => {
    const full = replySpec(spec)
    const message = messageOf(
      { ...full, usage: { ...asked.usage, ...full.usage } },
      { n: asked.n, model: String(asked.body.model), bodyText: asked.bodyText },
    )
    if (asked.body.stream !== true) return { ...whole, headers: { ...json, ...full.headers }, chunks: [JSON.stringify(message)] }
    return { ...whole, headers: { ...sse, ...full.headers }, chunks: eventsOf(message, full).map(event => encodeSse(event.type, event)) }
  }

const faulty =
  (after: number | undefined, spec: ReplySpec | string, ending: Answer['ending'], more: readonly string[] = []): Scripted =>
  asked => {
    const answer = reply(spec)(asked)
    const chunks = asked.body.stream === true ? answer.chunks.slice(0, after) : [String(answer.chunks[0]).slice(0, 20)]
    return { ...answer, chunks: [...chunks, ...more], ending }
  }

const raw =
  (status: number, type: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Scripted =>
  () => ({ ...whole, status, headers: { 'content-type': type, ...headers }, chunks: [body] })

/** Small builders for what a server answers. `after` counts stream events; without a stream, the first 20 characters of the body come. */
export const script = {
  /** A whole answer, streamed if the request asks for it. */
  reply,
  text: (text: string, more: ReplySpec = {}): Scripted => reply({ ...more, text }),
  tool: (name: string, input: unknown = {}, more: ReplySpec & { readonly toolUseId?: string } = {}): Scripted => {
    const { toolUseId, ...rest } = more
    return reply({ ...rest, toolUse: { name, input, ...(toolUseId === undefined ? {} : { id: toolUseId }) } })
  },
  /** Exactly these events (text goes out as it is), whatever the request asks for. */
  events:
    (events: readonly (MessagesStreamEvent | string)[], ending: Answer['ending'] = 'end'): Scripted =>
    () => ({
      ...whole,
      headers: sse,
      ending,
      chunks: events.map(event => (typeof event === 'string' ? event : encodeSse(event.type, event))),
    }),
  /** An error in Anthropic's shape. */
  fail:
    (spec: FailSpec): Scripted =>
    asked => ({
      ...whole,
      status: spec.status,
      headers: { ...json, ...spec.headers },
      chunks: [JSON.stringify(errorBodyOf(spec, `req_test_${asked.n}`))],
    }),
  /** 529 as the API says it. */
  overloaded: (headers: Readonly<Record<string, string>> = {}): Scripted => script.fail({ status: 529, headers }),
  /** 529 as a proxy in front of the API says it. */
  html529: (): Scripted => raw(529, 'text/html', '<html><body><h1>Overloaded</h1></body></html>'),
  /** 200 with a body that is no JSON. */
  garbage: (): Scripted => raw(200, 'application/json', '{"id": "msg_\u0000<<<'),
  /** 200 with a gzip body that is cut off. */
  truncatedGzip:
    (spec: ReplySpec | string = 'squeezed'): Scripted =>
    asked => {
      const answer = reply(spec)(asked)
      const packed = gzipSync(answer.chunks.join(''))
      return { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' }, chunks: [packed.subarray(0, packed.length / 2)] }
    },
  /** An `error` event in the stream. */
  sseError: (after = 1, type = 'overloaded_error', spec: ReplySpec | string = 'An answer that is not finished.'): Scripted =>
    faulty(after, spec, 'end', [encodeSse('error', { type: 'error', error: errorOf(type, {}) })]),
  /** Head and some events, then nothing, and the socket stays open. */
  stall: (after = 0, spec: ReplySpec | string = 'An answer that is not finished.'): Scripted => faulty(after, spec, 'stall'),
  /** Not even a head. */
  silent: (): Scripted => () => ({ ...whole, headers: {}, chunks: [], head: 'never' }),
  /** The stream ends without `message_stop`, as if it were whole. */
  cut: (after = 3, spec: ReplySpec | string = 'An answer that is not finished.'): Scripted => faulty(after, spec, 'end'),
  /** The socket is destroyed: before the head, or after some events. */
  reset: (after?: number, spec: ReplySpec | string = 'An answer that is not finished.'): Scripted =>
    after === undefined ? () => ({ ...whole, headers: {}, chunks: [], head: 'reset' }) : faulty(after, spec, 'reset'),
  /** The same answer, whose head and chunks wait for promises. */
  gated:
    (
      answer: Scripted,
      gates: { readonly head?: Promise<unknown>; readonly chunks?: Readonly<Record<number, Promise<unknown>>> },
    ): Scripted =>
    asked => ({ ...answer(asked), ...(gates.head && { headGate: gates.head }), ...(gates.chunks && { gates: gates.chunks }) }),
}
