import type { Push } from 'outrigger'
import type { MessagesStreamEvent } from 'outrigger/claude'
import { HeldText } from './held-text.js'
import type { Inspection } from './inspection.js'
import { MessageGuard } from './message-guard.js'

type Done = void | Promise<void>

/** What a streamed send shows of a model call within it. */
interface OfModel {
  readonly type: 'model'
  readonly action: string
  readonly event: MessagesStreamEvent | { readonly type: 'message'; readonly message: unknown }
}

const messageEvents = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
])

/**
 * The events of a streamed send: those of model calls within it each as one message, texts that an agent gives one by one as one running text, and any other
 * event by itself.
 */
export class SendGuard {
  readonly #inspection: Inspection
  readonly #within: Inspection
  readonly #messages = new Map<string, { readonly guard: MessageGuard; readonly wrap: (event: unknown) => unknown }>()
  #running: HeldText | undefined

  /**
   * @param inspection - of what the agent itself shows
   * @param within - of what actions within the send show: what is found there is told of those, streamed or not
   */
  constructor(inspection: Inspection, within: Inspection) {
    this.#inspection = inspection
    this.#within = within
  }

  /** @throws Refusal where a check forbids what came so far */
  event(event: unknown, push: Push): Done {
    if (typeof event === 'string') return this.#text(event, push)
    if (isOfModel(event)) return this.#ofModel(event, push)
    if (isMessageEvent(event)) return this.#message('', event, released => released, push)
    return this.#other(event, push)
  }

  async end(push: Push): Promise<void> {
    await this.#running?.end(push)
    for (const { guard, wrap } of this.#messages.values()) await guard.end(event => push(wrap(event)))
  }

  #text(event: string, push: Push): Done {
    this.#running ??= new HeldText(this.#inspection)
    return this.#running.add(event, event, text => text, push)
  }

  #message(key: string, event: MessagesStreamEvent, wrap: (event: unknown) => unknown, push: Push): Done {
    // Another attempt begins: what is held belongs to one that failed.
    if (event.type === 'message_start') this.#messages.delete(key)
    const message = this.#messages.get(key) ?? { guard: new MessageGuard(key === '' ? this.#inspection : this.#within, false), wrap }
    this.#messages.set(key, message)
    return message.guard.event(event, released => push(wrap(released)))
  }

  #ofModel(given: OfModel, push: Push): Done {
    const { action, event } = given
    if (event.type === 'message') return this.#whole(given, event.message, push)
    return this.#message(action, event, released => (released === event ? given : { ...given, event: released }), push)
  }

  async #whole(given: OfModel, message: unknown, push: Push): Promise<void> {
    const seen = await this.#within.value(message, { ofModel: true })
    push(seen === message ? given : { ...given, event: { type: 'message', message: seen } })
  }

  /** Keeps its place behind the texts that are still held. */
  async #other(event: unknown, push: Push): Promise<void> {
    const seen = await (isWithin(event) ? this.#within : this.#inspection).value(event)
    if (this.#running) this.#running.beside(seen, push)
    else push(seen)
  }
}

function isOfModel(event: unknown): event is OfModel {
  const { type, action, event: inner } = Object(event) as Partial<OfModel>
  return type === 'model' && typeof action === 'string' && typeof inner === 'object' && inner !== null
}

function isMessageEvent(event: unknown): event is MessagesStreamEvent {
  return messageEvents.has((Object(event) as { readonly type?: string }).type ?? '')
}

/** A tool that began or ended within the send. */
function isWithin(event: unknown): boolean {
  const { path, action } = Object(event) as { readonly path?: unknown; readonly action?: unknown }
  return Array.isArray(path) && typeof action === 'string'
}
