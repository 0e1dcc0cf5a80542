import type { Push } from 'outrigger'
import type { MessageBlock, MessagesStreamEvent } from 'outrigger/claude'
import { HeldText } from './held-text.js'
import type { Inspection } from './inspection.js'

type Done = void | Promise<void>
type Start = Extract<MessagesStreamEvent, { readonly type: 'content_block_start' }>
type Delta = Extract<MessagesStreamEvent, { readonly type: 'content_block_delta' }>

interface OpenText {
  readonly index: number
  readonly text: HeldText
  readonly citations: unknown[]
}

interface OpenBlock {
  readonly index: number
  readonly events: MessagesStreamEvent[]
}

/**
 * The events of one message. Text is held until it is decided, with what is replaced; any other block until all of it has come and has been looked at. Nothing
 * changes its place.
 */
export class MessageGuard {
  readonly #inspection: Inspection
  readonly #callsJudged: boolean
  #text: OpenText | undefined
  #block: OpenBlock | undefined
  /** Text blocks as they were released, by index. */
  readonly #released = new Map<number, MessageBlock>()
  #changed = false

  /** @param callsJudged - calls that the client runs have been judged before they come */
  constructor(inspection: Inspection, callsJudged: boolean) {
    this.#inspection = inspection
    this.#callsJudged = callsJudged
  }

  /** Takes the next event. @throws Refusal where a check forbids what came so far */
  event(event: MessagesStreamEvent, push: Push): Done {
    switch (event.type) {
      case 'ping':
        return push(event)
      case 'content_block_start':
        return this.#then(this.end(push), () => this.#begin(event, push))
      case 'content_block_delta':
        return this.#extend(event, push)
      case 'content_block_stop':
        return this.#stop(event, push)
      default:
        return this.#then(this.end(push), () => push(event))
    }
  }

  /** No more comes of the block that is open: it is looked at as it is. */
  end(push: Push): Done {
    if (this.#text) return this.#endText(this.#text, push)
    if (this.#block) return this.#endBlock(this.#block, push)
  }

  /** The message as it was released; the same one where nothing was changed. */
  seen<T extends { readonly content?: unknown; readonly stop_reason?: unknown }>(message: T, refused: ReadonlySet<string>): T {
    if (!Array.isArray(message.content) || (!this.#changed && refused.size === 0)) return message
    const isRefused = ({ type, id }: MessageBlock) => type === 'tool_use' && id !== undefined && refused.has(id)
    const content = message.content.map((block: MessageBlock, index) =>
      block.type === 'text' || isRefused(block) ? (this.#released.get(index) ?? block) : block,
    )
    const ends = message.stop_reason === 'tool_use' && !content.some(({ type }) => type === 'tool_use')
    return { ...message, content, ...(ends ? { stop_reason: 'end_turn' } : {}) }
  }

  #then(first: Done, rest: () => Done): Done {
    return first instanceof Promise ? first.then(rest) : rest()
  }

  #begin(event: Start, push: Push): Done {
    const { index, content_block: block } = event
    if (block.type !== 'text') {
      this.#block = { index, events: [event] }
      return
    }
    this.#text = { index, text: new HeldText(this.#inspection), citations: [] }
    return block.citations?.length ? this.#beginCited(event, push) : this.#startText(event, push)
  }

  async #beginCited(event: Start, push: Push): Promise<void> {
    const { content_block: block } = event
    const citations = await this.#inspection.value([...(block.citations ?? [])], { ofModel: true })
    this.#text!.citations.push(...citations)
    const same = citations.every((citation, at) => citation === block.citations![at])
    if (!same) this.#changed = true
    await this.#startText(same ? event : { ...event, content_block: { ...block, citations } }, push)
  }

  #startText(event: Start, push: Push): Done {
    const { content_block: block } = event
    const write = (text: string) => ({ ...event, content_block: { ...block, text } })
    return this.#text!.text.add(event, block.text ?? '', write, push, true)
  }

  #extend(event: Delta, push: Push): Done {
    const { index, delta } = event
    if (this.#block?.index === index) return void this.#block.events.push(event)
    if (this.#text?.index !== index) return this.#outOfOrder(event, push)
    if (delta.type === 'citations_delta') return this.#cite(this.#text, event, push)
    if (delta.type !== 'text_delta' || typeof delta.text !== 'string') return this.#beside(this.#text, event, push)
    const write = (text: string) => ({ ...event, delta: { ...delta, text } })
    return this.#text.text.add(event, delta.text, write, push)
  }

  async #cite({ text, citations }: OpenText, event: Delta, push: Push): Promise<void> {
    const citation = await this.#inspection.value(event.delta.citation, { ofModel: true })
    citations.push(citation)
    if (citation === event.delta.citation) return text.beside(event, push)
    this.#changed = true
    text.beside({ ...event, delta: { ...event.delta, citation } }, push)
  }

  async #beside({ text }: OpenText, event: Delta, push: Push): Promise<void> {
    await this.#inspection.value(event.delta, { sealed: true, ofModel: true })
    text.beside(event, push)
  }

  #stop(event: Extract<MessagesStreamEvent, { readonly type: 'content_block_stop' }>, push: Push): Done {
    const open = this.#text ?? this.#block
    if (open?.index !== event.index) return this.#outOfOrder(event, push)
    return this.#then(this.end(push), () => push(event))
  }

  #outOfOrder(event: MessagesStreamEvent, push: Push): void {
    this.#inspection.disorder('events out of order')
    push(event)
  }

  #endText(open: OpenText, push: Push): Done {
    return this.#then(open.text.end(push), () => {
      this.#text = undefined
      if (open.text.changed) this.#changed = true
      const { citations } = open
      this.#released.set(open.index, { type: 'text', text: open.text.text, ...(citations.length > 0 ? { citations } : {}) })
    })
  }

  async #endBlock(open: OpenBlock, push: Push): Promise<void> {
    const [start] = open.events as [Start]
    const known = this.#callsJudged && start.content_block.type === 'tool_use'
    if (!known) await this.#inspection.value(wholeBlock(start.content_block, open.events.slice(1)), { sealed: true, ofModel: true })
    this.#block = undefined
    for (const event of open.events) push(event)
  }
}

/** A block with what its deltas add: texts that come in parts put together, calls parsed, and what is of no known kind as it is. */
function wholeBlock(start: MessageBlock, events: readonly MessagesStreamEvent[]): unknown {
  const deltas = events.flatMap(event => (event.type === 'content_block_delta' ? [event.delta] : []))
  const joined = (field: 'text' | 'thinking' | 'partial_json') => deltas.map(delta => delta[field] ?? '').join('')
  const json = joined('partial_json')
  return [start, joined('text'), joined('thinking'), stringsOf(json), ...deltas.filter(isOther)]
}

const inParts = new Set(['text_delta', 'thinking_delta', 'input_json_delta', 'signature_delta'])

function isOther({ type }: Delta['delta']): boolean {
  return !inParts.has(type)
}

/** Every string of a JSON text, as it reads: of a name that stands there twice, both values. What is no JSON is looked at as it stands, too. */
function stringsOf(json: string): readonly string[] {
  try {
    if (json !== '') JSON.parse(json)
    return (json.match(/"(?:[^"\\]|\\.)*"/g) ?? []).map(literal => JSON.parse(literal) as string)
  } catch {
    return [json]
  }
}
