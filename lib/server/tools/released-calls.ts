import type { MessageBlock, MessagesStreamEvent } from '../../claude/accumulate.js'
import { isToolUse } from '../../claude/tool-hold.js'
import type { ToolUse } from '../../core/types.js'

/** Reads the tool calls out of the events that a client is sent: each when its last event goes. */
export class ReleasedCalls {
  #open: { readonly index: number; readonly block: MessageBlock; json: string } | undefined

  /** The call that is whole with this event. */
  take(event: MessagesStreamEvent): ToolUse | undefined {
    switch (event.type) {
      case 'content_block_start':
        this.#open = isToolUse(event.content_block) ? { index: event.index, block: event.content_block, json: '' } : undefined
        return
      case 'content_block_delta':
        if (this.#open?.index === event.index) this.#open.json += event.delta.partial_json ?? ''
        return
      case 'content_block_stop':
        return this.#open?.index === event.index ? this.#whole() : undefined
    }
  }

  #whole(): ToolUse {
    const { block, json } = this.#open!
    this.#open = undefined
    return { id: block.id ?? '', name: block.name ?? '', input: json === '' ? block.input : parsed(json) }
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    return undefined
  }
}
