import { isOutriggerError } from 'outrigger'
import { type GuardrailCheck, type GuardrailHold, withGuardrails } from 'outrigger/middleware'
import { type DetectorWord, detectors } from 'outrigger/policy'
import { asEvents } from '../../lib/claude/as-events.js'
import type { AssistantMessage, MessageBlock, MessagesStreamEvent } from '../../lib/claude/accumulate.js'
import type { ActionContext } from '../../lib/core/context.js'
import { placesIn } from '../../lib/policy/content/detectors/detector.js'
import { actions, mountedWith } from './guarded.js'

/** A source of whole numbers below `n`, the same ones from the same seed (mulberry32). */
export function numbers(seed: number): (n: number) => number {
  let state = seed >>> 0
  return n => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n
  }
}

const samples: readonly string[] = [
  'ada@example.com',
  'first.last+tag@mail.example.co.uk',
  '4111 1111 1111 1111',
  '4111111111111111',
  '5500-0000-0000-0004',
  '+44 20 7946 0958',
  '(415) 555-2671',
  'DE89 3704 0044 0532 0130 00',
  'GB82WEST12345698765432',
  '12345678Z',
  '529.982.247-25',
  '86 095 742 719',
  '203.0.113.7',
  `sk-ant-api03-${'aB3-'.repeat(9)}x`,
  'AKIAIOSFODNN7EXAMPLE',
  `eyJ${'aB3'.repeat(5)}.eyJ${'xY9'.repeat(6)}.${'sIg'.repeat(7)}`,
  '-----BEGIN RSA PRIVATE KEY-----\nMIIEow. IBAAKC\n-----END RSA PRIVATE KEY-----',
  '-----BEGIN PRIVATE KEY-----\nMIIE',
  'Project Osprey',
  'osprey-4711',
  'osprey-4111 1111 1111 1111',
  'NAUTILUS',
]

/** What could begin one, or hides one, and prose. */
const near: readonly string[] = [
  'sk-ant-',
  'eyJ',
  '@',
  'a@b.',
  '+1 ',
  '4111 ',
  '4111 1111 1111 1112',
  'DE89 ',
  'AB12 CDEF GHIJ',
  '-----BEGIN ',
  '-----',
  'Project ',
  'Project. Osprey',
  'osprey-',
  'NAUTI',
  '1.2.3',
  '529.982.',
  'well. ',
  'Yes! ',
  'no?\n',
  '"Quoted." ',
  'the reef is near ',
  ' ',
  '\n',
  '. ',
  ', ',
  'é',
  '😀',
  '。',
  'x',
  '7',
  '-',
  '.',
]

/** A text with and without what is looked for. */
export function someText(below: (n: number) => number): string {
  const parts = Array.from({ length: 1 + below(9) }, () => (below(3) === 0 ? samples[below(samples.length)]! : near[below(near.length)]!))
  const text = parts.map(part => part + (below(2) === 0 ? ' ' : '')).join('')
  // Longer than what is kept of a text that was released.
  return below(40) === 0 ? `${text}${'The reef, the hull and the tide are near; '.repeat(130)}${text}` : text
}

/** A check as it is given, and what it finds in a whole text by the plainest means. */
interface Sought {
  readonly given: GuardrailCheck
  find(text: string, hold: GuardrailHold): readonly (readonly [start: number, end: number])[]
}

const everywhere = (expression: RegExp, text: string) =>
  [...text.matchAll(expression)].map(({ index, 0: { length } }) => [index, index + length] as const)

const word = (find: DetectorWord): Sought => ({
  given: { find, response: 'warn' },
  find: text => detectors[find].flatMap(detector => [...placesIn(detector, text)].map(({ start, end }) => [start, end] as const)),
})

const own: Sought = {
  given: { id: 'own', response: 'warn', check: text => text.includes('NAUTILUS') },
  find(text, hold) {
    const pieces = hold === 'sentence' ? text.split(/(?<=[.!?…][)"'\]”’]{0,4}\s|\n|[。！？])/) : [text]
    let at = 0
    return pieces.flatMap(piece => {
      const start = at
      at += piece.length
      return piece.includes('NAUTILUS') ? [[start, at] as const] : []
    })
  },
}

const sought: readonly Sought[] = [
  word('secrets'),
  word('personal'),
  word('ipv4'),
  { given: { words: ['Project Osprey'], id: 'words', response: 'warn' }, find: text => everywhere(/Project Osprey/g, text) },
  {
    given: { find: /\bosprey-\d{1,4}(?!\d)/i, id: 'expression', response: 'warn' },
    find: text => everywhere(/\bosprey-\d{1,4}(?!\d)/gi, text),
  },
  own,
]

const holds: readonly GuardrailHold[] = ['full', 'block', 'sentence', { window: 14 }, { window: 40 }]
const responses = ['deny', 'redact', 'warn'] as const

/** One case: checks, and an answer. */
export interface Case {
  readonly hold: GuardrailHold
  readonly checks: readonly (Sought & { readonly given: GuardrailCheck })[]
  readonly texts: readonly string[]
}

export function someCase(below: (n: number) => number): Case {
  const hold = holds[below(holds.length)]!
  const fitting = sought.filter(check => check !== own || typeof hold !== 'object')
  const chosen = fitting.filter(() => below(2) === 0)
  const checks = (chosen.length > 0 ? chosen : [fitting[below(fitting.length)]!]).map(check => ({
    ...check,
    given: { ...check.given, response: responses[below(3)]! },
  }))
  return { hold, checks, texts: Array.from({ length: 1 + below(3) }, () => someText(below)) }
}

/** What an answer came to. */
export interface Seen {
  /** The check that forbade it. */
  readonly denied: string | undefined
  /** The texts of its blocks, as far as they were released. */
  readonly texts: readonly string[]
  /** What was told of it. */
  readonly told: readonly string[]
}

/** What must be seen of a case: by whole texts, without a stream. `clean` is how much of the text that was denied lies before what denied it. */
export function expected({ checks, hold, texts }: Case): {
  readonly denied?: string
  readonly texts: readonly string[]
  readonly clean?: string
} {
  const seen: string[] = []
  for (const text of texts) {
    const spans = checks
      .flatMap(({ given, find }, order) => find(text, hold).map(([start, end]) => ({ given, start, end, order })))
      .sort((a, b) => a.start - b.start || a.order - b.order)
    const deny = spans.find(({ given }) => given.response === 'deny')
    const redacted = spans.filter(({ given }) => given.response === 'redact')
    if (deny)
      return {
        denied: idOf(deny.given),
        texts: seen,
        clean: replace(
          text.slice(0, deny.start),
          redacted.filter(({ end }) => end <= deny.start),
        ),
      }
    seen.push(replace(text, redacted))
  }
  return { texts: seen }
}

const idOf = ({ id, find }: GuardrailCheck): string => `guardrails.${id ?? String(find)}`

/** Marks instead of names: what stands there is compared by its length in the text only. */
function replace(text: string, spans: readonly { readonly start: number; readonly end: number }[]): string {
  let out = ''
  let at = 0
  for (const { start, end } of spans) {
    if (start >= at) out += `${text.slice(at, start)}§`
    at = Math.max(at, end)
  }
  return out + text.slice(at)
}

/** Sends an answer through the layer, cut as `cut` says, and gathers what a client would see. */
export async function through({ checks, hold, texts }: Case, cut?: (n: number) => number): Promise<Seen> {
  const given = checks.map(check => ({ ...check.given, ...(check.given.response === 'redact' ? { replaceWith: '§' } : {}) }))
  const { runtime, of } = mountedWith(withGuardrails({ checks: given.map(onlyResults), hold }))
  const message = messageOf(texts)
  const released: MessagesStreamEvent[] = []
  const run = runtime.context(actions.model) as ActionContext
  run.sink = event => void released.push(event as MessagesStreamEvent)
  const ended = runtime.run(run, async ctx => {
    for (const event of cut ? cutEvents(message, cut) : asEvents(message)) {
      if (event.type === 'message_stop') {
        ctx.reply = message
        await ctx.taps?.end()
      }
      await ctx.emit(event)
    }
  })
  const error = await ended.then(
    () => undefined,
    failed => failed,
  )
  if (error !== undefined && !isOutriggerError(error, 'ERR_VIOLATION')) throw error
  const told = of('violation').map(({ ruleId, details, response }) => `${ruleId} ${response} ${details}`)
  return { denied: (error as { ruleId?: string } | undefined)?.ruleId, texts: textsOf(released), told }
}

const onlyResults = (check: GuardrailCheck): GuardrailCheck => ({ ...check, stages: ['result'], kinds: ['model'] })

function messageOf(texts: readonly string[]): AssistantMessage {
  const content: readonly MessageBlock[] = texts.map(text => ({ type: 'text', text }))
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content,
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  }
}

function* cutEvents(message: AssistantMessage, cut: (n: number) => number): Generator<MessagesStreamEvent> {
  for (const event of asEvents(message)) {
    if (event.type !== 'content_block_delta') yield event
    else
      for (const text of pieces(event.delta.text ?? '', cut)) {
        if (cut(8) === 0) yield { type: 'ping' }
        yield { ...event, delta: { type: 'text_delta', text } }
      }
  }
}

function pieces(text: string, cut: (n: number) => number): readonly string[] {
  const most = [1, 3, 8, 40][cut(4)]!
  const out: string[] = []
  for (let at = 0; at < text.length; ) {
    const length = cut(most + 1)
    out.push(text.slice(at, at + length))
    at += length
  }
  return out
}

function textsOf(events: readonly MessagesStreamEvent[]): readonly string[] {
  const texts: string[] = []
  for (const event of events) {
    if (event.type === 'content_block_start') texts[event.index] = event.content_block.text ?? ''
    if (event.type === 'content_block_delta') texts[event.index] += event.delta.text ?? ''
  }
  return texts
}

/** Says what is wrong with a case, or nothing. */
export async function flaw(one: Case, cut: (n: number) => number): Promise<string | undefined> {
  const [streamed, whole, wanted] = [await through(one, cut), await through(one), expected(one)]
  if (streamed.denied !== wanted.denied || whole.denied !== wanted.denied)
    return `denied by ${streamed.denied}, whole by ${whole.denied}, not by ${wanted.denied}`
  if (String(streamed.told) !== String(whole.told)) return `told ${streamed.told}; whole ${whole.told}`
  if (wanted.denied === undefined) return differs(streamed.texts, whole.texts) ?? differs(streamed.texts, wanted.texts)
  return leak(streamed.texts, wanted) ?? leak(whole.texts, wanted)
}

function differs(a: readonly string[], b: readonly string[]): string | undefined {
  return JSON.stringify(a) === JSON.stringify(b) ? undefined : `${JSON.stringify(a)} is not ${JSON.stringify(b)}`
}

/** Of a denied text, only what stands before what was found may have been seen, and no text behind it. */
function leak(seen: readonly string[], { texts, clean = '' }: ReturnType<typeof expected>): string | undefined {
  if (seen.length > texts.length + 1) return 'a text behind the denied one was released'
  const last = seen[texts.length] ?? ''
  const wrong = differs(seen.slice(0, texts.length), texts.slice(0, seen.length))
  return wrong ?? (clean.startsWith(last) ? undefined : `${JSON.stringify(last)} was released of ${JSON.stringify(clean)}`)
}
